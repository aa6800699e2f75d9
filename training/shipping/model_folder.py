"""Writes the model folder of a run: a graph that was checked, its manifest and its card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_fn.manifest import GRAPH_FILE, MANIFEST_FILE, MODEL_CARD_FILE, Manifest
from lambda_fn.preprocessing import Preprocessing
from training.data.folds import Split
from training.evaluation.evidence import Evidence
from training.fitting.recipes import Recipe
from training.shipping.explanation import Explanation
from training.shipping.export import export, to_8_bits
from training.shipping.manifest import describe
from training.shipping.model_card import model_card

if TYPE_CHECKING:
    import keras

MODEL, FLOAT32 = "model", "float32.onnx"


def write_model_folder(
    run: Path,
    model: keras.Model,
    recipe: Recipe,
    preprocessing: Preprocessing,
    evidence: Evidence,
    int8_split: Split | None = None,
    explanation: Explanation | None = None,
    faithfulness: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Export a finished network, and write the folder that ``cellflag train promote`` puts into service.

    Args:
        run: the run's folder; gets the model's three files in a folder ``MODEL``.
        model: the network.
        recipe: how it was made.
        preprocessing: how pixels become its input.
        evidence: how good the recipe is. Some of its cells try the graph.
        int8_split: the cells that the network was fitted to, if its graph is to be quantised; ``FLOAT32`` then keeps
            the graph as it was.
        explanation: how the network explains its probability; None if it does not.
        faithfulness: how far the explanations can be trusted, from ``evaluation.faithfulness``; None if not measured.

    Returns:
        The manifest.

    Raises:
        ParityError: the graph does not agree with the network.
        QuantizationError: its 8-bit form does not decide alike.
    """
    dataset, seed = evidence.learned_from, recipe.seed
    graph = export(model, dataset, preprocessing, seed, explanation)
    if int8_split:
        (run / FLOAT32).write_bytes(graph.onnx)
        graph = to_8_bits(graph, dataset, int8_split, preprocessing, evidence.thresholds, seed)
    manifest = describe(graph, recipe, preprocessing, evidence, explanation, faithfulness)
    write_files(run / MODEL, graph.onnx, manifest)
    return manifest


def write_files(folder: Path, graph: bytes, manifest: dict[str, Any]) -> None:
    """Write a model's three files into a new folder, which appears whole.

    Raises:
        ModelError: the function could not read the manifest.
    """
    text = json.dumps(manifest, indent=2) + "\n"
    Manifest.from_json(text)
    arriving = folder.with_name(f".{folder.name}")
    arriving.mkdir(parents=True, exist_ok=True)
    (arriving / GRAPH_FILE).write_bytes(graph)
    (arriving / MANIFEST_FILE).write_text(text, "utf-8")
    (arriving / MODEL_CARD_FILE).write_text(model_card(manifest), "utf-8")
    arriving.rename(folder)


def measured_explanations(folder: Path) -> dict[str, Any] | None:
    """Figures of the tests of a model's explanations that its manifest states; None if it states none."""
    fields = json.loads((folder / MANIFEST_FILE).read_text("utf-8"))
    figures: dict[str, Any] | None = fields.get("metrics", {}).get("explanation")
    return figures
