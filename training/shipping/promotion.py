"""Puts the model of a run into service, unless it is worse than the present one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from lambda_fn.errors import ModelError
from lambda_fn.manifest import GRAPH_FILE, MANIFEST_FILE, MODEL_CARD_FILE
from lambda_fn.model import Model
from training.data.dataset import MEASURED_DIGEST
from training.errors import TrainingError
from training.shipping.graph import reference_cells
from training.shipping.model_folder import MODEL

FILES = (GRAPH_FILE, MANIFEST_FILE, MODEL_CARD_FILE)
# Figures that decide, by their path in a manifest. The thresholds of every model are for the same sensitivity.
DECIDING = {
    "ROC AUC": ("metrics", "ranking", "roc_auc", "value"),
    "specificity at the operating point": ("metrics", "at_operating_point", "specificity", "value"),
}
# A quarter of the difference in AUC that other folds of the same subjects make.
TOLERANCE = 0.005
# Between a graph's probabilities of the drawn cells here, and on the machine that exported it.
REFERENCE_BOUND = 1e-3


class PromotionError(TrainingError):
    """A model that does not replace the present one."""


def promote_model(run: Path, model_folder: Path, even_if_worse: bool = False) -> list[str]:
    """Put the model of a run into a folder, and keep the replaced one in the run's folder.

    Both models' figures are out of fold. They can be compared only if they were measured on the same cells.

    Args:
        run: folder of a finished run.
        model_folder: gets the model.
        even_if_worse: also if it is worse than the present one, or cannot be compared with it.

    Returns:
        One line for each figure that decides; empty if there was no model before.

    Raises:
        PromotionError: the run has no model that works, the model is there already, or it is worse.
    """
    if not (run / MODEL).is_dir():
        raise PromotionError(
            f"{run} holds no finished model; `cellflag train run --resume` finishes a run, and a recipe starts again."
        )
    _try_out(run / MODEL)
    manifest = _manifest(run / MODEL)
    changes: list[str] = []
    if (model_folder / MANIFEST_FILE).exists():
        present = _manifest(model_folder)
        if present["sha256"] == manifest["sha256"]:
            raise PromotionError(f"{manifest['version']} is in {model_folder} already.")
        changes, complaints = _compare(manifest, present)
        if complaints and not even_if_worse:
            raise PromotionError(f"Not promoted: {'; '.join(complaints)}. --even-if-worse promotes it nevertheless.")
    ship(run / MODEL, model_folder, run / "replaced")
    return changes


def _try_out(folder: Path) -> None:
    try:
        model = Model(folder)
    except ModelError as error:
        raise PromotionError(f"{folder} cannot be served: {error}.") from error
    expected = _manifest(folder)["training"]["reference_probabilities"]
    probabilities = [model.predict(pixels).probability_all for pixels in reference_cells(model.manifest.preprocessing)]
    difference = float(np.abs(np.subtract(probabilities, expected)).max())
    if not difference <= REFERENCE_BOUND:
        raise PromotionError(f"{folder} says other probabilities here than where it was made, by {difference:.2g}.")


def _compare(new: dict[str, Any], present: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The figures of both models, and the reasons against the new one; one line each."""
    changes, complaints = [], []
    for name, path in DECIDING.items():
        before, after = _figure(present, path), _figure(new, path)
        changes.append(f"{name}: {before:.3f} before, {after:.3f} now")
        if after < before - TOLERANCE:
            complaints.append(f"its {name} is {after:.3f}, that of {present['version']} {before:.3f}")
    if _measured_on(new) != _measured_on(present):
        return changes, [f"it was measured on other cells than {present['version']}, so the two cannot be compared"]
    return changes, complaints


def _measured_on(manifest: dict[str, Any]) -> str:
    """Digest of the cells that the figures of a model were measured on."""
    training = manifest["training"]
    return str(training.get(MEASURED_DIGEST, training["data_digest"]))


def _manifest(folder: Path) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((folder / MANIFEST_FILE).read_text("utf-8"))
    return fields


def _figure(manifest: dict[str, Any], path: tuple[str, ...]) -> float:
    value: Any = manifest
    for name in path:
        value = value[name]
    return float(value)


def ship(source: Path, model_folder: Path, backups: Path) -> None:
    """Replace the model in a folder.

    Args:
        source: folder that ``write_files`` wrote.
        model_folder: gets its files. All are there under other names before the first one is replaced.
        backups: gets a new folder, numbered from 1, with the replaced files, if there are any.
    """
    model_folder.mkdir(parents=True, exist_ok=True)
    present = [model_folder / name for name in FILES if (model_folder / name).exists()]
    if present:
        backups.mkdir(parents=True, exist_ok=True)
        backup = backups / str(1 + sum(1 for _ in backups.iterdir()))
        backup.mkdir()
        for path in present:
            shutil.copy2(path, backup)
    arriving = {name: model_folder / f".{name}.new" for name in FILES}
    try:
        for name, path in arriving.items():
            shutil.copy(source / name, path)
        for name, path in arriving.items():
            path.replace(model_folder / name)
    finally:
        for path in arriving.values():
            path.unlink(missing_ok=True)
