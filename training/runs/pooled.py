"""The recipe of the shipped model: a frozen network, pooled over the cell, under a support vector machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from lambda_fn.manifest import Preprocessing
from training.data.dataset import Dataset, load
from training.data.folds import Split, folds, leave_out_doubles
from training.data.splits import make_or_read_folds
from training.evaluation.metrics import evaluate
from training.evaluation.thresholds import choose_distance, choose_thresholds
from training.fitting import kernel_head
from training.fitting.balance import balanced_weights
from training.fitting.kernel_head import KernelHead, fit_head
from training.networks import pooled_features
from training.runs.network import write_predictions
from training.runs.progress import RunProgress
from training.shipping.model_folder import release

SIZE = 224


@dataclass(frozen=True)
class PooledRecipe:
    """How the shipped model is made; part of its manifest.

    Attributes:
        seed: of the folds.
        pretrained_on: where the frozen weights come from.
        pooled: what the machine learns from.
        components: principal components that are kept.
        penalty: C of the support vector machine.
        gamma: of its kernel.
        nuisance: share of the variation by turning a cell that is evened out.
    """

    seed: int
    pretrained_on: str
    architecture: str = "MobileNetV1-pooled-SVM"
    pooled: str = (
        f"mean and spread over the cell of conv_pw_{', '.join(map(str, pooled_features.BLOCKS))}; "
        "moments of colour and of four bands of detail"
    )
    components: int = kernel_head.COMPONENTS
    penalty: float = kernel_head.PENALTY
    gamma: float = kernel_head.GAMMA
    nuisance: float = kernel_head.NUISANCE


def cook(
    data: Path,
    weights: Path | None,
    wanted_folds: int | Path,
    seed: int,
    out: Path,
    progress: RunProgress,
) -> dict[str, Any]:
    """Extract, fit, measure out of fold, calibrate and export.

    Args:
        data: folder of labelled cells.
        weights: of the frozen network; None downloads them.
        wanted_folds: number of subject-disjoint folds, or the file that holds them.
        seed: repeats the run.
        out: new folder for what the run leaves behind.
        progress: shows the steps.

    Returns:
        The manifest of the model.

    Raises:
        DatasetError: the folder cannot be trained from.
        PretrainedWeightsError: the weights are not those of the network.
        CalibrationError: the predictions allow no thresholds.
        ParityError: the exported graph is not the model.
    """
    import keras

    preprocessing = Preprocessing(SIZE, SIZE)
    with progress.step("Reading cells") as advance:
        dataset = load(data, preprocessing, lambda done, total: advance(done / total))
    progress.say_what_was_read(dataset)
    splits = make_or_read_folds(wanted_folds, dataset, seed)
    out.mkdir(parents=True, exist_ok=True)
    network = pooled_features.feature_network(SIZE, weights)
    with progress.step("Features") as advance:
        features = pooled_features.extract(network, dataset.pixels, advance)
    with progress.step("Turned features") as advance:
        of_turned = pooled_features.extract(network, pooled_features.turned(dataset.pixels, seed), advance)

    fit = partial(_fit, dataset, features, of_turned)
    scores, nearest, stain = _score_held_out(fit, features, splits, progress, "Fold")
    slope, bias = platt(scores, dataset.is_all)
    probabilities = _calibrated(scores, slope, bias)
    # Either distance alone flags as many cells of the training data's kind.
    stain_share = choose_distance(nearest) / choose_distance(stain)
    unlike_above = choose_distance(np.maximum(nearest, stain_share * stain))
    thresholds = choose_thresholds(probabilities, dataset.is_all, unlike_above=unlike_above)
    write_predictions(out / "out-of-fold.csv", dataset, splits, probabilities)
    with progress.step("Measuring"):
        metrics = evaluate(probabilities, dataset.is_all, dataset.groups, thresholds, seed)
    progress.say_how_good(metrics, f"{len(splits)} folds")
    metrics_by_subject = None
    if by_subject := list(_by_subject_alone(dataset, len(splits), seed)):
        scores, _, _ = _score_held_out(fit, features, by_subject, progress, "By subject alone")
        with progress.step("Measuring"):
            metrics_by_subject = evaluate(
                _calibrated(scores, slope, bias), dataset.is_all, dataset.groups, thresholds, seed
            )
        progress.say_how_good(metrics_by_subject, f"{len(by_subject)} folds by subject alone")
    with progress.step("Final fit"):
        head = fit(np.arange(len(features)))
    model = keras.Model(network.input, head.layers(network.output, slope, bias, stain_share))
    model.save(out / "model.keras")
    with progress.step("Exporting"):
        return release(
            model,
            preprocessing=preprocessing,
            dataset=dataset,
            recipe=PooledRecipe(seed, _origin(weights)),
            folds=len(splits),
            probabilities=probabilities,
            thresholds=thresholds,
            metrics=metrics,
            metrics_by_subject=metrics_by_subject,
            out=out,
        )


def _origin(weights: Path | None) -> str:
    origin = "ImageNet (keras.applications.MobileNet; Howard et al. 2017, arXiv 1704.04861; Apache-2.0)"
    if weights is None:
        return origin
    return f"{origin}, as given in {weights.name}, sha256 {hashlib.sha256(weights.read_bytes()).hexdigest()[:16]}…"


def _score_held_out(
    fit: Callable[[NDArray[np.int64]], KernelHead],
    features: NDArray[np.float32],
    splits: Sequence[Split],
    progress: RunProgress,
    title: str,
) -> NDArray[np.float64]:
    """Scores, distances to the nearest support vector, and of colours, shape (3, n), by machines of the other folds."""
    found = np.zeros((3, len(features)))
    with progress.step(title) as advance:
        for number, split in enumerate(splits, start=1):
            head = fit(np.concatenate([split.training, split.stopping]))
            held_out = features[split.held_out]
            found[:, split.held_out] = head.score(held_out), head.nearest(held_out), head.stain(held_out)
            advance(number / len(splits))
    return found


def _calibrated(scores: NDArray[np.float64], slope: float, bias: float) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-(slope * scores + bias))))


def _by_subject_alone(dataset: Dataset, count: int, seed: int) -> Iterator[Split]:
    """Folds as most publications make them: subjects that share a photograph may part, but not learn from it.

    No folds where no subjects share one: they would be the same.
    """
    subjects = np.unique(dataset.subjects, return_inverse=True)[1]
    if len(np.unique(dataset.groups)) < len(np.unique(subjects)):
        for split in folds(dataset.is_all, subjects, count, seed):
            yield leave_out_doubles(split, dataset.photographs)


def _fit(
    dataset: Dataset, features: NDArray[np.float32], of_turned: NDArray[np.float32], chosen: NDArray[np.int64]
) -> KernelHead:
    is_all = dataset.is_all[chosen]
    weights = balanced_weights(is_all, np.unique(dataset.subjects[chosen], return_inverse=True)[1])
    return fit_head(features[chosen], of_turned[chosen], is_all, weights, pooled_features.MEAN_COLOUR)


def platt(scores: NDArray[np.float64], is_all: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and bias of the logit of ALL over a score (Platt 1999, Probabilistic Outputs for Support Vector Machines).

    Args:
        scores: float array of shape (n,), out of fold.
        is_all: boolean array of shape (n,).
    """
    fitted = LogisticRegression(C=np.inf).fit(scores[:, None], is_all)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
