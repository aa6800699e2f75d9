"""Chooses the distance above which a cell is unlike the training data, from cells that the models never saw."""

import math

import numpy as np
from numpy.typing import NDArray

from training.evaluation.rounding import at_or_above

# Share of the training data's kind of cells that counts as unlike it: a person can look at one cell in a hundred.
FLAGGED_AS_UNLIKE = 0.01


def choose_distance(distances: NDArray[np.float64]) -> float:
    """The distance that at most ``FLAGGED_AS_UNLIKE`` of new cells exceed, if they are of the training data's kind.

    A conformal threshold: of n + 1 exchangeable cells, the newest is as likely as any other to be the k-th farthest
    (Vovk, Gammerman & Shafer 2005, Algorithmic Learning in a Random World, chapter 2). With fewer cells than 1 in
    ``FLAGGED_AS_UNLIKE``, the farthest is taken.

    Args:
        distances: float array of shape (n,), of cells from models that never saw their subjects.
    """
    rank = max(math.floor(FLAGGED_AS_UNLIKE * (len(distances) + 1) + 1e-9) - 1, 0)
    return at_or_above(np.sort(distances)[::-1][rank])


def combine_distances(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[float, float]:
    """Bring two distances to one unit, in which each alone would flag as many cells as the other.

    Args:
        first: float array of shape (n,), of cells from models that never saw their subjects.
        second: float array of shape (n,), of the same cells.

    Returns:
        The factor from the second distance to the first, and the threshold of the larger of the two.
    """
    factor = choose_distance(first) / choose_distance(second)
    return factor, choose_distance(np.maximum(first, factor * second))
