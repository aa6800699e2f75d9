"""Measures recipes: a model is fitted to each fold, and predicts the cells that the fold holds out."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from training.data.dataset import Dataset
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
    """Predict every cell that is held out, by the model of the folds that it is not in.

    Args:
        splits: folds that hold out each of n cells once. There may be other cells, which are never held out.
        predict: fits a model to the fold of a number, from 1, and gives its outputs for the held-out cells, shape
            (held out, ...).
        on_fold: called after each fold with the share of the folds that is done, 0 to 1.

    Returns:
        float64 array of shape (n, ...), in the order of the cells' indices.
    """
    parts = []
    for number, split in enumerate(splits, start=1):
        parts.append(predict(number, split))
        on_fold(number / len(splits))
    order = np.argsort(np.concatenate([split.held_out for split in splits]))
    return np.concatenate(parts)[order]


def folds_of_cells(splits: Sequence[Split]) -> NDArray[np.int64]:
    """The fold, from 1, that holds each of n cells out; integer array of shape (n,), as in ``predict_held_out``."""
    fold_of = [np.full(len(split.held_out), number) for number, split in enumerate(splits, start=1)]
    order = np.argsort(np.concatenate([split.held_out for split in splits]))
    return np.asarray(np.concatenate(fold_of)[order], np.int64)


def gather_evidence(
    predictions: OutOfFold, learned_from: Dataset, plan: Plan[Recipe], progress: RunProgress
) -> Evidence:
    """Write predictions into the run's folder, choose thresholds on them, measure, and show the figures.

    Args:
        predictions: of the cells that folds hold out.
        learned_from: these and all other cells of the run.
        plan: of the run.
        progress: shows the figures.

    Raises:
        CalibrationError: the predictions allow no thresholds.
    """
    write_predictions(plan.out / OUT_OF_FOLD, predictions.measured())
    with progress.step("Measuring"):
        evidence = measure(predictions, learned_from, plan.recipe.seed)
    progress.show(evidence)
    return evidence
