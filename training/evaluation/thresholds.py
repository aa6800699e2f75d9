"""Chooses the thresholds of a model from predictions of cells whose subjects the model never saw.

The thresholds are class-conditional (Mondrian) conformal ones: Vovk, Gammerman & Shafer, Algorithmic Learning in a
Random World (2005), chapter 4.5. From out-of-fold predictions they are cross-conformal (Vovk 2015, Annals of
Mathematics and Artificial Intelligence 74). Of n + 1 exchangeable cells of a class, the newest is as likely as any
other to be the k-th least. So it lies below the k-th least of the n others with probability k / (n + 1) at most. Cells
of one subject are not exchangeable with cells of another. The intervals over subjects show how much that matters.

MAPIE and crepes do not fit: they give prediction sets at one confidence for all classes, and must be asked about each
cell. The function needs two numbers in a manifest, each at an error rate of its own. The tests compare these thresholds
with MAPIE's.
"""

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import numpy as np
from numpy.typing import NDArray

from lambda_fn.decisions import Thresholds
from training.errors import TrainingError

# Thresholds have six decimals. Each is rounded to the side on which its error rate still holds.
RESOLUTION = Decimal("1e-6")
# Error rates that a deployment may choose instead of the default ones.
TABULATED_RATES = (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2)
# Share of the training data's kind of cells that counts as unlike it: a person can look at one cell in a hundred.
FLAGGED_AS_UNLIKE = 0.01


class CalibrationError(TrainingError):
    """Predictions that allow no thresholds."""


@dataclass(frozen=True)
class ErrorRates:
    """The error rates, each 0 to 1, that thresholds are chosen for.

    Attributes:
        sensitivity: least share of the class ALL at or above the operating point. The historical baseline's was 0.959.
        all_decided_normal: largest share of the class ALL that may be decided normal without review.
        normal_decided_all: largest share of normal cells that may be decided ALL without review.
    """

    sensitivity: float = 0.96
    all_decided_normal: float = 0.04
    normal_decided_all: float = 0.10


def choose_thresholds(
    probabilities: NDArray[np.float64],
    is_all: NDArray[np.bool_],
    rates: ErrorRates | None = None,
    unlike_above: float = math.inf,
) -> Thresholds:
    """Choose the thresholds that keep the error rates on these cells and send the fewest of them to review.

    Args:
        probabilities: float array of shape (n,), 0 to 1: probability of ALL.
        is_all: boolean array of shape (n,), of both classes.
        rates: the error rates; None for the default ones.
        unlike_above: from ``choose_distance``; infinite for a model that measures no distance.

    Raises:
        CalibrationError: one class is missing, or so many normal cells have probability 1 that no threshold keeps them
            from being decided ALL.
    """
    rates = rates or ErrorRates()
    of_all, of_normal = np.sort(probabilities[is_all]), np.sort(probabilities[~is_all])
    if not len(of_all) or not len(of_normal):
        raise CalibrationError("thresholds need predictions of both classes")
    operating_point = _normal_below(of_all, 1 - rates.sensitivity)
    normal_below = _normal_below(of_all, rates.all_decided_normal)
    all_from = _all_from(of_normal, rates.normal_decided_all)
    if all_from > 1:
        raise CalibrationError(
            f"more than {rates.normal_decided_all:.0%} of the normal cells have probability 1 of ALL: "
            "no threshold separates them; train a model that is less sure of itself"
        )
    return Thresholds(operating_point, min(normal_below, operating_point), max(all_from, operating_point), unlike_above)


def tabulate_thresholds(probabilities: NDArray[np.float64], is_all: NDArray[np.bool_]) -> dict[str, list[list[float]]]:
    """Thresholds for other error rates than the default ones, for a deployment to choose from.

    Args:
        probabilities: as in ``choose_thresholds``.
        is_all: as in ``choose_thresholds``.

    Returns:
        For ``all_decided_normal`` and ``normal_decided_all``, pairs of one of ``TABULATED_RATES`` and the threshold
        that keeps it. A rate is left out if there are too few cells for it, or if no threshold up to 1 keeps it.
    """
    of_all, of_normal = np.sort(probabilities[is_all]), np.sort(probabilities[~is_all])
    normal_below = [[rate, _normal_below(of_all, rate)] for rate in TABULATED_RATES if rate * (len(of_all) + 1) >= 1]
    all_from = [[rate, _all_from(of_normal, rate)] for rate in TABULATED_RATES if rate * (len(of_normal) + 1) >= 1]
    return {
        "all_decided_normal": normal_below,
        "normal_decided_all": [[rate, threshold] for rate, threshold in all_from if threshold <= 1],
    }


def _normal_below(of_all: NDArray[np.float64], rate: float) -> float:
    """The threshold below which at most ``rate`` of the class ALL lies; ``of_all`` in rising order."""
    return _floor(of_all[_rank(rate, len(of_all))])


def _all_from(of_normal: NDArray[np.float64], rate: float) -> float:
    """The threshold at or above which at most ``rate`` of the normal cells lies; ``of_normal`` in rising order.

    It is just above the highest probability that must stay below it, and above 1 if that is 1.
    """
    return _ceil(math.nextafter(of_normal[::-1][_rank(rate, len(of_normal))], 2))


def choose_distance(distances: NDArray[np.float64]) -> float:
    """The distance that at most ``FLAGGED_AS_UNLIKE`` of new cells exceed, if they are of the training data's kind.

    Args:
        distances: float array of shape (n,), of cells from models that never saw their subjects.
    """
    return _ceil(np.sort(distances)[::-1][_rank(FLAGGED_AS_UNLIKE, len(distances))])


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


def _rank(rate: float, count: int) -> int:
    """Rank, from 0, of the cell that gives a threshold beyond which at most ``rate`` of new cells lies.

    With fewer cells than 1 / rate there is no such cell, and the outermost one is taken.
    """
    return max(math.floor(rate * (count + 1) + 1e-9) - 1, 0)


def _floor(value: float) -> float:
    return float(Decimal(value).quantize(RESOLUTION, ROUND_FLOOR))


def _ceil(value: float) -> float:
    return float(Decimal(value).quantize(RESOLUTION, ROUND_CEILING))


def achieved(probabilities: NDArray[np.float64], is_all: NDArray[np.bool_], thresholds: Thresholds) -> dict[str, float]:
    """The error rates and the share of cells sent to review, each 0 to 1, that thresholds reach on labelled cells.

    Only probabilities count here. Cells that are unlike the training data go to review in addition: a share of
    ``FLAGGED_AS_UNLIKE`` among cells of the same kind.
    """
    review = (probabilities >= thresholds.normal_below) & (probabilities < thresholds.all_from)
    return {
        "sensitivity": float((probabilities[is_all] >= thresholds.operating_point).mean()),
        "all_decided_normal": float((probabilities[is_all] < thresholds.normal_below).mean()),
        "normal_decided_all": float((probabilities[~is_all] >= thresholds.all_from).mean()),
        "review_share": float(review.mean()),
    }
