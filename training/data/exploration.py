"""Measures every cell of a data set in one pass, and compares the classes by their subjects."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.stats import mannwhitneyu

from lambda_fn.cells import to_model_input
from lambda_fn.decisions import Label
from lambda_fn.manifest import Preprocessing
from training.data.reading import ReadCell, UnusableImageError, read_all
from training.data.sources import Cell, require_both_classes
from training.errors import DatasetError

SHOWN_PX = 300
"""Side of the square around a cell that samples and mean images show, at the image's own scale."""
SAMPLES = 16

MEASURES = (
    "diameter, px",
    "roundness",
    "fine texture",
    "red",
    "green",
    "blue",
    "brightness",
    "saturation",
    "contrast",
)


@dataclass(frozen=True)
class Exploration:
    """What a data set holds; entry i of every array is of one cell.

    Attributes:
        is_all: boolean array of shape (n,).
        subjects: string array of shape (n,).
        measures: float array of shape (n, 9), in the order of ``MEASURES``.
        sizes: how many images have each width and height, in pixels.
        means: of each class the mean image, float array of shape (300, 300, 3), 0 to 255; each subject weighs the same.
        samples: of each class some cells of different subjects, as far as there are, uint8 of shape (300, 300, 3).
        left_out: why each image that could not be used was left out.
    """

    is_all: NDArray[np.bool_]
    subjects: NDArray[np.str_]
    measures: NDArray[np.float64]
    sizes: dict[tuple[int, int], int]
    means: dict[Label, NDArray[np.float64]]
    samples: dict[Label, list[NDArray[np.uint8]]]
    left_out: tuple[str, ...]


def explore(
    cells: Sequence[Cell], seed: int, on_read: Callable[[int, int], None] = lambda done, total: None
) -> Exploration:
    """Read and measure every cell.

    Args:
        cells: of both classes.
        seed: of the choice of samples.
        on_read: called after each cell with the number of cells read and their total.

    Raises:
        DatasetError: no usable cell, or usable cells of one class only.
    """
    shown = _choose_samples(cells, seed)
    kept, measures, left_out = [], [], []
    sizes: dict[tuple[int, int], int] = defaultdict(int)
    sums: dict[tuple[Label, str], NDArray[np.float64]] = {}
    counts: dict[tuple[Label, str], int] = defaultdict(int)
    samples: dict[Label, list[NDArray[np.uint8]]] = {"ALL": [], "normal": []}
    for cell, outcome in read_all(cells, _look, on_read):
        if isinstance(outcome, UnusableImageError):
            left_out.append(f"{cell.name}: {outcome}")
            continue
        values, around, size = outcome
        kept.append(cell)
        measures.append(values)
        sizes[size] += 1
        key = (cell.label, cell.subject)
        sums[key] = sums.get(key, 0) + around.astype(np.float64)
        counts[key] += 1
        if cell.name in shown:
            samples[cell.label].append(around)
    if not kept:
        raise DatasetError(f"No image could be used. {left_out[0]}")
    require_both_classes({cell.label for cell in kept}, "What could be read")
    return Exploration(
        is_all=np.array([cell.label == "ALL" for cell in kept]),
        subjects=np.array([cell.subject for cell in kept]),
        measures=np.array(measures),
        sizes=dict(sizes),
        means={
            label: np.mean([total / counts[key] for key, total in sums.items() if key[0] == label], axis=0)
            for label in samples
        },
        samples=samples,
        left_out=tuple(left_out),
    )


def _choose_samples(cells: Sequence[Cell], seed: int) -> set[str]:
    """Names of some cells of each class: one of each subject, then a second of each, until there are enough."""
    generator = np.random.default_rng(seed)
    chosen: set[str] = set()
    for label in ("ALL", "normal"):
        turns: dict[str, int] = defaultdict(int)
        ranked: list[tuple[int, int, str]] = []
        for position in generator.permutation(len(cells)):
            cell = cells[position]
            if cell.label == label:
                ranked.append((turns[cell.subject], len(ranked), cell.name))
                turns[cell.subject] += 1
        chosen.update(name for _, _, name in sorted(ranked)[:SAMPLES])
    return chosen


def _look(read: ReadCell) -> tuple[list[float], NDArray[np.uint8], tuple[int, int]]:
    around = to_model_input(read.cell, Preprocessing(SHOWN_PX, SHOWN_PX))
    return measure(read), around, (read.width, read.height)


def measure(read: ReadCell) -> list[float]:
    """The measures of one cell, in the order of ``MEASURES``.

    Diameter is that of the circle of the mask's area. Roundness is the mask's area over that of the circle around its
    bounding box's longer side, 1 for a circle. Fine texture is the standard deviation, in grey levels, of what a
    Gaussian of 1 px keeps and one of 4 px does not: the grain of the chromatin. Colours are means over the cell, 0 to
    255; saturation is that of the mean colour, 0 to 1; contrast is the standard deviation of brightness, grey levels.
    """
    mask = read.cell.mask
    area = float(np.count_nonzero(mask))
    lit = [np.flatnonzero(mask.any(axis=axis)) for axis in (0, 1)]
    longest = max(int(places[-1] - places[0]) + 1 for places in lit)
    colours = read.cell.pixels[mask].astype(np.float64)
    red, green, blue = colours.mean(axis=0)
    brightness = colours.mean(axis=1)
    saturation = 1 - min(red, green, blue) / max(red, green, blue, 1e-9)
    return [
        float(np.sqrt(4 * area / np.pi)),
        float(area / (np.pi / 4 * longest**2)),
        _fine_texture(read.cell.pixels.mean(axis=2), mask),
        float(red),
        float(green),
        float(blue),
        float(brightness.mean()),
        float(saturation),
        float(brightness.std()),
    ]


def _fine_texture(brightness: NDArray[np.float64], mask: NDArray[np.bool_]) -> float:
    """Blurring within the mask: what lies outside counts nothing (Knutsson & Westin 1993, normalized convolution)."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    inside = mask[box].astype(np.float32)
    within = brightness[box].astype(np.float32) * inside
    fine, coarse = (
        gaussian_filter(within, sigma) / np.maximum(gaussian_filter(inside, sigma), 1e-6) for sigma in (1, 4)
    )
    return float((fine - coarse)[mask[box]].std())


@dataclass(frozen=True)
class Comparison:
    """How a measure differs between the classes.

    Attributes:
        measure: its name.
        all_median: over ALL cells.
        normal_median: over normal cells.
        superiority: how likely a subject with ALL, drawn by chance, has the higher mean than a healthy one, 0 to 1; 0.5
            where classes do not differ (Vargha & Delaney 2000, J. Educ. Behav. Stat. 25).
        p_value: of the Mann-Whitney test on subjects' means, after Holm's correction for all measures.
        between_subjects: share of the variance within classes that lies between subjects, 0 to 1 (eta squared).
    """

    measure: str
    all_median: float
    normal_median: float
    superiority: float
    p_value: float
    between_subjects: float


def compare_classes(explored: Exploration) -> list[Comparison]:
    """Compare the classes in every measure.

    Cells of one subject resemble each other, so a test on cells would take any difference between a few people for one
    between classes: the subject is the unit.
    """
    rows = []
    for number, name in enumerate(MEASURES):
        values = explored.measures[:, number]
        means, between, within = [], 0.0, 0.0
        for of_class in (explored.is_all, ~explored.is_all):
            of_subjects = [values[of_class & (explored.subjects == s)] for s in np.unique(explored.subjects[of_class])]
            means.append(np.array([each.mean() for each in of_subjects]))
            centre = values[of_class].mean()
            between += sum(len(each) * (each.mean() - centre) ** 2 for each in of_subjects)
            within += sum(((each - each.mean()) ** 2).sum() for each in of_subjects)
        test = mannwhitneyu(*means, alternative="two-sided")
        rows.append(
            Comparison(
                name,
                float(np.median(values[explored.is_all])),
                float(np.median(values[~explored.is_all])),
                float(test.statistic / (len(means[0]) * len(means[1]))),
                float(test.pvalue),
                float(between / (between + within)) if between + within else 0.0,
            )
        )
    return _with_holm(rows)


def _with_holm(rows: list[Comparison]) -> list[Comparison]:
    """Multiply p-values as Holm (1979, Scand. J. Stat. 6) corrects for many tests."""
    corrected, least = {}, 0.0
    for rank, row in enumerate(sorted(rows, key=lambda row: row.p_value)):
        least = max(least, min(1.0, row.p_value * (len(rows) - rank)))
        corrected[row.measure] = least
    return [Comparison(**{**vars(row), "p_value": corrected[row.measure]}) for row in rows]
