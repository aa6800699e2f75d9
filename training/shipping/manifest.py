"""The manifest of a model: what the function needs in order to serve it, and what people need in order to judge it."""

import hashlib
import math
import subprocess
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from lambda_fn.decisions import Thresholds
from lambda_fn.manifest import Preprocessing
from training.data.dataset import Dataset
from training.evaluation.metrics import Metrics, per_subject
from training.evaluation.thresholds import ErrorRates, achieved, tabulate_thresholds
from training.networks.architectures import DISTANCE_NAME, INPUT_NAME, OUTPUT_NAME
from training.shipping.graph import THREADS
from training.shipping.quantization import Quantization

LIBRARIES = ("keras", "numpy", "onnx", "pillow", "scikit-learn", "tensorflow", "tf2onnx")


class DescribedRecipe(Protocol):
    """A dataclass that says how a model was made."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def architecture(self) -> str:
        """The architecture's name."""

    @property
    def seed(self) -> int:
        """What repeats it."""


def describe(
    *,
    graph: bytes,
    preprocessing: Preprocessing,
    dataset: Dataset,
    recipe: DescribedRecipe,
    parameters: int,
    folds: int,
    probabilities: NDArray[np.float64],
    thresholds: Thresholds,
    metrics: Metrics,
    parity: float,
    reference: list[float],
    quantization: Quantization | None = None,
    metrics_by_subject: Metrics | None = None,
) -> dict[str, Any]:
    """Write the manifest of a model, as plain values for JSON.

    Args:
        graph: bytes of ``model.onnx``.
        preprocessing: how pixels become input.
        dataset: what the model learned from.
        recipe: how it was trained.
        parameters: number of weights.
        folds: number of subject-disjoint folds that the out-of-fold predictions come from.
        probabilities: float array of shape (n,): out-of-fold predictions, which thresholds and metrics are computed on.
        thresholds: chosen on them.
        metrics: measured on them.
        parity: largest difference between the graph and the Keras model.
        reference: what ``export.reference_probabilities`` says of the drawn cells, or the 8-bit graph itself.
        quantization: how an 8-bit graph compares; None for one of float32.
        metrics_by_subject: measured on folds that part subjects although they share photographs, which no fold learns
            from and is measured on; None where there are no such subjects, or nobody measured.
    """
    split = {
        "split": f"out-of-fold, {folds} subject-disjoint folds",
        "n": len(dataset.names),
        "subjects": len(np.unique(dataset.subjects)),
    }
    size = preprocessing.size
    sha256 = hashlib.sha256(graph).hexdigest()
    return {
        "version": f"{recipe.architecture}-{date.today().isoformat()}-{sha256[:8]}",
        "sha256": sha256,
        "input": {
            "name": INPUT_NAME,
            "shape": ["batch", size, size, 3],
            "dtype": "uint8",
            "range": [0, 255],
            "layout": "NHWC, RGB",
        },
        "outputs": _outputs(measures_distance=math.isfinite(thresholds.unlike_above)),
        "preprocessing": {**asdict(preprocessing), "resampling": "bilinear" if preprocessing.crop != size else "none"},
        "classes": ["normal", "ALL"],
        "session": {"threads": THREADS},
        "decision": {
            **{name: value for name, value in asdict(thresholds).items() if math.isfinite(value)},
            "by_error_rate": tabulate_thresholds(probabilities, dataset.is_all),
            "chosen_for": asdict(ErrorRates()),
            "achieved": achieved(probabilities, dataset.is_all, thresholds),
            **split,
        },
        "training": {
            "data_set": dataset.title,
            "data_digest": dataset.digest,
            "cells": {"ALL": int(dataset.is_all.sum()), "normal": int((~dataset.is_all).sum())},
            "subjects": {
                "ALL": len(np.unique(dataset.subjects[dataset.is_all])),
                "normal": len(np.unique(dataset.subjects[~dataset.is_all])),
            },
            **asdict(recipe),
            "folds": folds,
            "parameters": parameters,
            "parity": parity,
            "reference_probabilities": reference,
            **({"int8": asdict(quantization)} if quantization else {}),
            "git_revision": git_revision(),
            "libraries": {library: version(library) for library in LIBRARIES},
        },
        "metrics": {
            **split,
            **_plain(metrics),
            **({"by_subject_alone": _plain(metrics_by_subject)} if metrics_by_subject else {}),
            "per_subject": per_subject(probabilities, dataset.is_all, dataset.subjects),
        },
    }


def _plain(metrics: Metrics) -> dict[str, dict[str, dict[str, float]]]:
    return {part: {name: asdict(value) for name, value in figures.items()} for part, figures in metrics.items()}


def _outputs(measures_distance: bool) -> list[dict[str, Any]]:
    column = {"shape": ["batch", 1], "dtype": "float32"}
    probability = {"name": OUTPUT_NAME, **column, "range": [0, 1], "meaning": "probability of ALL"}
    distance = {"name": DISTANCE_NAME, **column, "range": [0, None], "meaning": "squared, from known cells or colours"}
    return [probability, distance] if measures_distance else [probability]


def git_revision() -> str | None:
    """The checkout's commit, with ``-dirty`` behind it where Python files differ from it; None outside a repository."""
    try:
        commit = _git("rev-parse", "HEAD")
        return f"{commit}-dirty" if _git("status", "--porcelain", "--", "*.py") else commit
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    root = Path(__file__).parents[2]
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout.strip()
