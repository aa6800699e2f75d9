"""The predictions of one fold, kept in its folder so that a run that goes on need not train the fold again."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.tables import read_rows
from training.errors import DatasetError
from training.files import appearing
from training.fitting.checkpoints import CheckpointError, damaged

COLUMNS = ("sha256", "probability_all")


def write_held_out(table: Path, contents: Sequence[str], probabilities: NDArray[np.float64]) -> None:
    """Write the digest of each held-out cell's pixels, and the probability of ALL, shape (n,), 0 to 1."""
    with appearing(table) as arriving, arriving.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        rows.writerows((sha256, f"{value:.9g}") for sha256, value in zip(contents, probabilities, strict=True))


def read_held_out(table: Path, contents: Sequence[str]) -> NDArray[np.float64]:
    """Read what ``write_held_out`` wrote for these cells.

    Raises:
        CheckpointError: the table is damaged, or is of other cells.
    """
    try:
        rows = [row for _, row in read_rows(table, COLUMNS)[1]]
        probabilities = np.array([float(row["probability_all"]) for row in rows], np.float64)
    except (DatasetError, ValueError) as error:
        raise damaged(table) from error
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise damaged(table)
    if [row["sha256"] for row in rows] != [*contents]:
        raise CheckpointError(
            f"{table} holds predictions of other cells than its fold: remove the folder {table.parent} and --resume."
        )
    return probabilities
