"""The evidence for a recipe: predictions of cells that the models never saw, thresholds, and figures."""

import math
from dataclasses import dataclass, replace

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
    stricter,
    stricter_by_rate,
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

    def measured(self) -> "OutOfFold":
        """The predictions of the cells that figures are measured on."""
        chosen = self.dataset.is_measured_by
        alone = self.by_subject_alone
        return replace(
            self,
            dataset=self.dataset.part(chosen),
            fold_of=self.fold_of[chosen],
            probabilities=self.probabilities[chosen],
            by_subject_alone=None if alone is None else alone[chosen],
        )


@dataclass(frozen=True)
class Evidence:
    """How good a recipe is.

    Attributes:
        predictions: of the cells that figures are measured on.
        learned_from: these and all other cells of the run.
        audits: number of audited cells that thresholds were chosen by, too.
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
    learned_from: Dataset
    audits: int
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


def measure(predictions: OutOfFold, learned_from: Dataset, seed: int, replicates: int = REPLICATES) -> Evidence:
    """Choose thresholds on predictions, and measure both.

    Audited cells are those that an earlier model decided: the cells that it flagged, the harder ones, are missing among
    them. So they may make thresholds stricter, but never bolder, and figures do not rest on them.

    Args:
        predictions: of the cells that folds hold out.
        learned_from: these and all other cells of the run.
        seed: of the bootstrap.
        replicates: draws of subjects behind the intervals.

    Raises:
        CalibrationError: the predictions allow no thresholds.
    """
    everything, predictions, rates = predictions, predictions.measured(), ErrorRates()
    probabilities, cells = predictions.probabilities, predictions.dataset
    table = LabelledPredictions(probabilities, cells.is_all, cells.groups)
    thresholds = choose_thresholds(table, rates, predictions.unlike_above)
    by_error_rate = tabulate_thresholds(table)
    audits = len(everything.probabilities) - len(probabilities)
    if audits:
        of_all = everything.dataset
        whole = LabelledPredictions(everything.probabilities, of_all.is_all, of_all.groups, of_all.weights)
        thresholds = stricter(thresholds, choose_thresholds(whole, rates, predictions.unlike_above))
        by_error_rate = stricter_by_rate(by_error_rate, tabulate_thresholds(whole))

    def metrics_of(values: NDArray[np.float64]) -> Metrics:
        return evaluate(values, cells.is_all, cells.groups, thresholds, seed, replicates)

    alone = predictions.by_subject_alone
    return Evidence(
        predictions=predictions,
        learned_from=learned_from,
        audits=audits,
        rates=rates,
        thresholds=thresholds,
        by_error_rate=by_error_rate,
        achieved=achieved(probabilities, cells.is_all, thresholds),
        groups=table.groups_of_class,
        unseen=on_unseen_subjects(table, rates),
        review_by_healthy_groups=review_by_healthy_groups(table, rates, seed),
        metrics=metrics_of(probabilities),
        per_subject=per_subject(probabilities, cells.is_all, cells.subjects),
        metrics_by_subject_alone=None if alone is None else metrics_of(alone),
    )
