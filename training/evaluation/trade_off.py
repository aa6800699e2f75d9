"""The cost of stricter or laxer error rates, and the rates that thresholds reach on subjects they never saw."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.folds import deal
from training.evaluation.metrics import CONFIDENCE, Estimate, draws_of_subjects
from training.evaluation.thresholds import CalibrationError, ErrorRates, achieved, choose_thresholds

# Rates of cells of the class ALL decided normal.
TOLERATED = (0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.10, 0.12, 0.15)
# Parts that subjects are dealt out to; each part is left out once.
PARTS = 5


@dataclass(frozen=True)
class Unseen:
    """Rates that thresholds reach on cells of subjects that they were not chosen on; shares, 0 to 1.

    Attributes:
        all_decided_normal: of the class ALL.
        normal_decided_all: of normal cells.
        review_share: of all cells.
    """

    all_decided_normal: Estimate
    normal_decided_all: Estimate
    review_share: Estimate


def review_shares(
    probabilities: NDArray[np.float64], is_all: NDArray[np.bool_], normal_decided_all: float
) -> list[float]:
    """The share of cells for review, 0 to 1, at each of the rates in ``TOLERATED``; nan if no thresholds keep a rate.

    Args:
        probabilities: float array of shape (n,), 0 to 1.
        is_all: boolean array of shape (n,).
        normal_decided_all: the tolerated rate of the other error.
    """
    shares = []
    for rate in TOLERATED:
        try:
            # The operating point goes with the rate, since cells that are decided normal lie below it.
            thresholds = choose_thresholds(probabilities, is_all, ErrorRates(1 - rate, rate, normal_decided_all))
        except CalibrationError:
            shares.append(float("nan"))
        else:
            shares.append(achieved(probabilities, is_all, thresholds)["review_share"])
    return shares


def on_unseen_subjects(
    probabilities: NDArray[np.float64],
    is_all: NDArray[np.bool_],
    groups: NDArray[np.int64],
    rates: ErrorRates,
    seed: int,
    replicates: int = 1000,
) -> Unseen | None:
    """Choose thresholds on some subjects and count their errors on the others, until every cell has been counted.

    Args:
        probabilities: float array of shape (n,), 0 to 1.
        is_all: boolean array of shape (n,).
        groups: integer array of shape (n,): cells with one number stay together.
        rates: the thresholds are for these.
        seed: of the parts and the bootstrap.
        replicates: draws of subjects behind the intervals.

    Returns:
        The rates with 95 % intervals over subjects; None if a class has one subject only, or no thresholds keep the
        rates.
    """
    parts = min(PARTS, *(len(np.unique(groups[of_class])) for of_class in (is_all, ~is_all)))
    if parts < 2:
        return None
    part_of = deal(is_all, groups, parts, seed)
    decided_normal, decided_all = np.zeros(len(is_all), bool), np.zeros(len(is_all), bool)
    for part in np.unique(part_of):
        here = part_of == part
        try:
            thresholds = choose_thresholds(probabilities[~here], is_all[~here], rates)
        except CalibrationError:
            return None
        decided_normal[here] = probabilities[here] < thresholds.normal_below
        decided_all[here] = probabilities[here] >= thresholds.all_from

    def rates_on(cells: NDArray[np.int64]) -> tuple[float, float, float]:
        of_all = is_all[cells]
        normal, positive = decided_normal[cells], decided_all[cells]
        return float(normal[of_all].mean()), float(positive[~of_all].mean()), float((~normal & ~positive).mean())

    draws = np.array([rates_on(draw) for draw in draws_of_subjects(is_all, groups, seed, replicates)])
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(draws, (tail, 1 - tail), axis=0)
    values = zip(rates_on(np.arange(len(is_all))), low, high, strict=True)
    return Unseen(*(Estimate(value, float(least), float(most)) for value, least, most in values))
