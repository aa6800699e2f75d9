"""A row of a comparison: an architecture's training and its figures on the held-out cells."""

from __future__ import annotations

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
from training.evaluation.metrics import figures
from training.files import appearing
from training.fitting.checkpoints import Checkpoints
from training.fitting.network import OnStep, fit, predict
from training.fitting.recipes import NetworkRecipe
from training.shipping.graph import ParityError, check_parity, to_onnx

if TYPE_CHECKING:
    import keras

ROW = "row.json"
PARITY_CELLS = 64

ComparisonRow = dict[str, Any]


def network_row(
    dataset: Dataset, split: Split, recipe: NetworkRecipe, folder: Path, on_step: OnStep, weights: str
) -> ComparisonRow:
    """Train an architecture as ``fitting.network.fit`` does, export it into its folder, and measure it."""
    start = time.monotonic()
    model = fit(dataset, split, recipe, folder, on_step, weights)
    training = {"epochs": Checkpoints(folder).epochs, "seconds": round(time.monotonic() - start)}
    probabilities = predict(model, dataset.pixels[split.held_out])
    return {
        **training,
        "parameters": model.count_params(),
        "parity": _export(model, dataset, split, recipe.seed, folder),
        **measure(probabilities, dataset.is_all[split.held_out]),
    }


def majority_row(dataset: Dataset, split: Split) -> ComparisonRow:
    """Measure the share of ALL among the training cells as the probability of every cell."""
    share = float(dataset.is_all[split.training].mean())
    probabilities = np.full(len(split.held_out), share)
    training = {"epochs": 0, "seconds": 0, "parameters": 1, "parity": None}
    return {**training, **measure(probabilities, dataset.is_all[split.held_out])}


def write_row(folder: Path, row: ComparisonRow) -> None:
    """Write a row into its architecture's folder, and remove all networks of its training but the best."""
    with appearing(folder / ROW) as arriving:
        arriving.write_text(json.dumps(row, indent=2) + "\n", "utf-8")
    if row["recipe"]:
        Checkpoints(folder).tidy()


def same_row(folder: Path, settings: ComparisonRow) -> bool:
    """Whether a folder's row was made with these settings."""
    row = json.loads((folder / ROW).read_text("utf-8"))
    return {key: row[key] for key in settings} == settings


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
