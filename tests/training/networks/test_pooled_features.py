from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from training.networks.pooled_features import MEAN_COLOUR, extract, feature_network, rotate_and_move
from training.networks.pretrained import PretrainedWeightsError


@pytest.fixture(scope="module")
def network(backbone_weights: Path) -> keras.Model:
    return feature_network(64, backbone_weights)


@pytest.fixture
def cells() -> NDArray[np.uint8]:
    pixels = np.zeros((3, 64, 64, 3), np.uint8)
    pixels[:, 16:48, 16:48] = np.random.default_rng(0).integers(40, 200, (3, 32, 32, 3))
    return pixels


def test_the_features_are_mean_and_spread_of_each_channel_at_each_depth_then_colour_and_detail(
    network: keras.Model, cells: NDArray[np.uint8]
) -> None:
    features = extract(network, cells)
    assert features.shape == (3, 2 * (256 + 512 + 512) + 75)
    assert np.isfinite(features).all()
    assert len(np.unique(features, axis=0)) == 3


def test_the_mean_colours_stand_where_the_name_says(network: keras.Model) -> None:
    pixels = np.zeros((1, 64, 64, 3), np.uint8)
    pixels[:, 16:48, 16:48] = (64, 128, 192)
    assert extract(network, pixels)[0, MEAN_COLOUR] == pytest.approx([2, 4, 6], abs=1e-3)


def test_the_background_says_nothing(network: keras.Model) -> None:
    black = np.zeros((1, 64, 64, 3), np.uint8)
    features = extract(network, black)
    assert np.isfinite(features).all()
    assert np.abs(features[:, :2560]).max() <= 1e-3  # nothing is lit: no mean, and the least spread


def test_the_frozen_network_is_not_trained(network: keras.Model) -> None:
    assert network.trainable_weights == []


def test_an_augmented_cell_is_the_same_cell_in_another_place(cells: NDArray[np.uint8]) -> None:
    others = rotate_and_move(cells, seed=0)
    for cell, other in zip(cells, others, strict=True):
        assert not (other == cell).all()
        assert (np.sort(other, axis=None) == np.sort(cell, axis=None)).all()
    assert (rotate_and_move(cells, seed=0) == others).all()


@given(st.integers(0, 1000))
def test_what_an_augmented_cell_loses_lies_within_the_move_of_the_frame(seed: int) -> None:
    pixels = np.zeros((1, 16, 16, 3), np.uint8)
    pixels[:, 3:13, 3:13] = 200
    assert (rotate_and_move(pixels, seed) == 200).sum() == (pixels == 200).sum()


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", conv1__kernel=np.zeros((3, 3, 3, 8)))
    with pytest.raises(PretrainedWeightsError, match="does not hold the weights of MobileNet"):
        feature_network(64, tmp_path / "other.npz")
