"""One training run: from a folder of cells to a served model."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lambda_fn.cells import Preprocessing
from training.calibrate import choose_thresholds
from training.dataset import Dataset, load
from training.evaluate import evaluate
from training.fit import Recipe, fit, predict
from training.folds import Split, final_split
from training.progress import RunProgress
from training.shipping import release
from training.splits import make_or_read_folds

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes:
        data: folder of labelled cells.
        preprocessing: how pixels become model input.
        recipe: how a network is trained.
        folds: number of subject-disjoint folds, or the file that holds them.
        out: new folder for all that the run leaves behind.
        model_folder: where the finished model goes.
    """

    data: Path
    preprocessing: Preprocessing
    recipe: Recipe
    folds: int | Path
    out: Path
    model_folder: Path


def run(plan: Plan, progress: RunProgress) -> dict[str, Any]:
    """Train, measure, calibrate, export and ship a model.

    Each fold's model predicts subjects that it never saw and that did not stop its training. The final model follows
    the same recipe on all subjects: a fifth of them stop it, as in each fold. A fixed number of epochs, the folds'
    median, would let it learn from that fifth too, but leave the weights of whatever epoch that is, good or bad; and
    the figures and thresholds from the folds are those of this recipe, not of that one.

    Returns:
        The manifest of the model.

    Raises:
        DatasetError: the folder cannot be trained from.
        CalibrationError: the predictions allow no thresholds.
        ParityError: the exported graph is not the model; the model folder is as it was.
    """
    with progress.step("Reading cells") as advance:
        dataset = load(plan.data, plan.preprocessing, lambda done, total: advance(done / total))
    progress.say_what_was_read(dataset)
    splits = make_or_read_folds(plan.folds, dataset, plan.recipe.seed)
    plan.out.mkdir(parents=True, exist_ok=True)
    probabilities = np.zeros(len(dataset.names))
    fold_of = np.zeros(len(dataset.names), np.int64)
    for number, split in enumerate(splits, start=1):
        model = _train(plan, dataset, split, f"fold-{number}", progress)
        probabilities[split.held_out] = predict(model, dataset.pixels[split.held_out])
        fold_of[split.held_out] = number
    write_predictions(plan.out / "out-of-fold.csv", dataset, fold_of, probabilities)
    thresholds = choose_thresholds(probabilities, dataset.is_all)
    with progress.step("Measuring"):
        metrics = evaluate(probabilities, dataset.is_all, dataset.groups, thresholds, plan.recipe.seed)
    progress.say_how_good(metrics)
    model = _train(plan, dataset, final_split(dataset.is_all, dataset.groups, plan.recipe.seed), "final", progress)
    with progress.step("Exporting"):
        return release(
            model,
            preprocessing=plan.preprocessing,
            dataset=dataset,
            recipe=plan.recipe,
            folds=len(splits),
            probabilities=probabilities,
            thresholds=thresholds,
            metrics=metrics,
            out=plan.out,
            model_folder=plan.model_folder,
        )


def _train(plan: Plan, dataset: Dataset, split: Split, name: str, progress: RunProgress) -> keras.Model:
    with progress.step(f"Training {name}") as advance:
        return fit(dataset, split, plan.recipe, plan.out / name, advance)


def write_predictions(
    path: Path, dataset: Dataset, fold_of: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> None:
    """Write a table of every cell's fold, from 1, and the probability that the model of the other folds gave it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("path", "label", "subject", "fold", "probability_all"))
        labels = np.where(dataset.is_all, "all", "hem")
        table.writerows(zip(dataset.names, labels, dataset.subjects, fold_of, probabilities.round(6), strict=True))
