"""Evens out classes and subjects of different size. Training alone does so; evaluation takes all cells as they are."""

import numpy as np
from numpy.typing import NDArray

# Ways to even out the classes: weigh the cells, leave out cells of the class ALL, or neither.
BALANCES = ("weights", "downsample", "none")
# Share of cells of the class ALL after downsampling, 0 to 1. The historical baseline's was the same.
SHARE_OF_ALL = 0.55


def balanced_weights(is_all: NDArray[np.bool_], groups: NDArray[np.int64]) -> NDArray[np.float32]:
    """Weight of each cell in the loss: both classes weigh the same, and a subject weighs as the root of its cells.

    With equal cells, a subject with 400 cells would outweigh ten with 20. With equal subjects, one with 2 cells would
    weigh as much as one with 400. The root lies between.

    Args:
        is_all: boolean array of shape (n,), of both classes.
        groups: integer array of shape (n,): cells of one subject share a number.

    Returns:
        float32 array of shape (n,) with mean 1.
    """
    _, group, cells = np.unique(groups, return_inverse=True, return_counts=True)
    weights = 1 / np.sqrt(cells[group])
    for of_class in (is_all, ~is_all):
        weights[of_class] *= len(is_all) / 2 / weights[of_class].sum()
    return np.asarray(weights, np.float32)


def downsample(
    indices: NDArray[np.int64], is_all: NDArray[np.bool_], seed: int, share: float = SHARE_OF_ALL
) -> NDArray[np.int64]:
    """Leave out cells of the class ALL by chance, until they are no more than a share of the cells.

    Args:
        indices: cells of a training part, shape (m,).
        is_all: boolean array of shape (n,), of the whole data set.
        seed: of the choice.
        share: of cells of the class ALL, 0 to 1.

    Returns:
        The remaining indices in their order, shape (k,).
    """
    of_all, of_normal = indices[is_all[indices]], indices[~is_all[indices]]
    most = int(len(of_normal) * share / (1 - share))
    if len(of_all) <= most:
        return indices
    sample = np.random.default_rng(seed).permutation(of_all)[:most]
    return indices[np.isin(indices, np.concatenate([sample, of_normal]))]
