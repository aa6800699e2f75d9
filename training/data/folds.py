"""Splits of a data set that never tear a subject apart."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.errors import DatasetError

# One part in five of the subjects that a model may see decides when its training stops.
STOPPING_PARTS = 5
# Random deals of which the most even one is taken. More would make the deals of different seeds alike.
_DEALS = 30


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
    part_of = deal(is_all, groups, count, seed)
    for part in range(count):
        training, stopping = _stopping(np.flatnonzero(part_of != part), is_all, groups, seed)
        yield Split(training, stopping, np.flatnonzero(part_of == part))


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
    part_of = deal(is_all[cells], groups[cells], parts, seed)
    taken = np.argmin(np.abs(np.bincount(part_of, minlength=parts) - share * len(cells)))
    return cells[part_of != taken], cells[part_of == taken]


def _stopping(
    cells: NDArray[np.int64], is_all: NDArray[np.bool_], groups: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    parts = min(STOPPING_PARTS, _fewest_groups(is_all[cells], groups[cells]))
    if parts < 2:
        raise DatasetError(
            "Too few subjects: beside each fold there must be two subjects of each class, one to learn from and one to "
            "stop the training; add subjects or ask for more folds."
        )
    part_of = deal(is_all[cells], groups[cells], parts, seed)
    return cells[part_of != 0], cells[part_of == 0]


def deal(is_all: NDArray[np.bool_], groups: NDArray[np.int64], parts: int, seed: int) -> NDArray[np.int64]:
    """Deal groups of subjects out to parts at random, each class evenly by subjects, and by cells as far as they allow.

    scikit-learn's ``StratifiedGroupKFold`` sorts the groups by size before it deals, so that subjects of different
    sizes are dealt alike for every seed, and nobody sees how much the deal alone changes a figure.

    Args:
        is_all: boolean array of shape (n,).
        groups: integer array of shape (n,): cells with the same number stay together.
        parts: number of parts, 2 or more; each class has as many groups at least.
        seed: of the deal.

    Returns:
        The part of each cell, from 0; integer array of shape (n,).

    Raises:
        DatasetError: subjects with cells of both classes leave a part without a class in every deal.
    """
    numbers, group_of = np.unique(groups, return_inverse=True)
    cells = np.zeros((2, len(numbers)))
    np.add.at(cells, (is_all.astype(int), group_of), 1)
    mostly_all = cells[1] > cells[0]
    generator = np.random.default_rng(seed)
    fairest, least = None, np.inf
    for _ in range(_DEALS):
        part_of_group = np.zeros(len(numbers), np.int64)
        for members in (np.flatnonzero(mostly_all), np.flatnonzero(~mostly_all)):
            seats = generator.permutation(parts)[np.arange(len(members)) % parts]
            part_of_group[generator.permutation(members)] = seats
        shares = np.stack([cells[:, part_of_group == part].sum(axis=1) for part in range(parts)]) / cells.sum(axis=1)
        unevenness = float(((shares - 1 / parts) ** 2).sum())
        if shares.all() and unevenness < least:
            fairest, least = part_of_group, unevenness
    if fairest is None:
        raise DatasetError("Subjects with cells of both classes leave no way to give each part both classes.")
    return np.asarray(fairest[group_of], np.int64)


def _fewest_groups(is_all: NDArray[np.bool_], groups: NDArray[np.int64]) -> int:
    return min(len(np.unique(groups[is_all])), len(np.unique(groups[~is_all])))
