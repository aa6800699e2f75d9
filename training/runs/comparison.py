"""Trains architectures on one and the same split, and measures all of them alike."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from lambda_fn.decisions import Thresholds
from lambda_fn.manifest import Preprocessing
from training.data.dataset import Dataset, load
from training.data.folds import Split, folds
from training.data.splits import read_splits, write_splits
from training.errors import TrainingError
from training.evaluation.metrics import figures
from training.fitting.balance import BALANCES
from training.fitting.checkpoints import Checkpoints
from training.fitting.network import Recipe, fit, predict
from training.networks.pretrained import PretrainedWeightsError
from training.runs.plan import new_recipe
from training.runs.progress import RunProgress
from training.runs.timing import milliseconds
from training.shipping.graph import ParityError, check_parity, to_onnx

if TYPE_CHECKING:
    import keras

MAJORITY = "majority"
SETTINGS, SPLIT, ROW, GRAPH = "comparison.json", "split.csv", "row.json", "model.onnx"
PARITY_CELLS = 64
TIMED_ROUNDS = 30

Row = dict[str, Any]


class ComparisonError(TrainingError):
    """A folder whose rows are not comparable with those that are asked for."""


@dataclass(frozen=True)
class Comparison:
    """What is compared.

    Attributes:
        data: source of labelled cells.
        preprocessing: how pixels become model input.
        names: architectures, and ``MAJORITY``, which says of every cell how common ALL is among the training cells.
        epochs: most epochs of each training.
        seed: of the split and of each training.
        folds: the first of so many subject-disjoint folds is held out; or the first split of a file.
        out: folder for all that the comparison leaves behind; rows that it holds already are kept.
        weights: of pretrained architectures, as ``pretrained.backbone`` takes them.
        most_cells: of the training cells, at most so many are drawn; None for all.
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


def compare(plan: Comparison, progress: RunProgress) -> tuple[list[Row], list[str]]:
    """Train, measure and time what has no row yet.

    Returns:
        All rows of the folder, as ``table`` shows them, in the order of their training; and why an architecture
        has none, one line each.

    Raises:
        ArchitectureError: there is no such architecture, or it cannot take the input.
        ComparisonError: the folder's rows were made with other settings.
        DatasetError: the folder cannot be trained from.
    """
    recipes = {name: _recipe(plan, name) for name in plan.names if name != MAJORITY}
    with progress.step("Reading cells") as advance:
        dataset = load(plan.data, plan.preprocessing, lambda done, total: advance(done / total))
    progress.say_what_was_read(dataset)
    first = _first_split(plan, dataset)
    _agree_on_settings(plan, dataset, first)
    split = _thin_out(first, plan)
    missing = []
    for name in plan.names:
        try:
            _make_row(plan, name, recipes.get(name), dataset, split, progress)
        except PretrainedWeightsError as error:
            missing.append(str(error))
    made = [json.loads(path.read_text("utf-8")) for path in plan.out.glob(f"*/{ROW}")]
    rows = sorted(made, key=lambda row: (row["parameters"], row["name"]))
    with progress.step("Timing") as advance:
        paths = {row["name"]: plan.out / row["name"] / GRAPH for row in rows}
        images = dataset.pixels[split.held_out[:TIMED_ROUNDS]]
        times = milliseconds({name: path.read_bytes() for name, path in paths.items() if path.exists()}, images)
    return [row | {"milliseconds": times.get(row["name"])} for row in rows], missing


def _recipe(plan: Comparison, name: str) -> Recipe:
    return new_recipe(
        name,
        plan.preprocessing.size,
        epochs=plan.epochs,
        seed=plan.seed,
        weights=plan.weights,
        balance=plan.balance,
    )


def _first_split(plan: Comparison, dataset: Dataset) -> Split:
    if isinstance(plan.folds, Path):
        return read_splits(plan.folds, dataset)[0]
    return next(folds(dataset.is_all, dataset.groups, plan.folds, plan.seed))


def _thin_out(split: Split, plan: Comparison) -> Split:
    if plan.most_cells is None or plan.most_cells >= len(split.training):
        return split
    drawn = np.random.default_rng(plan.seed).permutation(split.training)[: plan.most_cells]
    return Split(np.sort(drawn), split.stopping, split.held_out)


def _agree_on_settings(plan: Comparison, dataset: Dataset, split: Split) -> None:
    """What all rows of a folder share, so that they can be held against each other."""
    path = plan.out / SETTINGS
    settings = {
        **asdict(plan.preprocessing),
        "data_set": dataset.title,
        "data_digest": dataset.digest,
        "seed": plan.seed,
        "balance": plan.balance,
        "split": hashlib.sha256(
            b"".join(np.ascontiguousarray(part).tobytes() for part in vars(split).values())
        ).hexdigest(),
    }
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


def _make_row(
    plan: Comparison, name: str, recipe: Recipe | None, dataset: Dataset, split: Split, progress: RunProgress
) -> None:
    folder = plan.out / name
    asked: Row = {"recipe": asdict(recipe) if recipe else None, "training_cells": len(split.training)}
    if (folder / ROW).exists():
        present = json.loads((folder / ROW).read_text("utf-8"))
        if {key: present[key] for key in asked} != asked:
            raise ComparisonError(f"{folder} was trained otherwise: remove it, or name another folder.")
        return
    if recipe:
        with progress.step(f"Training {name}") as advance:
            begun = time.monotonic()
            model = fit(dataset, split, recipe, folder, advance, plan.weights)
            made = asked | {"epochs": Checkpoints(folder).epochs, "seconds": round(time.monotonic() - begun)}
        probabilities = predict(model, dataset.pixels[split.held_out])
        made |= {"parameters": model.count_params(), "parity": _export(model, dataset, split, plan.seed, folder)}
    else:
        folder.mkdir(parents=True, exist_ok=True)
        share = float(dataset.is_all[split.training].mean())
        probabilities = np.full(len(split.held_out), share)
        made = asked | {"epochs": 0, "seconds": 0, "parameters": 1, "parity": None}
    row = {"name": name, **made, **measure(probabilities, dataset.is_all[split.held_out])}
    arriving = folder / f".{ROW}"
    arriving.write_text(json.dumps(row, indent=2) + "\n", "utf-8")
    arriving.replace(folder / ROW)
    if recipe:
        Checkpoints(folder).tidy()


def _export(model: keras.Model, dataset: Dataset, split: Split, seed: int, folder: Path) -> float | None:
    """Write the graph, and hold it against the network: the largest difference; None of a network that says nothing."""
    graph = to_onnx(model)
    (folder / GRAPH).write_bytes(graph)
    some = np.random.default_rng(seed).permutation(split.held_out)[:PARITY_CELLS]
    try:
        return check_parity(model, graph, dataset.pixels[some], seed)
    except ParityError:
        return None


def measure(probabilities: NDArray[np.float64], is_all: NDArray[np.bool_]) -> dict[str, float]:
    """The figures of a row.

    Args:
        probabilities: float array of shape (n,), 0 to 1: probability of ALL.
        is_all: boolean array of shape (n,), of both classes.

    Returns:
        Accuracy, sensitivity (the recall of ALL), specificity and weighted F1 at a probability of 0.5, ROC AUC, each
        0 to 1, and the log loss, unweighted.
    """
    measured = figures(probabilities, is_all, Thresholds(0.5, 0.5, 0.5))
    return {
        **measured["at_half"],
        "roc_auc": measured["ranking"]["roc_auc"],
        "loss": float(log_loss(is_all, probabilities, labels=[False, True])),
    }
