"""The run of ``cellflag train run``: a network, trained from labelled cells and measured by folds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.data.dataset import Dataset
from training.data.folds import Split, final_split
from training.data.splits import make_or_read_folds, read_folds, write_splits
from training.data.teaching import split_held_out_cells
from training.evaluation.evidence import OutOfFold
from training.evaluation.scaling import choose_scaling
from training.fitting.checkpoints import Checkpoints
from training.fitting.network import fit, predict
from training.fitting.recipes import NetworkRecipe
from training.networks.architectures import scale_logits
from training.runs.held_out import read_held_out, write_held_out
from training.runs.out_of_fold import folds_of_cells, gather_evidence, predict_held_out
from training.runs.plan import PLAN, Plan, PlanError, read_plan, write_plan
from training.runs.progress import RunProgress
from training.shipping.model_folder import MODEL, write_model_folder

if TYPE_CHECKING:
    import keras

FOLDS, PREDICTIONS = "folds.csv", "predictions.csv"

NetworkPlan = Plan[NetworkRecipe]


def make_network_model(plan: NetworkPlan, progress: RunProgress) -> dict[str, Any]:
    """Train, measure, calibrate and export a network, or go on with a run that was interrupted.

    Each fold's network predicts subjects that it never saw and that did not stop its training. The final network
    follows the same recipe on all subjects: a fifth of them stop it, as in each fold. Training for a fixed number of
    epochs, such as the folds' median, would use that fifth too. But the last epoch may be a bad one, and the folds'
    figures and thresholds would be of another recipe.

    Returns:
        The manifest of the model.

    Raises:
        DatasetError: the source cannot be trained from.
        PlanError: the run in the folder is finished, or began with other cells.
        DivergedError: a loss is not a number.
        CheckpointError: a file of the interrupted run is damaged, or of other cells.
        CalibrationError: the predictions allow no thresholds.
        ParityError: the exported graph does not agree with the network.
        QuantizationError: its 8-bit form does not decide alike.
    """
    if (plan.out / MODEL).exists():
        raise PlanError(f"{plan.out} is finished: its model is in {plan.out / MODEL}.")
    dataset = progress.load(plan.data, plan.preprocessing)
    splits = _begin(plan, dataset)
    outputs = predict_held_out(
        splits, lambda number, split: _predict_fold(plan, dataset, split, f"fold-{number}", progress)
    )
    held_out = dataset.part(dataset.is_held_out)
    scaling = choose_scaling(outputs[held_out.is_measured_by], held_out.is_all[held_out.is_measured_by])
    evidence = gather_evidence(OutOfFold(held_out, folds_of_cells(splits), scaling(outputs)), dataset, plan, progress)
    (split,) = split_held_out_cells(
        dataset, dataset.groups, lambda is_all, groups: [final_split(is_all, groups, plan.recipe.seed)]
    )
    model = _train(plan, dataset, split, "final", progress)
    scale_logits(model, scaling.temperature, scaling.shift)
    recipe = replace(plan.recipe, temperature=scaling.temperature, shift=scaling.shift)
    int8_split = split if plan.int8 else None
    with progress.step("Exporting"):
        preprocessing = dataset.preprocessing or plan.preprocessing
        manifest = write_model_folder(plan.out, model, recipe, preprocessing, evidence, int8_split)
    Checkpoints(plan.out / "final").tidy()
    return manifest


def _begin(plan: NetworkPlan, dataset: Dataset) -> list[Split]:
    """The folds of a run: those that it began with, or new ones, which its folder keeps with the plan."""
    table = plan.out / FOLDS
    if (plan.out / PLAN).exists():
        if read_plan(plan.out)[1] != dataset.digest:
            raise PlanError(f"{plan.out} began with other cells than those in {plan.data}: start a new run.")
        return read_folds(table, dataset)
    splits = make_or_read_folds(plan.folds, dataset, plan.recipe.seed)
    table.unlink(missing_ok=True)  # of a run that was killed before it had a plan
    labels = np.where(dataset.is_all, "ALL", "normal")
    write_splits(table, list(zip(dataset.contents, dataset.names, labels, dataset.subjects, strict=True)), splits)
    write_plan(plan, dataset.digest)
    return splits


def _predict_fold(
    plan: NetworkPlan, dataset: Dataset, split: Split, name: str, progress: RunProgress
) -> NDArray[np.float64]:
    """Probabilities of a fold's held-out cells, by a network that is trained now or was finished before."""
    table = plan.out / name / PREDICTIONS
    contents = [dataset.contents[cell] for cell in split.held_out]
    if not table.exists():
        model = _train(plan, dataset, split, name, progress)
        write_held_out(table, contents, predict(model, dataset.pixels[split.held_out]))
    Checkpoints(plan.out / name).tidy()
    return read_held_out(table, contents)


def _train(plan: NetworkPlan, dataset: Dataset, split: Split, name: str, progress: RunProgress) -> keras.Model:
    with progress.step(f"Training {name}") as advance:
        return fit(dataset, split, plan.recipe, plan.out / name, advance, plan.weights)
