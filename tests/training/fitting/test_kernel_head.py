from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from training.fitting.kernel_head import Hyperparameters, KernelHead, fit_head

Floats = NDArray[np.float32]
COLOURS = slice(2, 5)


def rings(count: int, seed: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Two classes that no line separates, in 2 of 12 features."""
    generator = np.random.default_rng(seed)
    is_all = generator.random(count) < 0.5
    angle, radius = generator.uniform(0, 2 * np.pi, count), np.where(is_all, 3.0, 1.0) + generator.normal(0, 0.2, count)
    features = generator.normal(0, 0.3, (count, 12))
    features[:, :2] = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return features.astype(np.float32), is_all


@pytest.fixture(scope="module")
def head() -> KernelHead:
    features, is_all = rings(400, seed=0)
    augmented = features.copy()  # augmentation changes the features that do not depend on the class
    augmented[:, 2:] = np.random.default_rng(9).normal(0, 0.3, (400, 10))
    return fit_head(features, augmented, is_all, np.ones(400, np.float32), COLOURS, Hyperparameters())


def test_a_head_learns_what_no_line_separates(head: KernelHead) -> None:
    features, is_all = rings(400, seed=1)
    assert roc_auc_score(is_all, head.score(features)) > 0.97


def test_the_layers_say_what_the_head_says(head: KernelHead) -> None:
    features, _ = rings(100, seed=2)
    image = keras.Input((12,))
    outputs = keras.Model(image, head.layers(image, slope=1.5, bias=-0.2, colour_share=0.5)).predict(
        features, verbose=0
    )
    expected = 1 / (1 + np.exp(-(1.5 * head.score(features) - 0.2)))
    np.testing.assert_allclose(outputs["probability_all"][:, 0], expected, atol=1e-5)
    support, colour = head.support_distance(features), 0.5 * head.colour_distance(features)
    assert (support > colour).any() and (colour > support).any()
    np.testing.assert_allclose(outputs["distance"][:, 0], np.maximum(support, colour), atol=1e-4)


def test_what_lies_far_from_all_training_cells_is_far(head: KernelHead) -> None:
    features, _ = rings(100, seed=3)
    strange = features + 8
    assert head.support_distance(strange).min() > 3 * np.quantile(head.support_distance(features), 0.99)


def test_colours_that_never_stand_together_are_far_although_each_is_common(head: KernelHead) -> None:
    features, is_all = rings(400, seed=0)
    features[:, 4] = features[:, 3] = features[:, 2]
    alike = fit_head(features, features[::-1], is_all, np.ones(400, np.float32), COLOURS, Hyperparameters())
    strange = features.copy()
    strange[:, 3] *= -1
    assert np.median(alike.colour_distance(strange)) > 10 * np.median(alike.colour_distance(features))


def test_directions_in_which_a_turn_moves_a_cell_count_less() -> None:
    features, is_all = rings(400, seed=0)
    shift = np.zeros_like(features)
    shift[:, 5] = np.random.default_rng(4).normal(0, 3, 400)
    moved, still = (
        fit_head(features, features + change, is_all, np.ones(400, np.float32), COLOURS, Hyperparameters())
        for change in (shift, shift[:, ::-1])
    )
    along = np.eye(12, dtype=np.float32)[[5]]

    def length(head: KernelHead) -> float:
        return float(np.linalg.norm(along * head.scale @ head.projection))

    assert length(moved) < 0.6 * length(still)


@pytest.mark.parametrize("change", [{"components": 3}, {"penalty": 0.1}, {"gamma": 0.2}, {"nuisance": 0.1}])
def test_every_hyperparameter_changes_the_head_and_its_layers(change: dict[str, Any]) -> None:
    features, is_all = rings(400, seed=0)
    augmented = features + np.random.default_rng(9).normal(0, 0.3, features.shape).astype(np.float32)
    usual, other = (
        fit_head(features, augmented, is_all, np.ones(400, np.float32), COLOURS, replace(Hyperparameters(), **values))
        for values in ({}, change)
    )
    image = keras.Input((12,))
    usual_layers, other_layers = (
        keras.Model(image, each.layers(image, slope=1.0, bias=0.0, colour_share=0.5)["probability_all"])
        for each in (usual, other)
    )
    assert np.abs(usual.score(features) - other.score(features)).max() > 0.01
    assert np.abs(usual_layers.predict(features, verbose=0) - other_layers.predict(features, verbose=0)).max() > 0.001
    served = 1 / (1 + np.exp(-other.score(features)))
    np.testing.assert_allclose(other_layers.predict(features, verbose=0)[:, 0], served, atol=1e-5)
