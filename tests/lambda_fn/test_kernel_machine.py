from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lambda_fn import kernel_machine
from lambda_fn.kernel_machine import KernelMachine, multiply
from lambda_fn.manifest import ExplainedHead

from ..explained_model import CLIP, FEATURES, GAMMA, constants, explanation_fields

HEAD = ExplainedHead.from_fields(explanation_fields())
CONSTANTS = constants()
SEEDS = st.integers(0, 1000)


def features_of(seed: int, spread: float = 60.0) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    return (CONSTANTS["mean"] + random.normal(0, spread, FEATURES)).astype(np.float32)


def by_definition(standard: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Logit, and squared distances to the support vectors, of standardised features, in double precision."""
    exact = {name: array.astype(np.float64) for name, array in CONSTANTS.items()}
    projected = standard @ exact["projection"] + exact["offset"]
    distances = ((projected - exact["support"].T / -2) ** 2).sum(axis=1)
    return float(np.exp(-GAMMA * distances) @ exact["coefficients"][:, 0] + exact["intercept"][0]), distances


def standardised(features: NDArray[np.float32]) -> NDArray[np.float64]:
    exact = features.astype(np.float64) - CONSTANTS["mean"]
    return np.asarray((exact * CONSTANTS["scale"].astype(np.float64)).clip(-CLIP, CLIP))


@given(SEEDS)
def test_logits_and_distances_are_those_of_the_definition(seed: int) -> None:
    features, machine = features_of(seed), KernelMachine(HEAD, CONSTANTS)
    logit, distances = by_definition(standardised(features))
    path = machine.path(features)
    assert path.logit == pytest.approx(logit, abs=1e-4)
    assert machine.logit(features) == path.logit
    assert path.baseline_logit == pytest.approx(by_definition(CONSTANTS["baseline"].astype(np.float64))[0], abs=1e-4)
    assert path.distance == pytest.approx(distances.min(), abs=1e-4)
    assert distances[path.nearest] == pytest.approx(distances.min(), abs=1e-3)
    assert path.colour_distance == pytest.approx((standardised(features)[6:] ** 2).sum() / 4, rel=1e-4, abs=1e-4)


@given(SEEDS, st.sampled_from([10.0, 60.0, 400.0]))
def test_the_contributions_add_up_even_if_features_are_clipped(seed: int, spread: float) -> None:
    features = features_of(seed, spread)
    path = KernelMachine(HEAD, CONSTANTS).path(features)
    assert (path.weights * path.differences).sum() == pytest.approx(path.logit - path.baseline_logit, abs=1e-3)
    assert path.baseline + path.differences == pytest.approx(features, abs=1e-3)


def test_the_path_of_the_baseline_to_itself_is_finite_and_empty() -> None:
    features = CONSTANTS["baseline"] / CONSTANTS["scale"] + CONSTANTS["mean"]
    path = KernelMachine(HEAD, CONSTANTS).path(features)
    assert np.isfinite(path.weights).all()
    assert np.abs(path.weights * path.differences).max() < 1e-6


def test_the_gradient_at_the_cell_alone_is_the_slope_of_the_logit() -> None:
    features, machine = features_of(3, 20.0), KernelMachine(HEAD, CONSTANTS)
    weights = machine.path(features, (np.ones(1), np.ones(1))).weights
    for number in range(FEATURES):
        step = np.zeros(FEATURES, np.float32)
        step[number] = 0.5
        slope = machine.logit(features + step) - machine.logit(features - step)
        assert weights[number] == pytest.approx(slope, abs=1e-4)


def test_products_are_those_of_a_matrix_and_a_vector() -> None:
    random = np.random.default_rng(0)
    matrix: Any = random.normal(size=(7, 4)).astype(np.float32)
    vector: Any = random.normal(size=4).astype(np.float32)
    assert multiply(matrix, vector) == pytest.approx(matrix @ vector, abs=1e-5)
    assert multiply(vector, matrix.T) == pytest.approx(vector @ matrix.T, abs=1e-5)


def test_the_nodes_are_those_of_gauss_and_legendre() -> None:
    positions, shares = kernel_machine._gauss_legendre()
    expected_positions, weights = np.polynomial.legendre.leggauss(kernel_machine.NODES)
    np.testing.assert_allclose(positions, (expected_positions + 1) / 2, atol=1e-14)
    np.testing.assert_allclose(shares, weights / 2, atol=1e-14)
