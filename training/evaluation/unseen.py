"""The error rates that thresholds reach on subjects that they were not chosen on, and what more subjects would buy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambda_fn.decisions import Thresholds
from training.evaluation.group_bounds import draws_of_groups
from training.evaluation.metrics import CONFIDENCE, Estimate
from training.evaluation.thresholds import CalibrationError, ErrorRates, LabelledPredictions, choose_thresholds

# Numbers of groups of healthy subjects that ``review_by_healthy_groups`` tries.
HEALTHY_GROUPS = (10, 12, 20, 40)
# Draws of healthy groups behind each of its figures.
_SIMULATIONS = 50


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


@dataclass(frozen=True)
class UnseenRates:
    """The same rates in two ways.

    Attributes:
        subjects_even: means over groups of subjects, which weigh the same. The promise is about these.
        cells_even: shares of all cells, so that subjects with many cells weigh more.
    """

    subjects_even: Unseen
    cells_even: Unseen


@dataclass(frozen=True)
class _Counts:
    """Cells of each group: of ALL and normal, those decided wrongly, those for review; arrays of shape (groups,)."""

    of_all: NDArray[np.float64]
    of_normal: NDArray[np.float64]
    all_decided_normal: NDArray[np.float64]
    normal_decided_all: NDArray[np.float64]
    review: NDArray[np.float64]


def on_unseen_subjects(table: LabelledPredictions, rates: ErrorRates) -> UnseenRates | None:
    """Leave out each group of subjects in turn, choose thresholds on the others, and count the errors on this one.

    Args:
        table: predictions.
        rates: the thresholds are for these.

    Returns:
        The rates with 95 % intervals over groups; None if the groups are too few to leave one out, or no thresholds
        keep the rates.
    """
    decided_normal, decided_all = np.zeros(len(table.is_all), bool), np.zeros(len(table.is_all), bool)
    for group in np.unique(table.groups):
        here = table.groups == group
        try:
            thresholds = choose_thresholds(table.part(~here), rates)
        except CalibrationError:
            return None
        decided_normal[here] = table.probabilities[here] < thresholds.normal_below
        decided_all[here] = table.probabilities[here] >= thresholds.all_from
    counts = _count(table, decided_normal, decided_all)
    return UnseenRates(_unseen(counts, subjects_even=True), _unseen(counts, subjects_even=False))


def review_by_healthy_groups(table: LabelledPredictions, rates: ErrorRates, seed: int) -> dict[int, float]:
    """Simulate the share of cells for review, subjects weighing the same, with other numbers of healthy groups.

    Groups are drawn with replacement from the known ones. More groups narrow the bound, so the threshold can come
    nearer to the one that keeps the rate on the mean. New subjects of another kind are not simulated.

    Args:
        table: predictions.
        rates: the thresholds are for these.
        seed: of the draws.

    Returns:
        For each of ``HEALTHY_GROUPS``, the mean share over the draws, 0 to 1.
    """
    generator = np.random.default_rng(seed)
    of_all = np.flatnonzero(table.is_all)
    healthy = [np.flatnonzero(~table.is_all & (table.groups == g)) for g in np.unique(table.groups[~table.is_all])]
    shares = {}
    for count in HEALTHY_GROUPS:
        reviewed = []
        for _ in range(_SIMULATIONS):
            drawn = [healthy[i] for i in generator.integers(len(healthy), size=count)]
            cells = np.concatenate([of_all, *drawn])
            numbers = table.groups.max() + 1 + np.repeat(np.arange(count), [len(each) for each in drawn])
            groups = np.concatenate([table.groups[of_all], numbers])
            sample = LabelledPredictions(table.probabilities[cells], table.is_all[cells], groups)
            reviewed.append(_review_share(table, choose_thresholds(sample, rates)))
        shares[count] = float(np.mean(reviewed))
    return shares


def _review_share(table: LabelledPredictions, thresholds: Thresholds) -> float:
    normal, positive = table.probabilities < thresholds.normal_below, table.probabilities >= thresholds.all_from
    counts = _count(table, normal, positive)
    return float(_rates(counts, np.ones((1, len(counts.of_all))), subjects_even=True)[2][0])


def _count(table: LabelledPredictions, normal: NDArray[np.bool_], positive: NDArray[np.bool_]) -> _Counts:
    members = [table.groups == group for group in np.unique(table.groups)]

    def count(cells: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.array([float((cells & here).sum()) for here in members])

    return _Counts(
        of_all=count(table.is_all),
        of_normal=count(~table.is_all),
        all_decided_normal=count(normal & table.is_all),
        normal_decided_all=count(positive & ~table.is_all),
        review=count(~normal & ~positive),
    )


def _unseen(counts: _Counts, *, subjects_even: bool) -> Unseen:
    values = _rates(counts, np.ones((1, len(counts.of_all))), subjects_even=subjects_even)
    drawn = _rates(counts, draws_of_groups(len(counts.of_all)), subjects_even=subjects_even)
    tail = (1 - CONFIDENCE) / 2
    ends = [np.nanquantile(rate, (tail, 1 - tail)) for rate in drawn]
    return Unseen(
        *(Estimate(float(value[0]), float(low), float(high)) for value, (low, high) in zip(values, ends, strict=True))
    )


def _rates(counts: _Counts, weights: NDArray[np.float64], *, subjects_even: bool) -> list[NDArray[np.float64]]:
    """The three rates for each row of weights, shape (rows, groups); nan if a draw has no cell of the class."""

    def rate(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
        if subjects_even:
            part, whole = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0), (whole > 0).astype(float)
        total = weights @ whole
        return np.asarray(np.divide(weights @ part, total, out=np.full_like(total, np.nan), where=total > 0))

    return [
        rate(counts.all_decided_normal, counts.of_all),
        rate(counts.normal_decided_all, counts.of_normal),
        rate(counts.review, counts.of_all + counts.of_normal),
    ]
