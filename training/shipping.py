"""Puts a finished model where the function finds it, and loses no earlier one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lambda_fn.cells import Preprocessing
from lambda_fn.decisions import Thresholds
from lambda_fn.model import Manifest
from training.dataset import Dataset
from training.evaluate import Metrics
from training.export import check_parity, reference_probabilities, to_onnx
from training.manifest import DescribedRecipe, describe
from training.model_card import model_card

if TYPE_CHECKING:
    import keras

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
    model_folder: Path,
) -> dict[str, Any]:
    """Export a finished model, hold the graph against it, describe it, and put it where it is served from.

    Args:
        model: the Keras model.
        preprocessing: as in ``describe``, like all that is not named here.
        dataset: what it learned from; some of its cells try the graph.
        recipe: how it was made.
        folds: number of folds behind the predictions.
        probabilities: out-of-fold predictions.
        thresholds: chosen on them.
        metrics: measured on them.
        out: the run's folder; gets a copy of the model, and of the one that it replaces.
        model_folder: where the model is served from.

    Returns:
        The manifest.

    Raises:
        ParityError: the graph is not the model; the model folder is as it was.
    """
    graph = to_onnx(model)
    some = np.random.default_rng(recipe.seed).permutation(len(dataset.names))[:PARITY_CELLS]
    parity = check_parity(model, graph, dataset.pixels[some], recipe.seed)
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
        parity=parity,
        reference=reference_probabilities(model, preprocessing),
    )
    write_model(out / "model", graph, manifest)
    ship(out / "model", model_folder, out / "previous-model")
    return manifest


def write_model(folder: Path, graph: bytes, manifest: dict[str, Any]) -> None:
    """Write a model's three files into a new folder; raises ``ModelError`` where the function could not read them."""
    text = json.dumps(manifest, indent=2) + "\n"
    Manifest.from_json(text)
    folder.mkdir(parents=True)
    (folder / GRAPH).write_bytes(graph)
    (folder / MANIFEST).write_text(text, "utf-8")
    (folder / CARD).write_text(model_card(manifest), "utf-8")


def ship(source: Path, model_folder: Path, backup: Path) -> None:
    """Replace the model in a folder.

    Args:
        source: folder that ``write_model`` wrote.
        model_folder: gets its files. All are complete there, under other names, before the first one is replaced.
        backup: new folder that gets the files that are replaced, if there are any.
    """
    model_folder.mkdir(parents=True, exist_ok=True)
    earlier = [model_folder / name for name in (GRAPH, MANIFEST, CARD) if (model_folder / name).exists()]
    if earlier:
        backup.mkdir(parents=True)
        for path in earlier:
            shutil.copy2(path, backup)
    arrived = [Path(shutil.copy(source / name, model_folder / f".{name}.new")) for name in (GRAPH, MANIFEST, CARD)]
    for path, name in zip(arrived, (GRAPH, MANIFEST, CARD), strict=True):
        path.replace(model_folder / name)
