"""Measures recipes: a model is fitted to each fold, and predicts the cells that the fold holds out."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from training.data.folds import Split
from training.evaluation.evidence import Evidence, OutOfFold, measure
from training.evaluation.predictions import OUT_OF_FOLD, write_predictions
from training.fitting.recipes import Recipe
from training.runs.plan import Plan
from training.runs.progress import RunProgress

Outputs = NDArray[np.float64]


def predict_held_out(
    splits: Sequence[Split],
    predict: Callable[[int, Split], Outputs],
    on_fold: Callable[[float], None] = lambda share: None,
) -> Outputs:
    """Predict every cell by the model of the folds that it is not in.

    Args:
        splits: folds that hold out each of n cells once.
        predict: fits a model to the fold of a number, from 1, and gives its outputs for the held-out cells, shape
            (held out, ...).
        on_fold: called after each fold with the share of the folds that is done, 0 to 1.

    Returns:
        float64 array of shape (n, ...).
    """
    parts = []
    for number, split in enumerate(splits, start=1):
        parts.append(predict(number, split))
        on_fold(number / len(splits))
    order = np.argsort(np.concatenate([split.held_out for split in splits]))
    return np.concatenate(parts)[order]


def folds_of_cells(splits: Sequence[Split]) -> NDArray[np.int64]:
    """The fold, from 1, that holds each of n cells out; integer array of shape (n,)."""
    fold_of = np.zeros(sum(len(split.held_out) for split in splits), np.int64)
    for number, split in enumerate(splits, start=1):
        fold_of[split.held_out] = number
    return fold_of


def gather_evidence(predictions: OutOfFold, plan: Plan[Recipe], progress: RunProgress) -> Evidence:
    """Write predictions into the run's folder, choose thresholds on them, measure, and show the figures.

    Raises:
        CalibrationError: the predictions allow no thresholds.
    """
    write_predictions(plan.out / OUT_OF_FOLD, predictions)
    with progress.step("Measuring"):
        evidence = measure(predictions, plan.recipe.seed)
    progress.show(evidence)
    return evidence
