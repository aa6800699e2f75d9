"""The manifest of a model: all that the function needs to serve it, and that people need to judge it."""

import hashlib
import math
import subprocess
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lambda_fn.manifest import DISTANCE_OUTPUT, PROBABILITY_OUTPUT
from lambda_fn.preprocessing import Preprocessing
from training.data.dataset import MEASURED_DIGEST, Dataset
from training.evaluation.class_ranges import class_ranges
from training.evaluation.evidence import Evidence
from training.evaluation.group_bounds import can_carry
from training.evaluation.metrics import Metrics
from training.evaluation.subject_shares import compare_subjects, shares_by_subject
from training.evaluation.thresholds import CONFIDENCE
from training.fitting.recipes import Recipe
from training.networks.architectures import INPUT_NAME
from training.shipping.explanation import Explanation
from training.shipping.export import ExportedGraph
from training.shipping.graph import THREADS

# Libraries whose version can change a model.
LIBRARIES = ("keras", "numpy", "onnx", "pillow", "scikit-learn", "tensorflow", "tf2onnx")


def describe(
    graph: ExportedGraph,
    recipe: Recipe,
    preprocessing: Preprocessing,
    evidence: Evidence,
    explanation: Explanation | None = None,
    faithfulness: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the manifest of a model, as plain values for JSON.

    Args:
        graph: the graph that is served.
        recipe: how the model was made.
        preprocessing: how pixels become its input.
        evidence: how good the recipe is.
        explanation: how the model explains its probability; None if it does not.
        faithfulness: figures of its explanations; None if they were not measured.
    """
    size = preprocessing.size
    sha256 = hashlib.sha256(graph.onnx).hexdigest()
    measured_on = _measured_on(evidence)
    ranges = class_ranges(evidence.predictions.dataset)
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
        "outputs": [
            *_outputs(measures_distance=math.isfinite(evidence.thresholds.unlike_above)),
            *(explanation.outputs if explanation else []),
        ],
        "preprocessing": {
            **asdict(preprocessing),
            "cell_px": _typical_cell_px(evidence.predictions.dataset, preprocessing),
            "resampling": "bilinear" if preprocessing.crop != size else "none",
        },
        "classes": ["normal", "ALL"],
        "session": {"threads": THREADS},
        "decision": {**_decision(evidence), **measured_on},
        "training": _training(graph, recipe, evidence),
        "metrics": {
            **measured_on,
            **_metrics(evidence),
            "subject_shares": _subject_shares(evidence, recipe.seed),
            **({"explanation": faithfulness} if faithfulness else {}),
        },
        **({"morphology": ranges.as_fields()} if ranges else {}),
        **({"explanation": explanation.fields} if explanation else {}),
    }


def _typical_cell_px(dataset: Dataset, preprocessing: Preprocessing) -> float:
    """Median diameter of the normal cells: of a circle of their area, px of an image at the model's scale.

    It shows the scale of a data set that does not state one.
    """
    areas = [np.count_nonzero(pixels.any(axis=2)) for pixels in dataset.pixels[~dataset.is_all]]
    return round(math.sqrt(4 * float(np.median(areas)) / math.pi) * preprocessing.crop / preprocessing.size, 1)


def _measured_on(evidence: Evidence) -> dict[str, Any]:
    dataset = evidence.predictions.dataset
    return {
        "split": f"out-of-fold, {evidence.predictions.folds} subject-disjoint folds",
        "n": len(dataset.names),
        "subjects": len(np.unique(dataset.subjects)),
    }


def _outputs(measures_distance: bool) -> list[dict[str, Any]]:
    column = {"shape": ["batch", 1], "dtype": "float32"}
    meaning = "squared, from known cells or colours"
    probability = {"name": PROBABILITY_OUTPUT, **column, "range": [0, 1], "meaning": "probability of ALL"}
    distance = {"name": DISTANCE_OUTPUT, **column, "range": [0, None], "meaning": meaning}
    return [probability, distance] if measures_distance else [probability]


def _decision(evidence: Evidence) -> dict[str, Any]:
    unseen = evidence.unseen
    return {
        **{name: value for name, value in asdict(evidence.thresholds).items() if math.isfinite(value)},
        "by_error_rate": evidence.by_error_rate,
        "chosen_for": asdict(evidence.rates),
        "achieved": evidence.achieved,
        "promise": {
            "holds_for": "mean over subjects that the model never saw and that are drawn like the known ones",
            "confidence": CONFIDENCE,
            "groups_of_subjects": evidence.groups,
            "not_offered": _not_offered(evidence),
            "on_subjects_left_out": asdict(unseen) if unseen else None,
            "review_share_by_healthy_groups": [[*pair] for pair in evidence.review_by_healthy_groups.items()],
        },
    }


def _not_offered(evidence: Evidence) -> list[str]:
    """The default error rates that the subjects cannot carry: nothing is decided by them."""
    groups = {"all_decided_normal": evidence.groups["ALL"], "normal_decided_all": evidence.groups["normal"]}
    return [name for name, count in groups.items() if not can_carry(count, getattr(evidence.rates, name))]


def _training(graph: ExportedGraph, recipe: Recipe, evidence: Evidence) -> dict[str, Any]:
    dataset = evidence.learned_from
    return {
        "data_set": dataset.title,
        "data_digest": dataset.digest,
        MEASURED_DIGEST: evidence.predictions.dataset.digest,
        "cells": {"ALL": int(dataset.is_all.sum()), "normal": int((~dataset.is_all).sum())},
        **_reviewed(evidence),
        "subjects": {"ALL": _subjects(dataset, dataset.is_all), "normal": _subjects(dataset, ~dataset.is_all)},
        **recipe.as_fields(),
        "folds": evidence.predictions.folds,
        "parameters": graph.parameters,
        "parity": graph.parity,
        "reference_probabilities": graph.reference_probabilities,
        **({"int8": asdict(graph.quantization)} if graph.quantization else {}),
        "git_revision": git_revision(),
        "libraries": {library: version(library) for library in LIBRARIES},
    }


def _reviewed(evidence: Evidence) -> dict[str, dict[str, int]]:
    """Reviewed cells that no figure rests on: those for fitting alone, and audits, which chose thresholds too."""
    others = len(evidence.learned_from.names) - len(evidence.predictions.dataset.names)
    return {"reviewed": {"fitting": others - evidence.audits, "audits": evidence.audits}} if others else {}


def _subjects(dataset: Dataset, of_class: NDArray[np.bool_]) -> int:
    return len(np.unique(dataset.subjects[of_class]))


def _metrics(evidence: Evidence) -> dict[str, Any]:
    by_subject = evidence.metrics_by_subject_alone
    return {
        **_plain(evidence.metrics),
        **({"by_subject_alone": _plain(by_subject)} if by_subject else {}),
        "per_subject": evidence.per_subject,
    }


def _subject_shares(evidence: Evidence, seed: int) -> dict[str, Any]:
    """Where known subjects lie, for ``lambda_fn.known_subjects`` to read."""
    cells, probabilities = evidence.predictions.dataset, evidence.predictions.probabilities
    rows = shares_by_subject(probabilities, cells.is_all, cells.subjects, cells.groups, evidence.thresholds)
    return asdict(compare_subjects(rows, seed))


def _plain(metrics: Metrics) -> dict[str, dict[str, dict[str, float]]]:
    return {part: {name: asdict(value) for name, value in figures.items()} for part, figures in metrics.items()}


def git_revision() -> str | None:
    """The checkout's commit, with ``-dirty`` behind it if Python files differ from it; None outside a repository."""
    try:
        commit = _git("rev-parse", "HEAD")
        return f"{commit}-dirty" if _git("status", "--porcelain", "--", "*.py") else commit
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    root = Path(__file__).parents[2]
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout.strip()
