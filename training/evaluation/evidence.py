"""The evidence for a recipe: predictions of cells that the models never saw, thresholds, and figures."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambda_fn.decisions import Thresholds
from training.data.dataset import Dataset
from training.evaluation.metrics import REPLICATES, Metrics, evaluate, per_subject
from training.evaluation.thresholds import (
    ErrorRates,
    LabelledPredictions,
    achieved,
    choose_thresholds,
    tabulate_thresholds,
)
from training.evaluation.unseen import UnseenRates, on_unseen_subjects, review_by_healthy_groups


@dataclass(frozen=True)
class OutOfFold:
    """Calibrated predictions. Each is by a model that never saw the cell's subject.

    Attributes:
        dataset: n labelled cells.
        fold_of: the fold that held each cell out, integer array of shape (n,), from 1.
        probabilities: of ALL, float array of shape (n,), 0 to 1.
        unlike_above: distance above which a cell is unlike the training data; infinite for a model that measures none.
        by_subject_alone: probabilities as above, but from folds that may part two subjects with a photograph in common.
            No model learned from a photograph of its held-out cells. None if no subjects share a photograph, or if this
            was not measured.
    """

    dataset: Dataset
    fold_of: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    unlike_above: float = math.inf
    by_subject_alone: NDArray[np.float64] | None = None

    @property
    def folds(self) -> int:
        """Number of folds."""
        return int(self.fold_of.max())


@dataclass(frozen=True)
class Evidence:
    """How good a recipe is.

    Attributes:
        predictions: of every cell.
        rates: the error rates that the thresholds are for.
        thresholds: where decisions change, chosen on the predictions.
        by_error_rate: thresholds for other error rates, as ``tabulate_thresholds`` gives them.
        achieved: error rates and share for review that the thresholds reach on the predictions.
        groups: number of groups of subjects with cells of each class: all that the promised rates rest on.
        unseen: error rates on groups of subjects that were left out when the thresholds were chosen; None if there are
            too few.
        review_by_healthy_groups: simulated share of cells for review with other numbers of healthy groups.
        metrics: figures with intervals.
        per_subject: spread of subjects, as ``metrics.per_subject`` gives it.
        metrics_by_subject_alone: figures of ``predictions.by_subject_alone``, at the same thresholds; None without it.
    """

    predictions: OutOfFold
    rates: ErrorRates
    thresholds: Thresholds
    by_error_rate: dict[str, list[list[float]]]
    achieved: dict[str, float]
    groups: dict[str, int]
    unseen: UnseenRates | None
    review_by_healthy_groups: dict[int, float]
    metrics: Metrics
    per_subject: dict[str, dict[str, float]]
    metrics_by_subject_alone: Metrics | None


def measure(predictions: OutOfFold, seed: int, replicates: int = REPLICATES) -> Evidence:
    """Choose thresholds on predictions, and measure both.

    Args:
        predictions: of every cell.
        seed: of the bootstrap.
        replicates: draws of subjects behind the intervals.

    Raises:
        CalibrationError: the predictions allow no thresholds.
    """
    probabilities, cells, rates = predictions.probabilities, predictions.dataset, ErrorRates()
    table = LabelledPredictions(probabilities, cells.is_all, cells.groups)
    thresholds = choose_thresholds(table, rates, predictions.unlike_above)

    def metrics_of(values: NDArray[np.float64]) -> Metrics:
        return evaluate(values, cells.is_all, cells.groups, thresholds, seed, replicates)

    alone = predictions.by_subject_alone
    return Evidence(
        predictions=predictions,
        rates=rates,
        thresholds=thresholds,
        by_error_rate=tabulate_thresholds(table),
        achieved=achieved(probabilities, cells.is_all, thresholds),
        groups=table.groups_of_class,
        unseen=on_unseen_subjects(table, rates),
        review_by_healthy_groups=review_by_healthy_groups(table, rates, seed),
        metrics=metrics_of(probabilities),
        per_subject=per_subject(probabilities, cells.is_all, cells.subjects),
        metrics_by_subject_alone=None if alone is None else metrics_of(alone),
    )
