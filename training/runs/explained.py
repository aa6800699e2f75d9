"""Tests the explanations of a recipe's models: each cell by the model of a fold that never saw its subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lambda_fn.manifest import FEATURES_OUTPUT, ExplainedHead
from lambda_fn.preprocessing import Preprocessing
from training.data.folds import Split
from training.evaluation.deletion import FIELD
from training.evaluation.faithfulness import (
    Explainer,
    measure_cells,
    spread_over_groups,
    strongest_field,
    summarise,
)
from training.fitting.head_fitter import HeadFitter, learned_from
from training.fitting.kernel_head import Floats, Hyperparameters, KernelHead, fit_head
from training.networks.pooled_features import MEAN_COLOUR, extract, maps_of, rotate_and_move
from training.shipping.explanation import explanation_fields
from training.synthetic.planted_cue import RADIUS, draw_planted_cells

if TYPE_CHECKING:
    import keras

# Cells that the explanations are tested on, over all folds, and drawn cells with and without a planted cue.
CELLS, PLANTED_CELLS = 80, 160

Scaling = tuple[float, float, float]


def measure_explanations(
    fitter: HeadFitter,
    splits: Sequence[Split],
    heads: Sequence[KernelHead],
    served: Scaling,
    network: keras.Model,
    preprocessing: Preprocessing,
    seed: int,
    cells: int = CELLS,
    planted_cells: int = PLANTED_CELLS,
    advance: Callable[[float], None] = lambda share: None,
) -> dict[str, Any]:
    """Test the explanations of each fold's model on some of its held-out cells.

    Args:
        fitter: the cells, and their features.
        splits: the folds.
        heads: the head of each fold.
        served: slope, bias and share of the colour distance, as ``KernelHead.layers`` takes them.
        network: from ``feature_network``.
        preprocessing: how drawn cells become input.
        seed: of the choice of cells, and of all that is drawn.
        cells: number of cells, at most.
        planted_cells: number of drawn cells for the test with a planted cue.
        advance: called with the share that is done, 0 to 1.

    Returns:
        The figures, as ``faithfulness.summarise`` gives them.
    """
    dataset = fitter.dataset
    chosen = spread_over_groups(dataset.groups, cells, seed)
    figures = []
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        advance(done / (len(chosen) + 1))

    for split, head in zip(splits, heads, strict=True):
        some = chosen[np.isin(chosen, split.held_out)]
        baseline = fitter.typical_normal_cell(head, learned_from(split))
        explainer = explainer_of(network, head, head.constants(*served, baseline))
        figures += measure_cells(explainer, dataset.pixels[some], dataset.groups[some], seed, count)
    found = find_planted_cues(network, preprocessing, fitter.hyperparameters, planted_cells, seed)
    advance(1.0)
    return summarise(figures, seed, found)


def explainer_of(network: keras.Model, head: KernelHead, constants: Mapping[str, Floats]) -> Explainer:
    """A head on the features of a Keras network, as the tests of explanations take it."""
    import keras

    whole = keras.Model(network.input, {FEATURES_OUTPUT: network.output} | maps_of(network))

    def look(pixels: NDArray[np.uint8]) -> dict[str, Floats]:
        return {name: np.asarray(values) for name, values in whole.predict_on_batch(pixels).items()}

    fields = explanation_fields(head, network, tuple(constants))
    return Explainer(ExplainedHead.from_fields(fields), constants, look, lambda pixels: extract(network, pixels))


def find_planted_cues(
    network: keras.Model, preprocessing: Preprocessing, hyperparameters: Hyperparameters, count: int, seed: int
) -> list[bool]:
    """Let a head learn a planted cue from three quarters of drawn cells, and look for it in the other cells.

    Returns:
        For each of the other cells with a cue whether the field that speaks most for the cue touches it.
    """
    drawn = draw_planted_cells(count, preprocessing, seed)
    features = extract(network, drawn.pixels)
    augmented = extract(network, rotate_and_move(drawn.pixels, seed))
    learned = np.arange(count) < count * 3 // 4
    is_cue = drawn.has_cue[learned]
    weights = np.ones(int(learned.sum()), np.float32)
    head = fit_head(features[learned], augmented[learned], is_cue, weights, MEAN_COLOUR, hyperparameters)
    baseline = np.asarray(head.standardise(features[learned][~is_cue]).mean(axis=0), np.float32)
    explainer = explainer_of(network, head, head.constants(1.0, 0.0, 1.0, baseline))
    found = []
    for pixels, centre in zip(
        drawn.pixels[~learned & drawn.has_cue], drawn.centres[~learned & drawn.has_cue], strict=True
    ):
        corner = np.array(strongest_field(explainer, pixels))
        nearest = np.clip(centre, corner, corner + FIELD - 1)
        found.append(bool(np.hypot(*(nearest - centre)) <= RADIUS * preprocessing.size / preprocessing.crop))
    return found
