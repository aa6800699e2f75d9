"""The figures of predictions that an evaluation's report states."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambda_fn.decisions import Thresholds
from training.evaluation.metrics import Metrics, calibration_error, evaluate
from training.evaluation.predictions import Predictions
from training.evaluation.scaling import Scaling, choose_scaling
from training.evaluation.subject_shares import SubjectComparison, SubjectShares, compare_subjects, shares_by_subject
from training.evaluation.thresholds import ErrorRates, LabelledPredictions, choose_thresholds
from training.evaluation.unseen import UnseenRates, on_unseen_subjects

# A smaller gain in expected calibration error is not worth another step between a network and its probability.
WORTH_SCALING = 0.01


@dataclass(frozen=True)
class Assessment:
    """Figures of predictions.

    Attributes:
        thresholds: the model's own, or those that the predictions allow.
        rates: the error rates that thresholds are chosen for.
        metrics: figures with their intervals.
        table: the predictions as thresholds are chosen from them.
        unseen: error rates on groups of subjects that were left out when thresholds were chosen; None if there are too
            few.
        scaling: how probabilities must be scaled to make the labels most likely.
        scaled: float array of shape (n,), 0 to 1: the scaled probabilities.
        scaled_error: their expected calibration error.
        worth_scaling: whether scaling lowers this error enough to be worth it.
        confusion: at a probability of 0.5 and at the operating point, the numbers of cells: rows are ALL and normal,
            columns called ALL and called normal.
        subjects: cells of each subject, ALL first.
        subject_comparison: how well the cells of a subject tell its class.
    """

    thresholds: Thresholds
    rates: ErrorRates
    metrics: Metrics
    table: LabelledPredictions
    unseen: UnseenRates | None
    scaling: Scaling
    scaled: NDArray[np.float64]
    scaled_error: float
    worth_scaling: bool
    confusion: dict[str, list[list[int]]]
    subjects: list[SubjectShares]
    subject_comparison: SubjectComparison


def assess(predictions: Predictions, seed: int) -> Assessment:
    """Measure predictions.

    Args:
        predictions: of both classes.
        seed: of the bootstrap.

    Raises:
        CalibrationError: the predictions allow no thresholds.
    """
    probabilities, is_all, groups = predictions.probabilities, predictions.is_all, predictions.groups
    table = LabelledPredictions(probabilities, is_all, groups)
    thresholds = predictions.thresholds or choose_thresholds(table)
    rates = ErrorRates()
    metrics = evaluate(probabilities, is_all, groups, thresholds, seed)
    scaling = choose_scaling(probabilities, is_all)
    scaled = scaling(probabilities)
    scaled_error = calibration_error(scaled, is_all)
    subjects = shares_by_subject(probabilities, is_all, predictions.subjects, groups, thresholds)
    return Assessment(
        thresholds=thresholds,
        rates=rates,
        metrics=metrics,
        table=table,
        unseen=on_unseen_subjects(table, rates),
        scaling=scaling,
        scaled=scaled,
        scaled_error=scaled_error,
        worth_scaling=metrics["calibration"]["expected_error"].value - scaled_error > WORTH_SCALING,
        confusion={
            "at_half": _confusion(probabilities >= 0.5, is_all),
            "at_operating_point": _confusion(probabilities >= thresholds.operating_point, is_all),
        },
        subjects=subjects,
        subject_comparison=compare_subjects(subjects, seed),
    )


def _confusion(called_all: NDArray[np.bool_], is_all: NDArray[np.bool_]) -> list[list[int]]:
    return [[int((called_all & row).sum()), int((~called_all & row).sum())] for row in (is_all, ~is_all)]
