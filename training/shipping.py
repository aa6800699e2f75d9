"""Puts a finished model where the function finds it, and loses no earlier one."""

import json
import shutil
from pathlib import Path
from typing import Any

from lambda_fn.model import Manifest
from training.model_card import model_card

GRAPH, MANIFEST, CARD = "model.onnx", "model.json", "MODEL_CARD.md"


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
