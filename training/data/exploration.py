"""Measures every cell of a data set in one pass."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambda_fn.decisions import Label
from training.data.labelled_cell import LabelledCell, require_both_classes
from training.data.measures import measure
from training.data.reading import ReadCell, UnusableImageError, read_all
from training.errors import DatasetError

# Cells of each class that the report shows.
SAMPLES = 16


@dataclass(frozen=True)
class Exploration:
    """What a data set holds; entry i of every array belongs to cell i.

    Attributes:
        is_all: boolean array of shape (n,).
        subjects: string array of shape (n,).
        measures: float array of shape (n, measures), in the order of ``MEASURES``.
        sizes: how many images have each width and height, in pixels.
        means: mean image of each class, float array of shape (300, 300, 3), 0 to 255; each subject weighs the same.
        samples: some cells of each class, uint8 arrays of shape (300, 300, 3), from as many subjects as possible.
        left_out: why each image that could not be used was left out, one line each.
    """

    is_all: NDArray[np.bool_]
    subjects: NDArray[np.str_]
    measures: NDArray[np.float64]
    sizes: dict[tuple[int, int], int]
    means: dict[Label, NDArray[np.float64]]
    samples: dict[Label, list[NDArray[np.uint8]]]
    left_out: tuple[str, ...]

    def by_subject(self, column: int, of_class: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
        """Values of one measure: an array for each subject of a class, in the order of their names.

        Args:
            column: of ``measures``.
            of_class: boolean array of shape (n,).
        """
        values = self.measures[:, column]
        return [values[of_class & (self.subjects == subject)] for subject in np.unique(self.subjects[of_class])]


def explore(
    cells: Sequence[LabelledCell], seed: int, on_read: Callable[[int, int], None] = lambda done, total: None
) -> Exploration:
    """Read and measure every cell.

    Args:
        cells: of both classes.
        seed: of the choice of samples.
        on_read: called after each cell with the number of cells read and their total.

    Raises:
        DatasetError: no usable cell, or usable cells of one class only.
    """
    sample_names = _draw_samples(cells, seed)
    usable: list[LabelledCell] = []
    measures, left_out = [], []
    sizes: dict[tuple[int, int], int] = defaultdict(int)
    sums: dict[tuple[Label, str], NDArray[np.float64]] = {}
    counts: dict[tuple[Label, str], int] = defaultdict(int)
    samples: dict[Label, list[NDArray[np.uint8]]] = {"ALL": [], "normal": []}
    for cell, outcome in read_all(cells, _look, on_read):
        if isinstance(outcome, UnusableImageError):
            left_out.append(f"{cell.name}: {outcome}")
            continue
        values, square, size = outcome
        usable.append(cell)
        measures.append(values)
        sizes[size] += 1
        key = (cell.label, cell.subject)
        sums[key] = sums.get(key, 0) + square.astype(np.float64)
        counts[key] += 1
        if cell.name in sample_names:
            samples[cell.label].append(square)
    if not usable:
        raise DatasetError(f"No image could be used. {left_out[0]}")
    require_both_classes([cell.label for cell in usable], "What could be read")
    return Exploration(
        is_all=np.array([cell.label == "ALL" for cell in usable]),
        subjects=np.array([cell.subject for cell in usable]),
        measures=np.array(measures),
        sizes=dict(sizes),
        means={label: _mean_of_subjects(label, sums, counts) for label in samples},
        samples=samples,
        left_out=tuple(left_out),
    )


def _draw_samples(cells: Sequence[LabelledCell], seed: int) -> set[str]:
    """Names of some cells of each class: one of each subject, then a second of each, until there are enough."""
    generator = np.random.default_rng(seed)
    names: set[str] = set()
    for label in ("ALL", "normal"):
        cells_before: dict[str, int] = defaultdict(int)
        ranked: list[tuple[int, int, str]] = []
        for position in generator.permutation(len(cells)):
            cell = cells[position]
            if cell.label == label:
                ranked.append((cells_before[cell.subject], len(ranked), cell.name))
                cells_before[cell.subject] += 1
        names.update(name for _, _, name in sorted(ranked)[:SAMPLES])
    return names


def _look(read: ReadCell) -> tuple[list[float], NDArray[np.uint8], tuple[int, int]]:
    return measure(read), read.square(), (read.width, read.height)


def _mean_of_subjects(
    label: Label, sums: dict[tuple[Label, str], NDArray[np.float64]], counts: dict[tuple[Label, str], int]
) -> NDArray[np.float64]:
    """The mean image of a class, in which each subject weighs the same."""
    return np.asarray(np.mean([total / counts[key] for key, total in sums.items() if key[0] == label], axis=0))
