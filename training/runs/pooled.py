"""The run of ``cellflag train recipe``: a frozen network, pooled over the cell, under a support vector machine."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lambda_fn.manifest import FEATURES_OUTPUT
from lambda_fn.preprocessing import Preprocessing
from training.data.dataset import Dataset
from training.data.folds import Split, folds, leave_out_duplicates
from training.data.splits import make_or_read_folds
from training.data.teaching import split_held_out_cells
from training.errors import DatasetError
from training.evaluation.distances import combine_distances
from training.evaluation.evidence import OutOfFold
from training.evaluation.predictions import OUT_OF_FOLD
from training.evaluation.scaling import platt
from training.fitting.head_fitter import HeadFitter
from training.fitting.kernel_head import KernelHead
from training.fitting.recipes import PooledRecipe
from training.networks.pooled_features import MEAN_COLOUR, extract, feature_network, maps_of, rotate_and_move
from training.runs.explained import CELLS, PLANTED_CELLS, measure_explanations
from training.runs.out_of_fold import folds_of_cells, gather_evidence, predict_held_out
from training.runs.plan import Plan
from training.runs.progress import RunProgress
from training.shipping.explanation import explanation_of
from training.shipping.model_folder import write_model_folder

if TYPE_CHECKING:
    import keras

# At the image's own scale.
PREPROCESSING = Preprocessing(crop=224, size=224)

# More folds make the models of the folds more like the final one, which learns from all subjects.
MOST_FOLDS = 12
# As most publications have.
PUBLISHED_FOLDS = 5

# The whole model, as Keras saves it.
NETWORK = "model.keras"

PooledPlan = Plan[PooledRecipe]


def make_pooled_model(
    plan: PooledPlan, progress: RunProgress, explained: tuple[int, int] = (CELLS, PLANTED_CELLS)
) -> dict[str, Any]:
    """Extract features, fit, measure by folds, calibrate and export.

    Args:
        plan: of the run.
        progress: shows it.
        explained: numbers of held-out cells, and of drawn cells with a planted cue, that explanations are tested on.

    Returns:
        The manifest of the model.

    Raises:
        DatasetError: the source cannot be trained from, or has no subject of a name to leave out.
        PretrainedWeightsError: the weights are not those of the network.
        CalibrationError: the predictions allow no thresholds.
        ParityError: the exported graph does not agree with the network.
    """
    import keras

    dataset = progress.load(plan.data, plan.preprocessing)
    preprocessing = dataset.preprocessing or plan.preprocessing
    _require_known(plan.recipe.left_out, dataset, plan.data)
    splits = make_or_read_folds(_folds(plan.folds, dataset), dataset, plan.recipe.seed)
    splits_by_subject = _by_subject_alone(dataset, min(len(splits), PUBLISHED_FOLDS), plan.recipe.seed)
    plan.out.mkdir(parents=True, exist_ok=True)

    network = feature_network(plan.preprocessing.size, plan.weights)
    fitter = head_fitter(plan, dataset, network, progress)
    heads, held_out = _predict_held_out(fitter, splits, progress, "Fold")
    of_folds = dataset.part(dataset.is_held_out)
    measured = of_folds.is_measured_by
    scores, support_distances, colour_distances = held_out.T
    scaling = platt(scores[measured], of_folds.is_all[measured])
    colour_share, unlike_above = combine_distances(support_distances[measured], colour_distances[measured])
    by_subject_alone = None
    if splits_by_subject:
        by_subject_alone = scaling(_predict_held_out(fitter, splits_by_subject, progress, "By subject alone")[1][:, 0])
    predictions = OutOfFold(of_folds, folds_of_cells(splits), scaling(scores), unlike_above, by_subject_alone)
    evidence = gather_evidence(predictions, dataset, plan, progress)

    with progress.step("Final fit"):
        head = fitter.fit(np.arange(len(dataset.names)))
    served = scaling.slope, scaling.bias, colour_share
    outputs = head.layers(network.output, *served) | {FEATURES_OUTPUT: network.output} | maps_of(network)
    model = keras.Model(network.input, outputs)
    model.save(plan.out / NETWORK)
    explanation = explanation_of(head, network, head.constants(*served, fitter.typical_normal_cell(head)))
    with progress.step("Testing explanations") as advance:
        faithfulness = measure_explanations(
            fitter, splits, heads, served, network, preprocessing, plan.recipe.seed, *explained, advance
        )
    with progress.step("Exporting"):
        return write_model_folder(
            plan.out, model, plan.recipe, preprocessing, evidence, None, explanation, faithfulness
        )


def _folds(folds: int | Path, dataset: Dataset) -> int | Path:
    """``MOST_FOLDS``, or as many as the rarer class has groups of subjects. Any other number or file stays."""
    if folds != MOST_FOLDS:
        return folds
    cells = dataset.part(dataset.is_held_out)
    return max(2, min(MOST_FOLDS, *(len(np.unique(cells.groups[c])) for c in (cells.is_all, ~cells.is_all))))


def _require_known(left_out: tuple[str, ...], dataset: Dataset, data: Path) -> None:
    if unknown := sorted(set(left_out) - set(dataset.subjects)):
        raise DatasetError(f"{data} has no subject {unknown[0]} to leave out; subjects are named as in the index.")


def remove_unfinished(out: Path) -> None:
    """Remove what a recipe that was stopped has written, so that it can start again in the same folder."""
    for name in (OUT_OF_FOLD, NETWORK):
        (out / name).unlink(missing_ok=True)


def _by_subject_alone(dataset: Dataset, count: int, seed: int) -> list[Split]:
    """Folds as most publications make them: two subjects with a photograph in common may be in different folds.

    No model learns from such a photograph if it is held out. Without such subjects the folds would be the usual ones,
    and there are none.
    """
    subjects = np.unique(dataset.subjects, return_inverse=True)[1]
    if len(np.unique(dataset.groups)) == len(np.unique(subjects)):
        return []
    splits = split_held_out_cells(dataset, subjects, partial(folds, count=count, seed=seed))
    return [leave_out_duplicates(split, dataset.photographs) for split in splits]


def head_fitter(plan: PooledPlan, dataset: Dataset, network: keras.Model, progress: RunProgress) -> HeadFitter:
    """Pool the features of each cell, and of the cell rotated, mirrored and moved, for heads to learn from."""
    with progress.step("Features") as advance:
        features = extract(network, dataset.pixels, advance)
    with progress.step("Augmented features") as advance:
        augmented = extract(network, rotate_and_move(dataset.pixels, plan.recipe.seed), advance)
    learns = ~np.isin(dataset.subjects, plan.recipe.left_out)
    return HeadFitter(dataset, features, augmented, MEAN_COLOUR, plan.recipe.head, learns)


def _predict_held_out(
    fitter: HeadFitter, splits: list[Split], progress: RunProgress, title: str
) -> tuple[list[KernelHead], NDArray[np.float64]]:
    """The head of each fold, and score and distances of every cell by the head that held it out."""
    heads: list[KernelHead] = []

    def predict(_: int, split: Split) -> NDArray[np.float64]:
        heads.append(fitter.fit_fold(split))
        return fitter.predict(heads[-1], split.held_out)

    with progress.step(title) as advance:
        return heads, predict_held_out(splits, predict, advance)
