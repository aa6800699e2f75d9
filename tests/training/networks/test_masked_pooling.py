import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from training.networks.masked_pooling import flatten, mean_and_spread, moments, shares

RANDOM = np.random.default_rng(0)


@pytest.fixture
def maps() -> NDArray[np.float32]:
    """Skewed values whose channels go together."""
    values = RANDOM.gamma(2, 1, (2, 8, 8, 3))
    values[..., 1] += values[..., 0]
    return values.astype(np.float32)


@pytest.fixture
def mask() -> NDArray[np.float32]:
    return (RANDOM.random((2, 8, 8, 1)) < 0.7).astype(np.float32)


def pooled(statistic: str, maps: NDArray[np.float32], mask: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    of_maps, of_mask = keras.Input(maps.shape[1:]), keras.Input(mask.shape[1:])
    share = shares(of_mask)
    statistics = moments(of_maps, share) if statistic == "moments" else mean_and_spread(flatten(of_maps), share)
    network = keras.Model([of_maps, of_mask], statistics)
    return [np.asarray(part) for part in network([maps, mask])]


def test_moments_are_those_of_the_masked_positions_alone(maps: NDArray[np.float32], mask: NDArray[np.float32]) -> None:
    pooled_maps = pooled("moments", maps, mask)
    for number in range(2):
        inside = maps[number][mask[number, ..., 0] == 1].astype(np.float64)
        centred = inside - inside.mean(axis=0)
        spread = inside.std(axis=0)
        standard = centred / spread
        expected = [
            inside.mean(axis=0),
            spread,
            (standard**3).mean(axis=0),
            np.log((standard**4).mean(axis=0)),
            (standard * np.roll(standard, -1, axis=1)).mean(axis=0),
        ]
        for of_network, of_numpy in zip(pooled_maps, expected, strict=True):
            assert of_network[number] == pytest.approx(of_numpy, rel=1e-3, abs=1e-3)


def test_mean_and_spread_are_the_first_two_moments(maps: NDArray[np.float32], mask: NDArray[np.float32]) -> None:
    for one, other in zip(pooled("mean_and_spread", maps, mask), pooled("moments", maps, mask), strict=False):
        assert one == pytest.approx(other, abs=1e-3)


def test_an_empty_mask_gives_finite_values(maps: NDArray[np.float32]) -> None:
    for values in pooled("moments", maps, np.zeros((2, 8, 8, 1), np.float32)):
        assert np.isfinite(values).all()
