import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from training.networks.colour_features import colour_and_detail

SIZE = 64


@pytest.fixture(scope="module")
def network() -> keras.Model:
    colours, mask = keras.Input((SIZE, SIZE, 3)), keras.Input((SIZE, SIZE, 1))
    return keras.Model([colours, mask], keras.layers.Concatenate()(colour_and_detail(colours, mask)))


def cell(top: int = 16, left: int = 16, side: int = 32) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A square of random texture on black, and its mask."""
    pixels, mask = np.zeros((SIZE, SIZE, 3), np.float32), np.zeros((SIZE, SIZE, 1), np.float32)
    inside = np.s_[top : top + side, left : left + side]
    pixels[inside] = np.random.default_rng(0).integers(40, 200, (side, side, 3))
    mask[inside] = 1
    return pixels, mask


def features(network: keras.Model, pixels: NDArray[np.float32], mask: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(network([pixels[None], mask[None]])[0])


def test_there_are_75_features_and_colour_comes_first(network: keras.Model) -> None:
    pixels, mask = cell()
    values = features(network, pixels, mask)
    inside = pixels[20:44, 20:44].reshape(12, 2, 12, 2, 3).mean(axis=(1, 3)) / 32  # the outline's fields left out
    assert values.shape == (75,)
    assert values[:3] == pytest.approx(inside.mean(axis=(0, 1)), rel=1e-3)
    assert values[3:6] == pytest.approx(inside.std(axis=(0, 1)), rel=1e-3)


@pytest.mark.parametrize(("top", "left"), [(8, 8), (16, 24), (24, 16)])
def test_where_the_cell_lies_does_not_matter(top: int, left: int, network: keras.Model) -> None:
    assert features(network, *cell(top, left)) == pytest.approx(features(network, *cell()), abs=5e-3)


def test_a_blurred_cell_has_less_detail(network: keras.Model) -> None:
    pixels, mask = cell()
    smooth = pixels.copy()
    smooth[20:44, 20:44] = pixels[20:44, 20:44].mean(axis=(0, 1))
    detail = slice(15, 18)
    assert (features(network, smooth, mask)[detail] < features(network, pixels, mask)[detail]).all()


def test_a_brighter_cell_has_the_same_histogram(network: keras.Model) -> None:
    pixels, mask = cell()
    brighter = pixels + 40 * mask
    assert features(network, brighter, mask)[-12:] == pytest.approx(features(network, pixels, mask)[-12:], abs=1e-3)


@pytest.mark.parametrize("side", [0, 1, 5])
def test_a_cell_too_small_to_have_an_inside_gives_finite_features(side: int, network: keras.Model) -> None:
    assert np.isfinite(features(network, *cell(side=side))).all()
