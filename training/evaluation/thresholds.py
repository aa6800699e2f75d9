"""Chooses the thresholds of a model from predictions of cells whose subjects the model never saw.

Each class has a threshold of its own (class-conditional, or Mondrian: Vovk, Gammerman & Shafer 2005, Algorithmic
Learning in a Random World, chapter 4.5), and each keeps its error rate for a *subject* that was never seen: with a
confidence of 90 %, the mean over subjects of the share of wrong cells does not exceed the rate. ``group_bounds`` has
the bound. Conformal thresholds that count cells as exchangeable do not keep their rates on other subjects. Conformal
thresholds that count subjects (Lee, Barber & Willett 2023, arXiv 2306.06342) need hundreds of them to decide anything.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambda_fn.decisions import NOTHING_DECIDED_ALL, Thresholds
from training.errors import TrainingError
from training.evaluation.group_bounds import by_group, can_carry, highest_threshold, weights_by_group
from training.evaluation.rounding import at_or_above, at_or_below

# Error rates that a deployment may choose instead of the default ones.
TABULATED_RATES = (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2)
# Confidence of the upper bounds.
CONFIDENCE = 0.9


class CalibrationError(TrainingError):
    """Predictions that allow no thresholds."""


@dataclass(frozen=True)
class ErrorRates:
    """The error rates, each 0 to 1, that thresholds are chosen for: means over subjects, who weigh the same.

    Attributes:
        sensitivity: least share of the class ALL at or above the operating point, on the subjects that it is chosen
            on. The historical baseline's was 0.959.
        all_decided_normal: largest share of the class ALL that may be decided normal without review.
        normal_decided_all: largest share of normal cells that may be decided ALL without review.
    """

    sensitivity: float = 0.96
    all_decided_normal: float = 0.04
    normal_decided_all: float = 0.10


@dataclass(frozen=True)
class LabelledPredictions:
    """A table of predictions, from which thresholds are chosen.

    Attributes:
        probabilities: float array of shape (n,), 0 to 1: probability of ALL, by a model that never saw the subject.
        is_all: boolean array of shape (n,).
        groups: integer array of shape (n,): cells of one subject, or of subjects that share images, have one number.
        weights: float array of shape (n,), above 0: how many cells each stands for, if cells were not equally likely to
            be labelled. None if they were.
    """

    probabilities: NDArray[np.float64]
    is_all: NDArray[np.bool_]
    groups: NDArray[np.int64]
    weights: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Raise ``CalibrationError`` if a probability is not a number, or a class is missing."""
        if not np.isfinite(self.probabilities).all():
            missing = int((~np.isfinite(self.probabilities)).sum())
            raise CalibrationError(f"{missing} of {len(self.probabilities)} probabilities are not numbers")
        if not self.is_all.any() or self.is_all.all():
            raise CalibrationError("thresholds need predictions of both classes")

    @property
    def groups_of_class(self) -> dict[str, int]:
        """The number of groups with cells of each class, ``ALL`` and ``normal``."""
        return {
            label: len(np.unique(self.groups[of_class]))
            for label, of_class in (("ALL", self.is_all), ("normal", ~self.is_all))
        }

    def part(self, cells: NDArray[np.bool_] | NDArray[np.int64]) -> "LabelledPredictions":
        """The rows that a mask or indices choose."""
        weights = None if self.weights is None else self.weights[cells]
        return LabelledPredictions(self.probabilities[cells], self.is_all[cells], self.groups[cells], weights)

    def of_class(self, is_all: bool) -> "ClassByGroup":
        """The cells of a class by group. Normal ones are mirrored: the lowest would be decided ALL first."""
        chosen = self.is_all == is_all
        values, groups = self.probabilities[chosen] * (1 if is_all else -1), self.groups[chosen]
        weights = None if self.weights is None else weights_by_group(self.weights[chosen], values, groups)
        return ClassByGroup(by_group(values, groups), weights)


class ClassByGroup(NamedTuple):
    """The values of a class in rising order, an array for each group, and their weights, if they have any."""

    values: list[NDArray[np.float64]]
    weights: list[NDArray[np.float64]] | None


def choose_thresholds(
    table: LabelledPredictions, rates: ErrorRates | None = None, unlike_above: float = math.inf
) -> Thresholds:
    """Choose the thresholds that keep the error rates for other subjects, and send the fewest cells to review.

    A class with too few groups for its rate (``group_bounds.can_carry``) has no threshold: then no cell is decided
    normal, or none ALL, and such cells go to review.

    Args:
        table: predictions of both classes, two groups of each at least.
        rates: the error rates; None for the default ones.
        unlike_above: from ``distances.choose_distance``; infinite for a model that measures no distance.

    Raises:
        CalibrationError: all cells of a class are of one subject, all probabilities are equal, or so many normal cells
            have probability 1 that no threshold keeps them from being decided ALL.
    """
    rates = rates or ErrorRates()
    for label, groups in table.groups_of_class.items():
        if groups < 2:
            raise CalibrationError(
                f"all {label} cells are of one subject, so nothing is known of another subject; add subjects"
            )
    if np.ptp(table.probabilities) == 0:
        raise CalibrationError(
            f"all probabilities are {table.probabilities[0]:g}, so no threshold can tell the classes apart"
        )
    of_all = table.of_class(is_all=True)
    operating_point = at_or_below(highest_threshold(of_all.values, 1 - rates.sensitivity, None, of_all.weights))
    normal_below = _normal_below(of_all, rates.all_decided_normal)
    all_from = _all_from(table.of_class(is_all=False), rates.normal_decided_all)
    if all_from is not None and all_from > 1:
        raise CalibrationError(
            f"more than {rates.normal_decided_all:.0%} of the normal cells have probability 1 of ALL: "
            "no threshold separates them; train a model that is less sure of itself"
        )
    # If the classes lie so far apart that the thresholds cross, both rates are kept by one threshold for all three.
    normal_below = 0.0 if normal_below is None else min(normal_below, operating_point)
    all_from = NOTHING_DECIDED_ALL if all_from is None else max(all_from, normal_below)
    return Thresholds(min(operating_point, all_from), normal_below, all_from, unlike_above)


def tabulate_thresholds(table: LabelledPredictions) -> dict[str, list[list[float]]]:
    """Thresholds for other error rates than the default ones, for a deployment to choose from.

    Args:
        table: as in ``choose_thresholds``.

    Returns:
        For ``all_decided_normal`` and ``normal_decided_all``, pairs of one of ``TABULATED_RATES`` and the threshold
        that keeps it. A rate is left out if there are too few groups for it, or if no threshold up to 1 keeps it.
    """
    of_all, of_normal = table.of_class(is_all=True), table.of_class(is_all=False)
    normal_below = [(rate, _normal_below(of_all, rate)) for rate in TABULATED_RATES]
    all_from = [(rate, _all_from(of_normal, rate)) for rate in TABULATED_RATES]
    return {
        "all_decided_normal": [[rate, below] for rate, below in normal_below if below is not None],
        "normal_decided_all": [[rate, above] for rate, above in all_from if above is not None and above <= 1],
    }


def stricter(one: Thresholds, other: Thresholds) -> Thresholds:
    """Return thresholds that decide a cell only if both do, with the operating point of the first.

    The operating point decides nothing: models are compared at it.
    """
    return replace(
        one, normal_below=min(one.normal_below, other.normal_below), all_from=max(one.all_from, other.all_from)
    )


def stricter_by_rate(
    one: dict[str, list[list[float]]], other: dict[str, list[list[float]]]
) -> dict[str, list[list[float]]]:
    """Of two tables of ``tabulate_thresholds``, the stricter threshold of each rate that the first one offers."""
    strictest = {"all_decided_normal": min, "normal_decided_all": max}
    others = {name: {rate: value for rate, value in pairs} for name, pairs in other.items()}  # noqa: C416 - lists of two
    return {
        name: [[rate, strictest[name](value, others[name].get(rate, value))] for rate, value in pairs]
        for name, pairs in one.items()
    }


def _normal_below(of_all: ClassByGroup, rate: float) -> float | None:
    """The threshold below which at most ``rate`` of the class ALL lies; None if the groups cannot carry the rate."""
    if not can_carry(len(of_all.values), rate):
        return None
    return at_or_below(highest_threshold(of_all.values, rate, CONFIDENCE, of_all.weights))


def _all_from(of_normal: ClassByGroup, rate: float) -> float | None:
    """The threshold at or above which at most ``rate`` of the normal cells lies; None as above.

    It is just above the highest probability that must stay below it, and above 1 if that is 1.
    """
    if not can_carry(len(of_normal.values), rate):
        return None
    return at_or_above(math.nextafter(-highest_threshold(of_normal.values, rate, CONFIDENCE, of_normal.weights), 2))


def achieved(probabilities: NDArray[np.float64], is_all: NDArray[np.bool_], thresholds: Thresholds) -> dict[str, float]:
    """The error rates and the share of cells sent to review, each 0 to 1, that thresholds reach on labelled cells.

    Cells weigh the same here. Only probabilities count: cells that are unlike the training data go to review in
    addition, a share of ``distances.FLAGGED_AS_UNLIKE`` among cells of the same kind.

    Args:
        probabilities: float array of shape (n,), 0 to 1: probability of ALL.
        is_all: boolean array of shape (n,), of both classes.
        thresholds: where decisions change.
    """
    review = (probabilities >= thresholds.normal_below) & (probabilities < thresholds.all_from)
    return {
        "sensitivity": float((probabilities[is_all] >= thresholds.operating_point).mean()),
        "all_decided_normal": float((probabilities[is_all] < thresholds.normal_below).mean()),
        "normal_decided_all": float((probabilities[~is_all] >= thresholds.all_from).mean()),
        "review_share": float(review.mean()),
    }
