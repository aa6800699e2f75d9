"""Groups of subjects that share cells; no split may divide a group."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.data.labelled_cell import LabelledCell


def groups_of(cells: Sequence[LabelledCell], photographs: Sequence[str] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the groups of subjects.

    A cell under two subjects' names is one cell of one person, so both names must stay on one side of a split. An index
    leaves the duplicate out but keeps the group.

    Args:
        cells: n cells.
        photographs: n digests of their pixels, or numbers of the photographs that they were cut out of.

    Returns:
        Integer array of shape (n,), from 0.
    """
    subjects = np.array([cell.subject for cell in cells])
    indexed_groups = [cell.group or f"subject {cell.subject}" for cell in cells]
    return linked_groups(subjects, indexed_groups, photographs)


def linked_groups(subjects: NDArray[np.str_], *shared: Sequence[str] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the groups of subjects that are linked by something shared, along any chain.

    Args:
        subjects: string array of shape (n,).
        shared: lists of n strings or numbers each; two cells with the same entry in a list are linked.

    Returns:
        Integer array of shape (n,), from 0.
    """
    _, group = np.unique(subjects, return_inverse=True)
    members = [np.unique(np.asarray(names), return_inverse=True)[1] for names in (subjects, *shared)]
    while True:  # each cell takes the least number among the cells that it shares something with
        before = group
        for member in members:
            least = np.full(len(group), len(group))
            np.minimum.at(least, member, group)
            group = least[member]
        if np.array_equal(group, before):
            return np.asarray(np.unique(group, return_inverse=True)[1], np.int64)
