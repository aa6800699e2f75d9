"""One training run: from a folder of cells to a model and all that tells how good it is."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.data.dataset import Dataset, load
from training.data.folds import Split, final_split
from training.data.splits import make_or_read_folds, read_folds, write_splits
from training.evaluation.metrics import evaluate
from training.evaluation.scaling import choose_scaling
from training.evaluation.thresholds import choose_thresholds
from training.fitting.checkpoints import Checkpoints
from training.fitting.network import fit, predict
from training.networks.architectures import scale_logits
from training.runs.plan import PLAN, Plan, PlanError, read_plan, write_plan
from training.runs.progress import RunProgress
from training.shipping.model_folder import MODEL, release

if TYPE_CHECKING:
    import keras

FOLDS, PREDICTIONS = "folds.csv", "predictions.csv"


def run(plan: Plan, progress: RunProgress) -> dict[str, Any]:
    """Train, measure, calibrate and export a model, or go on with a run that was interrupted.

    Each fold's model predicts subjects that it never saw and that did not stop its training. The final model follows
    the same recipe on all subjects: a fifth of them stop it, as in each fold. A fixed number of epochs, the folds'
    median, would let it learn from that fifth too, but leave the weights of whatever epoch that is, good or bad; and
    the figures and thresholds from the folds are those of this recipe, not of that one.

    Returns:
        The manifest of the model.

    Raises:
        DatasetError: the folder cannot be trained from.
        PlanError: the run in the folder is finished, or began with other cells.
        CalibrationError: the predictions allow no thresholds.
        ParityError: the exported graph is not the model.
        QuantizationError: its 8-bit form does not decide alike.
    """
    if (plan.out / MODEL).exists():
        raise PlanError(f"{plan.out} is finished: its model is in {plan.out / MODEL}.")
    with progress.step("Reading cells") as advance:
        dataset = load(plan.data, plan.preprocessing, lambda done, total: advance(done / total))
    progress.say_what_was_read(dataset)
    splits = _begin(plan, dataset)
    probabilities = np.zeros(len(dataset.names))
    for number, split in enumerate(splits, start=1):
        probabilities[split.held_out] = _predict_fold(plan, dataset, split, f"fold-{number}", progress)
    scaling = choose_scaling(probabilities, dataset.is_all)
    recipe = replace(plan.recipe, temperature=scaling.temperature, shift=scaling.shift)
    probabilities = scaling(probabilities)
    write_predictions(plan.out / "out-of-fold.csv", dataset, splits, probabilities)
    thresholds = choose_thresholds(probabilities, dataset.is_all)
    with progress.step("Measuring"):
        metrics = evaluate(probabilities, dataset.is_all, dataset.groups, thresholds, plan.recipe.seed)
    progress.say_how_good(metrics)
    split = final_split(dataset.is_all, dataset.groups, plan.recipe.seed)
    model = _train(plan, dataset, split, "final", progress)
    scale_logits(model, scaling.temperature, scaling.shift)
    with progress.step("Exporting"):
        manifest = release(
            model,
            preprocessing=plan.preprocessing,
            dataset=dataset,
            recipe=recipe,
            folds=len(splits),
            probabilities=probabilities,
            thresholds=thresholds,
            metrics=metrics,
            out=plan.out,
            int8_split=split if plan.int8 else None,
        )
    Checkpoints(plan.out / "final").tidy()
    return manifest


def _begin(plan: Plan, dataset: Dataset) -> list[Split]:
    """The folds of a run: those that it began with, or new ones; with the plan they are kept in its folder."""
    kept = plan.out / FOLDS
    if (plan.out / PLAN).exists():
        if read_plan(plan.out)[1] != dataset.digest:
            raise PlanError(f"{plan.out} began with other cells than those in {plan.data}: start a new run.")
        return read_folds(kept, dataset)
    splits = make_or_read_folds(plan.folds, dataset, plan.recipe.seed)
    kept.unlink(missing_ok=True)  # of a run that was killed before it had a plan
    labels = np.where(dataset.is_all, "ALL", "normal")
    write_splits(kept, list(zip(dataset.contents, dataset.names, labels, dataset.subjects, strict=True)), splits)
    write_plan(plan, dataset.digest)
    return splits


def _predict_fold(plan: Plan, dataset: Dataset, split: Split, name: str, progress: RunProgress) -> NDArray[np.float64]:
    """Probabilities of a fold's held-out cells: of a network trained now, or of one that was finished before."""
    table = plan.out / name / PREDICTIONS
    if not table.exists():
        model = _train(plan, dataset, split, name, progress)
        arriving = table.with_name(f".{table.name}")
        held_out = predict(model, dataset.pixels[split.held_out])
        np.savetxt(arriving, held_out, "%.9g", header="probability_all", comments="")
        arriving.replace(table)
    Checkpoints(plan.out / name).tidy()
    return np.loadtxt(table, np.float64, skiprows=1, ndmin=1)


def _train(plan: Plan, dataset: Dataset, split: Split, name: str, progress: RunProgress) -> keras.Model:
    with progress.step(f"Training {name}") as advance:
        return fit(dataset, split, plan.recipe, plan.out / name, advance, plan.weights)


def write_predictions(
    path: Path, dataset: Dataset, splits: Sequence[Split], probabilities: NDArray[np.float64]
) -> None:
    """Write a table of every cell's fold, from 1, and the probability that the model of the other folds gave it."""
    fold_of = np.zeros(len(dataset.names), np.int64)
    for number, split in enumerate(splits, start=1):
        fold_of[split.held_out] = number
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("path", "label", "subject", "fold", "probability_all"))
        labels = np.where(dataset.is_all, "all", "hem")
        table.writerows(zip(dataset.names, labels, dataset.subjects, fold_of, probabilities.round(6), strict=True))
