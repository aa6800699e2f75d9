"""Splits of data sets with cells that a model learns from, but that no figure may rest on."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from training.data.dataset import Dataset
from training.data.folds import Split
from training.errors import DatasetError

# Makes splits from labels and groups, as ``folds.folds`` takes them.
Deal = Callable[[NDArray[np.bool_], NDArray[np.int64]], Iterable[Split]]


def split_held_out_cells(dataset: Dataset, groups: NDArray[np.int64], deal: Deal) -> list[Split]:
    """Split the cells that may be held out, and let the others join their groups.

    Args:
        dataset: n cells.
        groups: integer array of shape (n,): cells with the same number stay together.
        deal: splits the cells that may be held out.

    Returns:
        Splits of all n cells, as ``with_cells_for_fitting`` makes them.

    Raises:
        DatasetError: ``deal`` refuses.
    """
    chosen = dataset.is_held_out
    splits = list(deal(dataset.is_all[chosen], groups[chosen]))
    return with_cells_for_fitting(splits, dataset.is_held_out, groups)


def with_cells_for_fitting(
    splits: Sequence[Split], is_held_out: NDArray[np.bool_], groups: NDArray[np.int64]
) -> list[Split]:
    """Add the cells for fitting alone to splits of the other cells.

    Such a cell joins the training, or the stopping if cells of its group do. If its group is held out, the split leaves
    it out altogether.

    Args:
        splits: of the cells that may be held out.
        is_held_out: boolean array of shape (n,): these cells.
        groups: integer array of shape (n,).
    """
    if is_held_out.all():
        return list(splits)
    cells, for_fitting = np.flatnonzero(is_held_out), np.flatnonzero(~is_held_out)
    whole = []
    for split in splits:
        training, stopping, held_out = (cells[part] for part in (split.training, split.stopping, split.held_out))
        with_stopping = np.isin(groups[for_fitting], groups[stopping])
        left_out = np.isin(groups[for_fitting], groups[held_out])
        whole.append(
            Split(
                np.sort(np.concatenate([training, for_fitting[~with_stopping & ~left_out]])),
                np.sort(np.concatenate([stopping, for_fitting[with_stopping & ~left_out]])),
                held_out,
            )
        )
    return whole


def require_cells_to_measure_by(dataset: Dataset) -> None:
    """Check that figures rest on cells of both classes that nobody chose by a model's view.

    Raises:
        DatasetError: they do not.
    """
    if len(np.unique(dataset.is_all[dataset.is_measured_by])) < 2:
        raise DatasetError(
            "Reviewed cells alone measure no model: flagged ones are not like the others, and audits lack the flagged "
            "ones. Index them together with the data set that the present model was made from."
        )
