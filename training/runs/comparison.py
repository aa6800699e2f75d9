"""The run of ``cellflag train compare``: architectures, trained on one and the same split, and measured alike."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lambda_fn.manifest import GRAPH_FILE
from lambda_fn.preprocessing import Preprocessing
from training.data.dataset import Dataset
from training.data.folds import Split
from training.data.splits import make_or_read_folds, read_splits, write_splits
from training.errors import TrainingError
from training.fitting.balance import BALANCES
from training.fitting.network import DivergedError
from training.fitting.recipes import NetworkRecipe, PooledRecipe, new_network_recipe, new_pooled_recipe
from training.networks.pretrained import NO_WEIGHTS, PretrainedWeightsError
from training.runs.comparison_differences import differences
from training.runs.comparison_recipe import RECIPE, recipe_row
from training.runs.comparison_rows import (
    ROW,
    ComparisonRow,
    majority_row,
    network_row,
    read_probabilities,
    same_row,
    write_row,
)
from training.runs.plan import Plan
from training.runs.pooled import PREPROCESSING
from training.runs.progress import RunProgress
from training.runs.timing import milliseconds

# An entry beside the architectures. It gives every cell the same probability: the share of ALL in training.
MAJORITY = "majority"
SETTINGS, SPLIT = "comparison.json", "split.csv"
TIMED_CELLS = 30


class ComparisonError(TrainingError):
    """A folder whose rows cannot stand beside the new ones."""


@dataclass(frozen=True)
class ComparisonPlan:
    """The architectures of a comparison, its cells and its folder.

    Attributes:
        data: source of labelled cells.
        preprocessing: how pixels become model input.
        names: architectures, ``MAJORITY`` and ``RECIPE``.
        epochs: most epochs of each training.
        seed: of the split and of each training.
        folds: number of subject-disjoint folds, of which the first is held out; or a file, whose first split is taken.
        out: folder for all that the comparison leaves behind; rows that it holds already stay.
        weights: of pretrained architectures, as ``pretrained.backbone`` takes them.
        most_cells: most training cells, drawn by chance; None for all.
        balance: a name in ``BALANCES``.
    """

    data: Path
    preprocessing: Preprocessing
    names: tuple[str, ...]
    epochs: int
    seed: int
    folds: int | Path
    out: Path
    weights: str
    most_cells: int | None = None
    balance: str = BALANCES[0]


def compare_networks(plan: ComparisonPlan, progress: RunProgress) -> tuple[list[ComparisonRow], list[str]]:
    """Train, measure and time the architectures that have no row yet.

    Returns:
        All rows of the folder, as ``comparison_table`` shows them, smallest network first; and one line for each
        architecture whose weights cannot be downloaded or read, or whose training diverged.

    Raises:
        ArchitectureError: there is no such architecture, or it cannot take the input.
        ComparisonError: the folder's rows were made with other settings.
        DatasetError: the source cannot be trained from.
    """
    recipes, missing = _recipes(plan)
    dataset = progress.load(plan.data, plan.preprocessing)
    first = _first_split(plan, dataset)
    _agree_on_settings(plan, dataset, first)
    split = _thin_out(first, plan)
    for name, recipe in recipes.items():
        try:
            _make_row(plan, name, recipe, dataset, split, progress)
        except (PretrainedWeightsError, DivergedError) as error:
            missing.append(str(error))
    rows = [json.loads(path.read_text("utf-8")) for path in plan.out.glob(f"*/{ROW}")]
    rows.sort(key=lambda row: (row["parameters"], row["name"]))
    with progress.step("Timing"):
        paths = {row["name"]: plan.out / row["name"] / GRAPH_FILE for row in rows}
        graphs = {name: path.read_bytes() for name, path in paths.items() if path.exists()}
        times = milliseconds(graphs, dataset.pixels[split.held_out[:TIMED_CELLS]])
    with progress.step("Differences"):
        gains = _differences(plan, rows, dataset, split)
    return [row | {"milliseconds": times.get(row["name"]), **gains.get(row["name"], {})} for row in rows], missing


def _differences(
    plan: ComparisonPlan, rows: list[ComparisonRow], dataset: Dataset, split: Split
) -> dict[str, dict[str, Any]]:
    """Difference of each row's AUC from the recipe's, if the folder has its row."""
    probabilities = {row["name"]: read_probabilities(plan.out / row["name"]) for row in rows}
    reference = probabilities.pop(RECIPE, None)
    if reference is None:
        return {}
    is_all, groups = dataset.is_all[split.held_out], dataset.groups[split.held_out]
    estimates = differences(probabilities, reference, is_all, groups, plan.seed)
    return {name: {"auc_minus_recipe": asdict(estimate)} for name, estimate in estimates.items()}


def _recipes(plan: ComparisonPlan) -> tuple[dict[str, NetworkRecipe | PooledRecipe | None], list[str]]:
    """The recipe of each row, and a line for each that cannot be made."""
    recipes, missing = {}, []
    for name in plan.names:
        try:
            recipes[name] = _recipe(plan, name)
        except PretrainedWeightsError as error:
            missing.append(str(error))
    return recipes, missing


def _recipe(plan: ComparisonPlan, name: str) -> NetworkRecipe | PooledRecipe | None:
    if name == MAJORITY:
        return None
    if name == RECIPE:
        if plan.weights == NO_WEIGHTS:
            raise PretrainedWeightsError(f"The {RECIPE} does not start from random weights: give those of MobileNet.")
        return new_pooled_recipe(plan.weights, plan.seed)
    return new_network_recipe(
        name,
        plan.preprocessing.size,
        epochs=plan.epochs,
        seed=plan.seed,
        weights=plan.weights,
        balance=plan.balance,
    )


def _first_split(plan: ComparisonPlan, dataset: Dataset) -> Split:
    if isinstance(plan.folds, Path):
        first = read_splits(plan.folds, dataset)[0]
    else:
        first = make_or_read_folds(plan.folds, dataset, plan.seed)[0]
    return replace(first, held_out=first.held_out[dataset.is_measured_by[first.held_out]])


def _thin_out(split: Split, plan: ComparisonPlan) -> Split:
    if plan.most_cells is None or plan.most_cells >= len(split.training):
        return split
    sample = np.random.default_rng(plan.seed).permutation(split.training)[: plan.most_cells]
    return Split(np.sort(sample), split.stopping, split.held_out)


def _agree_on_settings(plan: ComparisonPlan, dataset: Dataset, split: Split) -> None:
    """Write the settings that all rows of a folder share, or hold the plan against those that it has."""
    path = plan.out / SETTINGS
    settings = _settings(plan, dataset, split)
    if path.exists():
        before = json.loads(path.read_text("utf-8"))
        if other := [name for name, value in settings.items() if before.get(name) != value]:
            raise ComparisonError(
                f"{plan.out} compares with another {other[0].replace('_', ' ')}: name another folder."
            )
    plan.out.mkdir(parents=True, exist_ok=True)
    labels = np.where(dataset.is_all, "ALL", "normal")
    cells = list(zip(dataset.contents, dataset.names, labels, dataset.subjects, strict=True))
    (plan.out / SPLIT).unlink(missing_ok=True)
    write_splits(plan.out / SPLIT, cells, [split])
    path.write_text(json.dumps(settings, indent=2) + "\n", "utf-8")


def _settings(plan: ComparisonPlan, dataset: Dataset, split: Split) -> dict[str, Any]:
    parts = (np.ascontiguousarray(part).tobytes() for part in vars(split).values())
    return {
        **asdict(plan.preprocessing),
        "data_set": dataset.title,
        "data_digest": dataset.digest,
        "seed": plan.seed,
        "balance": plan.balance,
        "split": hashlib.sha256(b"".join(parts)).hexdigest(),
    }


def _make_row(
    plan: ComparisonPlan,
    name: str,
    recipe: NetworkRecipe | PooledRecipe | None,
    dataset: Dataset,
    split: Split,
    progress: RunProgress,
) -> None:
    """Train and measure an architecture, unless the folder has its row."""
    folder = plan.out / name
    settings = {"recipe": asdict(recipe) if recipe else None, "training_cells": len(split.training)}
    if (folder / ROW).exists():
        if not same_row(folder, settings):
            raise ComparisonError(f"{folder} was trained otherwise: remove it, or name another folder.")
        return
    if recipe is None:
        row = majority_row(dataset, split, plan.seed, folder)
    elif isinstance(recipe, PooledRecipe):
        pooled_plan = Plan(plan.data, PREPROCESSING, recipe, plan.folds, folder, plan.weights)
        row = recipe_row(pooled_plan, dataset, split, progress)
    else:
        with progress.step(f"Training {name}") as advance:
            row = network_row(dataset, split, recipe, folder, advance, plan.weights)
    write_row(folder, {"name": name, **settings, **row})
