import numpy as np
import pytest

from training.runs.comparison_differences import differences

IS_ALL = np.repeat([True, False], 60)
GROUPS = np.repeat(np.arange(12), 10)


def scores(noise: float, seed: int) -> np.ndarray:
    """Scores that rank less well the more noise they have; half of it is a group's own."""
    random = np.random.default_rng(seed)
    shared = np.random.default_rng(1).normal(size=12)[GROUPS]
    return np.asarray(IS_ALL + shared + noise * random.normal(size=120))


def test_a_model_does_not_differ_from_itself() -> None:
    reference = scores(0.1, 2)
    (estimate,) = differences({"same": reference}, reference, IS_ALL, GROUPS, seed=0, replicates=50).values()
    assert (estimate.value, estimate.low, estimate.high) == (0, 0, 0)


def test_an_interval_pairs_both_models_so_that_hard_subjects_cancel_out() -> None:
    reference = scores(0.1, 2)
    better, worse = reference + 2 * IS_ALL, scores(3, 3)
    result = differences({"better": better, "worse": worse}, reference, IS_ALL, GROUPS, seed=0, replicates=200)
    assert result["better"].value > 0 < result["better"].high
    assert result["worse"].value < 0
    near = differences({"near": reference + 0.01 * IS_ALL}, reference, IS_ALL, GROUPS, seed=0, replicates=200)["near"]
    assert near.high - near.low < 0.05 < result["worse"].high - result["worse"].low


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_gives_the_same_interval(seed: int) -> None:
    one, other = (differences({"a": scores(1, 4)}, scores(0.1, 2), IS_ALL, GROUPS, seed, 50) for _ in range(2))
    assert one == other
