"""Turns a finished network into the model of a run: a graph that is proved, its manifest and its card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lambda_fn.decisions import Thresholds
from lambda_fn.manifest import Manifest, Preprocessing
from training.data.dataset import Dataset
from training.data.folds import Split
from training.evaluation.metrics import Metrics
from training.networks.architectures import OUTPUT_NAME
from training.shipping.graph import check_parity, reference_cells, reference_probabilities, run_graph, to_onnx
from training.shipping.manifest import DescribedRecipe, describe
from training.shipping.model_card import model_card
from training.shipping.quantization import quantize

if TYPE_CHECKING:
    import keras

MODEL, FLOAT32 = "model", "float32.onnx"
GRAPH, MANIFEST, CARD = "model.onnx", "model.json", "MODEL_CARD.md"
PARITY_CELLS = 256


def release(
    model: keras.Model,
    *,
    preprocessing: Preprocessing,
    dataset: Dataset,
    recipe: DescribedRecipe,
    folds: int,
    probabilities: NDArray[np.float64],
    thresholds: Thresholds,
    metrics: Metrics,
    out: Path,
    metrics_by_subject: Metrics | None = None,
    int8_split: Split | None = None,
) -> dict[str, Any]:
    """Export a finished model, hold the graph against it, and describe it.

    Args:
        model: the Keras model.
        preprocessing: as in ``describe``, like all that is not named here.
        dataset: what it learned from; some of its cells try the graph.
        recipe: how it was made.
        folds: number of folds behind the predictions.
        probabilities: out-of-fold predictions.
        thresholds: chosen on them.
        metrics: measured on them.
        metrics_by_subject: as in ``describe``.
        out: the run's folder; gets the model's three files in a folder ``MODEL``.
        int8_split: what the model was fitted to, if its graph is to be quantised: ranges come from some of the training
            cells, and the stopping cells tell whether it still decides alike. ``FLOAT32`` keeps the graph as it was.

    Returns:
        The manifest.

    Raises:
        ParityError: the graph is not the model.
        QuantizationError: its 8-bit form does not decide alike.
    """
    graph = to_onnx(model)
    some = np.random.default_rng(recipe.seed).permutation(len(dataset.names))[:PARITY_CELLS]
    parity = check_parity(model, graph, dataset.pixels[some], recipe.seed)
    reference = reference_probabilities(model, preprocessing)
    quantization = None
    if int8_split:
        (out / FLOAT32).write_bytes(graph)
        graph, quantization = quantize(graph, dataset, int8_split, thresholds, recipe.seed)
        said = run_graph(graph, reference_cells(preprocessing))[OUTPUT_NAME][:, 0]
        reference = [round(float(value), 6) for value in said]
    manifest = describe(
        graph=graph,
        preprocessing=preprocessing,
        dataset=dataset,
        recipe=recipe,
        parameters=model.count_params(),
        folds=folds,
        probabilities=probabilities,
        thresholds=thresholds,
        metrics=metrics,
        metrics_by_subject=metrics_by_subject,
        parity=parity,
        reference=reference,
        quantization=quantization,
    )
    write_model(out / MODEL, graph, manifest)
    return manifest


def write_model(folder: Path, graph: bytes, manifest: dict[str, Any]) -> None:
    """Write a model's three files into a new folder; raises ``ModelError`` where the function could not read them."""
    text = json.dumps(manifest, indent=2) + "\n"
    Manifest.from_json(text)
    arriving = folder.with_name(f".{folder.name}")  # so that a folder of that name is whole
    arriving.mkdir(parents=True, exist_ok=True)
    (arriving / GRAPH).write_bytes(graph)
    (arriving / MANIFEST).write_text(text, "utf-8")
    (arriving / CARD).write_text(model_card(manifest), "utf-8")
    arriving.rename(folder)
