"""Splits in a file, so that different commands train and measure on the same cells.

A line is an image, known by the digest of its pixels. A column is a split, and holds the image's part: training,
validation or test. A single split has the column ``split``. Folds have the columns ``fold_1`` to ``fold_k``, and each
image is in the test part of one of them. A cell for fitting alone has no part in a fold that holds out its subject.
"""

import csv
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from training.data.dataset import Dataset
from training.data.folds import Split, folds
from training.data.tables import read_rows
from training.data.teaching import require_cells_to_measure_by, split_held_out_cells
from training.errors import DatasetError
from training.files import appearing

KEYS = ("sha256", "path", "label", "subject")
PARTS = ("training", "validation", "test")
# Of a cell for fitting alone whose subject is held out.
NO_PART = ""


def write_splits(path: Path, cells: Sequence[tuple[str, str, str, str]], splits: Sequence[Split]) -> None:
    """Write splits.

    Args:
        path: new file.
        cells: digest of the pixels, path, label and subject of each cell, n of them.
        splits: of these cells.

    Raises:
        FileExistsError: there is such a file.
    """
    columns = []
    for split in splits:
        column = np.full(len(cells), NO_PART, dtype="U10")
        for part, indices in zip(PARTS, (split.training, split.stopping, split.held_out), strict=True):
            column[indices] = part
        columns.append(column.tolist())
    names = ["split"] if len(splits) == 1 else [f"fold_{number}" for number in range(1, len(splits) + 1)]
    with appearing(path, new=True) as arriving, arriving.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow((*KEYS, *names))
        table.writerows((*cell, *parts) for cell, *parts in zip(cells, *columns, strict=True))


def read_splits(path: Path, dataset: Dataset) -> list[Split]:
    """Read splits of a data set. Lines of other cells are ignored.

    Raises:
        DatasetError: not such a file, a cell is missing, or a group of subjects is in several parts.
    """
    columns, rows = read_rows(path, ("sha256",))
    names = [name for name in columns if name not in KEYS]
    if not names:
        raise DatasetError(f"{path} holds no split; make one with `cellflag train split`.")
    held_out = set(np.array(dataset.contents)[dataset.is_held_out].tolist())
    parts_by_digest = {}
    for line, row in rows:
        known = PARTS if row["sha256"] in held_out else (*PARTS, NO_PART)
        if wrong := [row[name] for name in names if row[name] not in known]:
            raise DatasetError(f"{path}, line {line}: a part is {', '.join(PARTS)}, not {wrong[0] or 'empty'}.")
        parts_by_digest[row["sha256"]] = [(*PARTS, NO_PART).index(row[name]) for name in names]
    missing = [
        name for name, content in zip(dataset.names, dataset.contents, strict=True) if content not in parts_by_digest
    ]
    if missing:
        raise DatasetError(
            f"{path} does not say where {missing[0]} belongs, and {len(missing) - 1:,} others; split the data anew."
        )
    part_of_cell = np.array([parts_by_digest[content] for content in dataset.contents])
    for number, name in enumerate(names):
        for group in np.unique(dataset.groups):
            of_group = (dataset.groups == group) & (part_of_cell[:, number] < len(PARTS))
            if len(np.unique(part_of_cell[of_group, number])) > 1:
                subjects = ", ".join(np.unique(dataset.subjects[of_group]))
                raise DatasetError(f"{path}, {name}: subjects {subjects} belong together but are in several parts.")
    return [
        Split(*(np.flatnonzero(part_of_cell[:, number] == part) for part in range(3))) for number in range(len(names))
    ]


def read_folds(path: Path, dataset: Dataset) -> list[Split]:
    """Read folds of a data set: splits that hold out every cell once, but no cell for fitting alone.

    Raises:
        DatasetError: as in ``read_splits``, or a cell is not held out exactly once.
    """
    splits = read_splits(path, dataset)
    times = np.bincount(np.concatenate([split.held_out for split in splits]), minlength=len(dataset.names))
    if (wrong := times != dataset.is_held_out).any():
        raise DatasetError(
            f"{path}: {wrong.sum():,} cells are not in the test part of exactly one fold; make folds with "
            "`cellflag train split --folds`."
        )
    return splits


def make_or_read_folds(count_or_file: int | Path, dataset: Dataset, seed: int) -> list[Split]:
    """Make folds, or read them from a file.

    Args:
        count_or_file: number of folds, or the file.
        dataset: what is split.
        seed: of new folds.

    Raises:
        DatasetError: too few subjects of a class, no cells to measure by, or as in ``read_folds``.
    """
    require_cells_to_measure_by(dataset)
    if isinstance(count_or_file, Path):
        return read_folds(count_or_file, dataset)
    return split_held_out_cells(dataset, dataset.groups, partial(folds, count=count_or_file, seed=seed))
