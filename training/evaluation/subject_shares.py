"""Subjects instead of cells: the share of a subject's cells that are likelier ALL, and how well it separates subjects.

A laboratory asks about a patient. Every subject of the data has cells of one label, so these figures compare a slide
with known subjects; they do not diagnose a mixed smear.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambda_fn.decisions import Thresholds
from lambda_fn.known_subjects import Quantiles, SubjectSpread
from lambda_fn.slides import LEAST_CELLS
from training.evaluation.metrics import CONFIDENCE, REPLICATES, Estimate, draws_of_subjects


class SubjectShares(NamedTuple):
    """The cells of one class of one subject; a subject with cells of both classes has two entries.

    Attributes:
        subject: its name.
        label: the class.
        cells: how many there are.
        right_at_half: share of them that a probability of 0.5 calls right, 0 to 1.
        review: share of them that goes to a person, 0 to 1.
        share_all: share of them that a probability of 0.5 calls ALL; None of fewer than ``LEAST_CELLS`` cells.
        mean_probability_all: their mean probability of ALL, 0 to 1; None of fewer than ``LEAST_CELLS`` cells.
        group: number of the group of subjects that share cells.
    """

    subject: str
    label: str
    cells: int
    right_at_half: float
    review: float
    share_all: float | None
    mean_probability_all: float | None
    group: int


@dataclass(frozen=True)
class SubjectComparison:
    """How well the cells of a subject tell its class; part of the manifest, as ``metrics.subject_shares``.

    Attributes:
        least_cells: subjects with fewer cells are left out.
        left_out: how many these are.
        groups: groups of the other subjects.
        roc_auc: for ``share_all`` and ``mean_probability_all``, the area under the ROC curve over subjects. Its 95 %
            interval is of a bootstrap over groups. Empty if a class has no subject with enough cells.
        spread: for ``ALL`` and ``normal``, where the subjects lie; without a class that has none.
    """

    least_cells: int
    left_out: int
    groups: int
    roc_auc: dict[str, Estimate]
    spread: dict[str, SubjectSpread]


def shares_by_subject(
    probabilities: NDArray[np.float64],
    is_all: NDArray[np.bool_],
    subjects: NDArray[np.str_],
    groups: NDArray[np.int64],
    thresholds: Thresholds,
) -> list[SubjectShares]:
    """Sum up the cells of each subject, subjects with ALL first.

    Args:
        probabilities: float array of shape (n,), 0 to 1: probability of ALL.
        is_all: boolean array of shape (n,): labels.
        subjects: string array of shape (n,).
        groups: integer array of shape (n,): subjects that share cells have one number.
        thresholds: where decisions change.
    """
    called_all = probabilities >= 0.5
    review = (probabilities >= thresholds.normal_below) & (probabilities < thresholds.all_from)
    rows = []
    for label, of_class in (("ALL", is_all), ("normal", ~is_all)):
        for subject in np.unique(subjects[of_class]):
            cells = np.flatnonzero(of_class & (subjects == subject))
            share, mean = float(called_all[cells].mean()), float(probabilities[cells].mean())
            stated = len(cells) >= LEAST_CELLS
            rows.append(
                SubjectShares(
                    subject=str(subject),
                    label=label,
                    cells=len(cells),
                    right_at_half=share if label == "ALL" else float((~called_all[cells]).mean()),
                    review=float(review[cells].mean()),
                    share_all=share if stated else None,
                    mean_probability_all=mean if stated else None,
                    group=int(groups[cells[0]]),
                )
            )
    return rows


def compare_subjects(rows: Sequence[SubjectShares], seed: int, replicates: int = REPLICATES) -> SubjectComparison:
    """Measure how well the cells of a subject tell its class.

    Args:
        rows: as ``shares_by_subject`` gives them.
        seed: of the bootstrap.
        replicates: draws of groups behind the intervals.
    """
    stated = [row for row in rows if row.share_all is not None]
    shares = np.array([row.share_all for row in stated], np.float64)
    means = np.array([row.mean_probability_all for row in stated], np.float64)
    is_all = np.array([row.label == "ALL" for row in stated], bool)
    groups = np.array([row.group for row in stated], np.int64)
    roc_auc = {}
    if 0 < is_all.sum() < len(is_all):
        draws = [*draws_of_subjects(is_all, groups, seed, replicates)]
        roc_auc = {
            "share_all": _auc_with_interval(shares, is_all, draws),
            "mean_probability_all": _auc_with_interval(means, is_all, draws),
        }
    return SubjectComparison(
        least_cells=LEAST_CELLS,
        left_out=len(rows) - len(stated),
        groups=len(np.unique(groups)),
        roc_auc=roc_auc,
        spread={
            label: SubjectSpread(int(of_class.sum()), _quantiles(shares[of_class]), _quantiles(means[of_class]))
            for label, of_class in (("ALL", is_all), ("normal", ~is_all))
            if of_class.any()
        },
    )


def _quantiles(values: NDArray[np.float64]) -> Quantiles:
    return Quantiles(*(float(value) for value in np.quantile(values, (0, 0.25, 0.5, 0.75, 1))))


def _auc_with_interval(
    scores: NDArray[np.float64], is_all: NDArray[np.bool_], draws: Sequence[NDArray[np.int64]]
) -> Estimate:
    """The percentile interval, widened if it does not contain the figure, as in ``metrics.evaluate``."""
    value = _auc(scores, is_all)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile([_auc(scores[draw], is_all[draw]) for draw in draws], [tail, 1 - tail])
    return Estimate(value, min(float(low), value), max(float(high), value))


def _auc(scores: NDArray[np.float64], is_all: NDArray[np.bool_]) -> float:
    """Area under the ROC curve as the share of pairs in the right order (Mann & Whitney 1947); ties count half.

    Subjects are few, and so are their pairs; scikit-learn would check its arguments in each of a thousand draws.
    """
    above = np.sign(scores[is_all][:, None] - scores[~is_all])
    return float((above.mean() + 1) / 2)
