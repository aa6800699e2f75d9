import numpy as np
import pytest

from training.evaluation.metrics import calibration_error
from training.evaluation.scaling import Scaling, choose_scaling, platt


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("shift", [-0.7, 0.0, 1.5])
def test_what_makes_a_model_too_sure_or_one_sided_is_found_and_undone(temperature: float, shift: float) -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, 20_000)
    is_all = generator.random(20_000) < 1 / (1 + np.exp(-logits))
    stated = 1 / (1 + np.exp(-(logits - shift) * temperature))
    found = choose_scaling(stated, is_all)
    assert found.temperature == pytest.approx(temperature, rel=0.06)
    assert found.shift == pytest.approx(shift, abs=0.06)
    scaled = found(stated)
    assert calibration_error(scaled, is_all) < 0.012
    assert (np.diff(scaled[np.argsort(stated)]) >= 0).all()


def test_no_scaling_leaves_probabilities_as_they_are() -> None:
    probabilities = np.array([0.001, 0.3, 0.5, 0.99])
    assert Scaling()(probabilities) == pytest.approx(probabilities)


@pytest.mark.parametrize("probabilities", [[0.0, 1.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.4, 0.4, 0.4, 0.4]])
def test_predictions_without_an_error_or_a_difference_have_a_scaling_too(probabilities: list[float]) -> None:
    values, is_all = np.array(probabilities), np.array([False, True, False, False])
    scaled = choose_scaling(values, is_all)(values)
    assert ((scaled >= 0) & (scaled <= 1)).all()


def test_platt_gives_calibrated_probabilities() -> None:
    generator = np.random.default_rng(0)
    scores = generator.normal(0, 2, 20_000)
    is_all = generator.random(20_000) < 1 / (1 + np.exp(-(1.7 * scores + 0.4)))
    assert platt(scores, is_all) == pytest.approx((1.7, 0.4), abs=0.1)
