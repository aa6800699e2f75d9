"""A row of a comparison: an architecture's training and its figures on the held-out cells."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from lambda_fn.decisions import Thresholds
from lambda_fn.manifest import GRAPH_FILE
from training.data.dataset import Dataset
from training.data.folds import Split
from training.evaluation.metrics import CONFIDENCE, draws_of_subjects, figures
from training.evaluation.predictions import COLUMNS
from training.files import appearing
from training.fitting.checkpoints import Checkpoints
from training.fitting.network import OnStep, fit, predict
from training.fitting.recipes import NetworkRecipe
from training.shipping.graph import ParityError, check_parity, to_onnx

if TYPE_CHECKING:
    import keras

ROW, PREDICTIONS = "row.json", "predictions.csv"
PARITY_CELLS = 64
REPLICATES = 1000

ComparisonRow = dict[str, Any]


def network_row(
    dataset: Dataset, split: Split, recipe: NetworkRecipe, folder: Path, on_step: OnStep, weights: str
) -> ComparisonRow:
    """Train an architecture as ``fitting.network.fit`` does, export it into its folder, and measure it."""
    start = time.monotonic()
    model = fit(dataset, split, recipe, folder, on_step, weights)
    training = {"epochs": Checkpoints(folder).epochs, "seconds": round(time.monotonic() - start)}
    probabilities = predict(model, dataset.pixels[split.held_out])
    return training | measured(model, probabilities, dataset, split, recipe.seed, folder)


def majority_row(dataset: Dataset, split: Split, seed: int, folder: Path) -> ComparisonRow:
    """Measure the share of ALL among the training cells as the probability of every cell."""
    share = float(dataset.is_all[split.training].mean())
    probabilities = np.full(len(split.held_out), share)
    training = {"epochs": 0, "seconds": 0, "parameters": 1, "parity": None}
    return training | _figures(probabilities, dataset, split, seed, folder)


def measured(
    model: keras.Model, probabilities: NDArray[np.float64], dataset: Dataset, split: Split, seed: int, folder: Path
) -> ComparisonRow:
    """Export a model, write its predictions, and measure them.

    Args:
        model: Keras model, as ``shipping.graph.to_onnx`` takes it.
        probabilities: what it predicts for the held-out cells, shape (held out,).
        dataset: the cells.
        split: of these cells.
        seed: of the bootstrap, and of the cells that the graph is checked on.
        folder: gets graph and predictions.

    Returns:
        Number of parameters, largest difference between model and graph, figures, and their intervals.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parity = _export(model, dataset, split, seed, folder)
    row = {"parameters": model.count_params(), "parity": parity}
    return row | _figures(probabilities, dataset, split, seed, folder)


def _figures(
    probabilities: NDArray[np.float64], dataset: Dataset, split: Split, seed: int, folder: Path
) -> ComparisonRow:
    _write_predictions(probabilities, dataset, split, folder)
    is_all, groups = dataset.is_all[split.held_out], dataset.groups[split.held_out]
    return {**measure(probabilities, is_all), "intervals": intervals(probabilities, is_all, groups, seed)}


def _write_predictions(probabilities: NDArray[np.float64], dataset: Dataset, split: Split, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / PREDICTIONS).open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for cell, probability in zip(split.held_out, probabilities, strict=True):
            label = "all" if dataset.is_all[cell] else "hem"
            table.writerow((dataset.names[cell], label, dataset.subjects[cell], f"{probability:.9g}"))


def read_probabilities(folder: Path) -> NDArray[np.float64]:
    """Read the probabilities of ALL that a row's model gave the held-out cells, in their order."""
    with (folder / PREDICTIONS).open(encoding="utf-8", newline="") as file:
        return np.array([float(row[COLUMNS[-1]]) for row in csv.DictReader(file)])


def write_row(folder: Path, row: ComparisonRow) -> None:
    """Write a row into its architecture's folder, and remove all networks of its training but the best."""
    with appearing(folder / ROW) as arriving:
        arriving.write_text(json.dumps(row, indent=2) + "\n", "utf-8")
    if row["recipe"]:
        Checkpoints(folder).tidy()


def same_row(folder: Path, settings: ComparisonRow) -> bool:
    """Whether a folder's row was made with these settings."""
    row = json.loads((folder / ROW).read_text("utf-8"))
    return bool({key: row[key] for key in settings} == json.loads(json.dumps(settings)))


def _export(model: keras.Model, dataset: Dataset, split: Split, seed: int, folder: Path) -> float | None:
    """Write the graph; return its largest difference from the network, or None if the comparison proves nothing."""
    graph = to_onnx(model)
    (folder / GRAPH_FILE).write_bytes(graph)
    cells = np.random.default_rng(seed).permutation(split.held_out)[:PARITY_CELLS]
    try:
        return check_parity(model, graph, dataset.pixels[cells], seed)
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
    values = figures(probabilities, is_all, Thresholds(0.5, 0.5, 0.5))
    return {
        **values["at_half"],
        "roc_auc": values["ranking"]["roc_auc"],
        "loss": float(log_loss(is_all, probabilities, labels=[False, True])),
    }


def intervals(
    probabilities: NDArray[np.float64], is_all: NDArray[np.bool_], groups: NDArray[np.int64], seed: int
) -> dict[str, tuple[float, float]]:
    """95 % intervals of the figures of ``measure``, from a bootstrap that draws groups of subjects.

    Args:
        probabilities: as in ``measure``.
        is_all: as in ``measure``.
        groups: integer array of shape (n,).
        seed: of the draws. Rows of the same seed and cells share them.

    Returns:
        Lower and upper end by the names of the figures.
    """
    draws = draws_of_subjects(is_all, groups, seed, REPLICATES)
    drawn = [measure(probabilities[cells], is_all[cells]) for cells in draws]
    tail = (1 - CONFIDENCE) / 2
    ends = {name: np.quantile([draw[name] for draw in drawn], [tail, 1 - tail]) for name in drawn[0]}
    return {name: (float(low), float(high)) for name, (low, high) in ends.items()}
