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
    """Indices of cells, shape (n,) each; no group of subjects stands in two of them.

    Attributes:
        training: the network learns from these.
        stopping: these tell when to stop.
        held_out: the finished model predicts these; empty for a final model.
    """

    training: NDArray[np.int64]
    stopping: NDArray[np.int64]
    held_out: NDArray[np.int64]


def folds(is_all: NDArray[np.bool_], groups: NDArray[np.int64], count: int, seed: int) -> Iterator[Split]:
    """Split into folds, so that every cell is held out once.

    Args:
        is_all: boolean array of shape (n,).
        groups: integer array of shape (n,): what must not be torn apart.
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
    for seen, held_out in _stratified(count, seed).split(everything, is_all, groups):
        training, stopping = _stopping(seen, is_all, groups, seed)
        yield Split(training, stopping, held_out)


def leave_out_doubles(split: Split, photographs: NDArray[np.int64]) -> Split:
    """Let nothing be learned from a photograph that stands among the held-out cells too, under another subject.

    Args:
        split: by subject alone.
        photographs: integer array of shape (n,): cells with one number are one cell.
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
        held_out: share of the cells to hold out, above 0 and up to 0.5; large subjects move what is reached.
        stopping: share of the cells to stop by, likewise.
        seed: of the shuffle.

    Raises:
        DatasetError: too few subjects of a class.
    """
    everything = np.arange(len(is_all))
    seen, tested = _part(everything, is_all, groups, held_out, seed)
    training, stops = _part(seen, is_all, groups, stopping / (1 - held_out), seed)
    return Split(training, stops, tested)


def _part(
    chosen: NDArray[np.int64], is_all: NDArray[np.bool_], groups: NDArray[np.int64], share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Take a share of the cells out; of all parts of that size, the one that comes nearest to the share."""
    parts = min(max(round(1 / share), 2), _fewest_groups(is_all[chosen], groups[chosen]))
    if parts < 2:
        raise DatasetError("Too few subjects: training, validation and test each need one subject of each class.")
    dealt = list(_stratified(parts, seed).split(chosen, is_all[chosen], groups[chosen]))
    rest, part = min(dealt, key=lambda pair: abs(len(pair[1]) - share * len(chosen)))
    return chosen[rest], chosen[part]


def _stopping(
    seen: NDArray[np.int64], is_all: NDArray[np.bool_], groups: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    parts = min(STOPPING_PARTS, _fewest_groups(is_all[seen], groups[seen]))
    if parts < 2:
        raise DatasetError(
            "Too few subjects: beside each fold there must be two subjects of each class, one to learn from and one to "
            "stop the training; add subjects or ask for more folds."
        )
    training, stopping = next(iter(_stratified(parts, seed).split(seen, is_all[seen], groups[seen])))
    return seen[training], seen[stopping]


def _stratified(parts: int, seed: int) -> "StratifiedGroupKFold":
    from sklearn.model_selection import StratifiedGroupKFold

    return StratifiedGroupKFold(parts, shuffle=True, random_state=seed)


def _fewest_groups(is_all: NDArray[np.bool_], groups: NDArray[np.int64]) -> int:
    return min(len(np.unique(groups[is_all])), len(np.unique(groups[~is_all])))
