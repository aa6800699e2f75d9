import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from training.fitting.kernel_head import KernelHead, fit_head

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
    turned = features.copy()  # a turn changes what says nothing
    turned[:, 2:] = np.random.default_rng(9).normal(0, 0.3, (400, 10))
    return fit_head(features, turned, is_all, np.ones(400, np.float32), COLOURS, components=12)


def test_a_head_learns_what_no_line_separates(head: KernelHead) -> None:
    features, is_all = rings(400, seed=1)
    assert roc_auc_score(is_all, head.score(features)) > 0.97


def test_the_layers_say_what_the_head_says(head: KernelHead) -> None:
    features, _ = rings(100, seed=2)
    image = keras.Input((12,))
    outputs = keras.Model(image, head.layers(image, slope=1.5, bias=-0.2, stain_share=0.5)).predict(features, verbose=0)
    expected = 1 / (1 + np.exp(-(1.5 * head.score(features) - 0.2)))
    np.testing.assert_allclose(outputs["probability_all"][:, 0], expected, atol=1e-5)
    nearest, stain = head.nearest(features), 0.5 * head.stain(features)
    assert (nearest > stain).any() and (stain > nearest).any()
    np.testing.assert_allclose(outputs["distance"][:, 0], np.maximum(nearest, stain), atol=1e-4)


def test_what_lies_far_from_all_training_cells_is_far(head: KernelHead) -> None:
    features, _ = rings(100, seed=3)
    strange = features + 8
    assert head.nearest(strange).min() > 3 * np.quantile(head.nearest(features), 0.99)


def test_colours_that_never_stand_together_are_far_although_each_is_common(head: KernelHead) -> None:
    features, is_all = rings(400, seed=0)
    features[:, 4] = features[:, 3] = features[:, 2]
    alike = fit_head(features, features[::-1], is_all, np.ones(400, np.float32), COLOURS, 12)
    strange = features.copy()
    strange[:, 3] *= -1
    assert np.median(alike.stain(strange)) > 10 * np.median(alike.stain(features))


def test_directions_in_which_a_turn_moves_a_cell_count_less() -> None:
    features, is_all = rings(400, seed=0)
    shift = np.zeros_like(features)
    shift[:, 5] = np.random.default_rng(4).normal(0, 3, 400)
    moved, still = (
        fit_head(features, features + change, is_all, np.ones(400, np.float32), COLOURS, 12)
        for change in (shift, shift[:, ::-1])
    )
    along = np.eye(12, dtype=np.float32)[[5]]

    def length(head: KernelHead) -> float:
        return float(np.linalg.norm(along * head.scale @ head.projection))

    assert length(moved) < 0.6 * length(still)
