"""Splits of a data set that never tear a subject apart."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.errors import DatasetError

if TYPE_CHECKING:
    from sklearn.model_selection import StratifiedGroupKFold

# One part in five of the subjects that a model may see decides when its training stops.
STOPPING_PARTS = 5


@dataclass(frozen=True)
class Split:
    """Indices of cells, an array for each part. A group of subjects is in one part only.

    Attributes:
        training: integer array of shape (k,): the model learns from these cells.
        stopping: integer array of shape (l,): the loss on these cells decides when training stops.
        held_out: integer array of shape (m,): the finished model predicts these cells; empty for a final model.
    """

    training: NDArray[np.int64]
    stopping: NDArray[np.int64]
    held_out: NDArray[np.int64]


def folds(is_all: NDArray[np.bool_], groups: NDArray[np.int64], count: int, seed: int) -> Iterator[Split]:
    """Split into folds, so that every cell is held out once.

    Args:
        is_all: boolean array of shape (n,).
        groups: integer array of shape (n,): cells with the same number stay together.
        count: number of folds, 2 or more.
        seed: of the shuffle.

    Raises:
        DatasetError: too few subjects of a class.
    """
    fewest = _fewest_groups(is_all, groups)
    if fewest < count:
        raise DatasetError(
            f"{count} folds need {count} subjects of each class, but one class has {fewest}; "
            "add subjects or ask for fewer folds."
        )
    everything = np.arange(len(is_all))
    for rest, held_out in _stratified(count, seed).split(everything, is_all, groups):
        training, stopping = _stopping(rest, is_all, groups, seed)
        yield Split(training, stopping, held_out)


def leave_out_duplicates(split: Split, photographs: NDArray[np.int64]) -> Split:
    """Leave cells out of training and stopping if they are duplicates of held-out cells of other subjects.

    Args:
        split: by subject alone.
        photographs: integer array of shape (n,): cells with the same number are the same cell.
    """
    held_out = photographs[split.held_out]
    training, stopping = (part[~np.isin(photographs[part], held_out)] for part in (split.training, split.stopping))
    return Split(training, stopping, split.held_out)


def final_split(is_all: NDArray[np.bool_], groups: NDArray[np.int64], seed: int) -> Split:
    """Split for a model that holds nothing out but the subjects that stop its training."""
    training, stopping = _stopping(np.arange(len(is_all)), is_all, groups, seed)
    return Split(training, stopping, np.arange(0))


def three_way(
    is_all: NDArray[np.bool_], groups: NDArray[np.int64], held_out: float, stopping: float, seed: int
) -> Split:
    """Split once into training, stopping and held-out cells.

    Args:
        is_all: boolean array of shape (n,).
        groups: integer array of shape (n,).
        held_out: share of the cells to hold out, above 0 and up to 0.5, as nearly as whole subjects allow.
        stopping: share of the cells that decide when training stops, above 0.
        seed: of the shuffle.

    Raises:
        DatasetError: too few subjects of a class.
    """
    everything = np.arange(len(is_all))
    rest, test = _part(everything, is_all, groups, held_out, seed)
    training, stopping_cells = _part(rest, is_all, groups, stopping / (1 - held_out), seed)
    return Split(training, stopping_cells, test)


def _part(
    cells: NDArray[np.int64], is_all: NDArray[np.bool_], groups: NDArray[np.int64], share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Take a share of the cells out: of all parts of about that size, the one that comes nearest to it."""
    parts = min(max(round(1 / share), 2), _fewest_groups(is_all[cells], groups[cells]))
    if parts < 2:
        raise DatasetError("Too few subjects: training, validation and test each need one subject of each class.")
    deals = list(_stratified(parts, seed).split(cells, is_all[cells], groups[cells]))
    rest, part = min(deals, key=lambda pair: abs(len(pair[1]) - share * len(cells)))
    return cells[rest], cells[part]


def _stopping(
    cells: NDArray[np.int64], is_all: NDArray[np.bool_], groups: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    parts = min(STOPPING_PARTS, _fewest_groups(is_all[cells], groups[cells]))
    if parts < 2:
        raise DatasetError(
            "Too few subjects: beside each fold there must be two subjects of each class, one to learn from and one to "
            "stop the training; add subjects or ask for more folds."
        )
    training, stopping = next(iter(_stratified(parts, seed).split(cells, is_all[cells], groups[cells])))
    return cells[training], cells[stopping]


def _stratified(parts: int, seed: int) -> "StratifiedGroupKFold":
    from sklearn.model_selection import StratifiedGroupKFold

    return StratifiedGroupKFold(parts, shuffle=True, random_state=seed)


def _fewest_groups(is_all: NDArray[np.bool_], groups: NDArray[np.int64]) -> int:
    return min(len(np.unique(groups[is_all])), len(np.unique(groups[~is_all])))
