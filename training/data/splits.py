"""Splits in a file, so that any command, at any time, trains and measures on the same cells.

A column is one split and says of every image, known by the digest of its pixels, which part it is in: ``split`` alone
for training, validation and test, or ``fold_1`` to ``fold_k``, where each image is in the test part of one.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.data.dataset import Dataset
from training.data.folds import Split, folds
from training.data.tables import read_rows
from training.errors import DatasetError

KEYS = ("sha256", "path", "label", "subject")
PARTS = ("training", "validation", "test")


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
        column = np.zeros(len(cells), np.int64)
        column[split.stopping] = 1
        column[split.held_out] = 2
        columns.append([PARTS[part] for part in column])
    names = ["split"] if len(splits) == 1 else [f"fold_{number}" for number in range(1, len(splits) + 1)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow((*KEYS, *names))
        table.writerows((*cell, *parts) for cell, *parts in zip(cells, *columns, strict=True))


def read_splits(path: Path, dataset: Dataset) -> list[Split]:
    """Read splits, of the cells of a data set that stands in them; other lines of the file do not matter.

    Raises:
        DatasetError: not such a file, a cell is missing, or a group of subjects stands in several parts.
    """
    columns, rows = read_rows(path, ("sha256",))
    names = [name for name in columns if name not in KEYS]
    if not names:
        raise DatasetError(f"{path} holds no split; make one with `cellflag train split`.")
    parts_by_digest = {}
    for line, row in rows:
        if wrong := [row[name] for name in names if row[name] not in PARTS]:
            raise DatasetError(f"{path}, line {line}: a part is {', '.join(PARTS)}, not {wrong[0] or 'empty'}.")
        parts_by_digest[row["sha256"]] = [PARTS.index(row[name]) for name in names]
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
            of_group = dataset.groups == group
            if len(np.unique(part_of_cell[of_group, number])) > 1:
                subjects = ", ".join(np.unique(dataset.subjects[of_group]))
                raise DatasetError(f"{path}, {name}: subjects {subjects} belong together but stand in several parts.")
    return [
        Split(*(np.flatnonzero(part_of_cell[:, number] == part) for part in range(3))) for number in range(len(names))
    ]


def read_folds(path: Path, dataset: Dataset) -> list[Split]:
    """As ``read_splits``, of folds that hold out every cell once.

    Raises:
        DatasetError: as there, or cells are not held out once.
    """
    splits = read_splits(path, dataset)
    times = np.bincount(np.concatenate([split.held_out for split in splits]), minlength=len(dataset.names))
    if (times != 1).any():
        raise DatasetError(
            f"{path}: {(times != 1).sum():,} cells are not in the test part of exactly one fold; make folds with "
            "`cellflag train split --folds`."
        )
    return splits


def make_or_read_folds(count_or_file: int | Path, dataset: Dataset, seed: int) -> list[Split]:
    """So many new folds, or those of a file.

    Raises:
        DatasetError: too few subjects of a class, or as ``read_folds``.
    """
    if isinstance(count_or_file, Path):
        return read_folds(count_or_file, dataset)
    return list(folds(dataset.is_all, dataset.groups, count_or_file, seed))
