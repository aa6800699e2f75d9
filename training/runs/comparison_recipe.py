"""The recipe of the shipped model as a row of a comparison: it learns from the same cells, and predicts the same."""

from __future__ import annotations

import time

import numpy as np

from training.data.dataset import Dataset
from training.data.folds import Split
from training.errors import TrainingError
from training.evaluation.scaling import platt
from training.networks.pooled_features import feature_network
from training.runs.comparison_rows import ComparisonRow, measured
from training.runs.pooled import PooledPlan, head_fitter
from training.runs.progress import RunProgress

# An entry beside the architectures.
RECIPE = "recipe"


class OtherCellsError(TrainingError):
    """Cells that changed while they were compared."""


def recipe_row(plan: PooledPlan, dataset: Dataset, split: Split, progress: RunProgress) -> ComparisonRow:
    """Fit the recipe to the cells that networks learn from and stop by, export it into its folder, and measure it.

    A first head learns from the training cells alone. The stopping cells calibrate its scores. The final head learns
    from both, as in a fold of the recipe's own measurement.

    Args:
        plan: of the recipe; its folder gets the graph and the predictions, and its folds are not used.
        dataset: the cells as the networks take them.
        split: of these cells.
        progress: shows the steps.

    Raises:
        PretrainedWeightsError: the weights are not those of the frozen network.
        OtherCellsError: the source holds other cells by now.
    """
    import keras

    start = time.monotonic()
    network = feature_network(plan.preprocessing.size, plan.weights)
    own = progress.load(plan.data, plan.preprocessing)
    if own.digest != dataset.digest:
        raise OtherCellsError(f"{plan.data} holds other cells than a moment ago: compare in a new folder.")
    fitter = head_fitter(plan, own, network, progress)
    with progress.step("Fitting recipe"):
        scores = fitter.fit(split.training).score(fitter.features[split.stopping])
        scaling = platt(scores, own.is_all[split.stopping])
        head = fitter.fit(np.concatenate([split.training, split.stopping]))
    # A comparison ignores the second output, the distance. The share of colour in it can be any.
    outputs = head.layers(network.output, scaling.slope, scaling.bias, colour_share=1.0)
    model = keras.Model(network.input, outputs)
    probabilities = scaling(head.score(fitter.features[split.held_out]))
    training = {"epochs": None, "seconds": round(time.monotonic() - start)}
    return training | measured(model, probabilities, own, split, plan.recipe.seed, plan.out)
