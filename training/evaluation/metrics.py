"""Figures of how well predictions agree with the experts' labels, with intervals over subjects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from lambda_fn.decisions import Thresholds
from training.evaluation.thresholds import achieved

# Draws of subjects behind an interval, and the share of them that lies within.
REPLICATES = 1000
CONFIDENCE = 0.95

Figures = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval.

    Attributes:
        value: on all cells.
        low: lower end of the 95 % interval.
        high: upper end.
    """

    value: float
    low: float
    high: float


Metrics = dict[str, dict[str, Estimate]]


def figures(probabilities: NDArray[np.float64], is_all: NDArray[np.bool_], thresholds: Thresholds) -> Figures:
    """Measure predictions.

    Args:
        probabilities: float array of shape (n,), 0 to 1: probability of ALL.
        is_all: boolean array of shape (n,), of both classes.
        thresholds: where decisions change.

    Returns:
        Figures from 0 to 1. ``ranking``: area under the ROC curve, and under the precision-recall curve of ALL.
        ``at_half``, a probability of 0.5, and ``at_operating_point``: accuracy, balanced accuracy, sensitivity,
        specificity, F1 weighted by class. ``calibration``: expected error. ``triage``: share of cells for review, and
        share of each class that is decided wrongly without review.
    """
    rates = achieved(probabilities, is_all, thresholds)
    return {
        "ranking": {
            "roc_auc": float(roc_auc_score(is_all, probabilities)),
            "average_precision": float(average_precision_score(is_all, probabilities)),
        },
        "at_half": _figures_at(0.5, probabilities, is_all),
        "at_operating_point": _figures_at(thresholds.operating_point, probabilities, is_all),
        "calibration": {"expected_error": calibration_error(probabilities, is_all)},
        "triage": {name: rates[name] for name in ("review_share", "all_decided_normal", "normal_decided_all")},
    }


def per_subject(
    probabilities: NDArray[np.float64], is_all: NDArray[np.bool_], subjects: NDArray[np.str_]
) -> dict[str, dict[str, float]]:
    """Spread of subjects: the share of a subject's cells that a probability of 0.5 calls right.

    Args:
        probabilities: as in ``figures``.
        is_all: as in ``figures``.
        subjects: string array of shape (n,).

    Returns:
        For ``ALL`` and ``normal`` the number of subjects, and the lowest, median and highest share, 0 to 1.
    """
    right = (probabilities >= 0.5) == is_all
    spread = {}
    for label, of_class in (("ALL", is_all), ("normal", ~is_all)):
        shares = [float(right[of_class & (subjects == subject)].mean()) for subject in np.unique(subjects[of_class])]
        lowest, median, highest = (float(value) for value in np.quantile(shares, (0, 0.5, 1)))
        spread[label] = {"subjects": len(shares), "lowest": lowest, "median": median, "highest": highest}
    return spread


def calibration_error(probabilities: NDArray[np.float64], is_all: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error, 0 to 1 (Naeini, Cooper & Hauskrecht 2015, AAAI): bins of equal width.

    Args:
        probabilities: as in ``figures``.
        is_all: as in ``figures``.
        bins: number of bins.
    """
    bin_of = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = [abs((probabilities - is_all)[bin_of == number].sum()) for number in range(bins)]
    return float(sum(gaps) / len(probabilities))


def _figures_at(threshold: float, probabilities: NDArray[np.float64], is_all: NDArray[np.bool_]) -> dict[str, float]:
    # scikit-learn's functions would take most of a bootstrap's time to check their arguments.
    is_called_all = probabilities >= threshold
    of_all, of_normal = int(is_all.sum()), int((~is_all).sum())
    right_all, right_normal = int((is_called_all & is_all).sum()), int((~is_called_all & ~is_all).sum())
    wrong = len(is_all) - right_all - right_normal
    f1_all, f1_normal = (2 * right / (2 * right + wrong) for right in (right_all, right_normal))
    return {
        "accuracy": 1 - wrong / len(is_all),
        "balanced_accuracy": (right_all / of_all + right_normal / of_normal) / 2,
        "sensitivity": right_all / of_all,
        "specificity": right_normal / of_normal,
        "weighted_f1": (of_all * f1_all + of_normal * f1_normal) / len(is_all),
    }


def draws_of_subjects(
    is_all: NDArray[np.bool_], groups: NDArray[np.int64], seed: int, replicates: int = REPLICATES
) -> Iterator[NDArray[np.int64]]:
    """Draw subjects with replacement, each with all of its cells (the cluster bootstrap).

    Args:
        is_all: boolean array of shape (n,), of both classes.
        groups: integer array of shape (n,).
        seed: of the draws.
        replicates: number of draws.

    Yields:
        Indices of the cells of a draw. A draw of one class only is repeated, since half of its figures are undefined.
    """
    of_both = (draw for draw in draws_of_groups(groups, seed) if 0 < is_all[draw].sum() < len(draw))
    yield from islice(of_both, replicates)


def draws_of_groups(groups: NDArray[np.int64], seed: int) -> Iterator[NDArray[np.int64]]:
    """Draw groups with replacement, each with all of its cells, without end; yields the indices of each draw."""
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    generator = np.random.default_rng(seed)
    while True:
        yield np.concatenate([members[i] for i in generator.integers(len(members), size=len(members))])


def evaluate(
    probabilities: NDArray[np.float64],
    is_all: NDArray[np.bool_],
    groups: NDArray[np.int64],
    thresholds: Thresholds,
    seed: int,
    replicates: int = REPLICATES,
) -> Metrics:
    """Measure predictions, with the percentile intervals of a bootstrap that draws subjects, not cells.

    Cells of one subject resemble each other, so that intervals over cells would be far too narrow.

    Args:
        probabilities: as in ``figures``.
        is_all: as in ``figures``.
        groups: integer array of shape (n,): cells of one subject share a number.
        thresholds: as in ``figures``.
        seed: of the bootstrap.
        replicates: number of draws of subjects.

    Returns:
        Each figure with its interval. The interval is widened if it does not contain the figure: a binned calibration
        error is larger in nearly every draw.
    """
    draws = [
        figures(probabilities[draw], is_all[draw], thresholds)
        for draw in draws_of_subjects(is_all, groups, seed, replicates)
    ]
    return {
        part: {name: with_interval(value, [values[part][name] for values in draws]) for name, value in named.items()}
        for part, named in figures(probabilities, is_all, thresholds).items()
    }


def with_interval(value: float, drawn: Sequence[float]) -> Estimate:
    """Return a figure with the percentile interval of its draws, widened if it does not contain the figure."""
    tail = (1 - CONFIDENCE) / 2
    low, high = (float(end) for end in np.quantile(drawn, [tail, 1 - tail]))
    return Estimate(value, min(low, value), max(high, value))
