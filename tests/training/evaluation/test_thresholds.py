import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapie.classification import SplitConformalClassifier
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from lambda_fn.decisions import Policy, Prediction, decide
from training.evaluation.thresholds import (
    CalibrationError,
    ErrorRates,
    achieved,
    choose_distance,
    choose_thresholds,
    combine_distances,
)

PROBABILITIES = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=200)
# Few values, so that most are tied.
TIED = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.500001, 0.75]), min_size=1, max_size=200)
RATES = st.builds(ErrorRates, st.floats(0.5, 1), st.floats(0, 0.2), st.floats(0, 0.4))


def arrays(of_all: list[float], of_normal: list[float]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    return np.array(of_all + of_normal), np.arange(len(of_all) + len(of_normal)) < len(of_all)


@given(st.one_of(PROBABILITIES, TIED), st.one_of(PROBABILITIES, TIED), RATES)
def test_the_stated_error_rates_hold_on_the_cells_that_they_were_chosen_on(
    of_all: list[float], of_normal: list[float], rates: ErrorRates
) -> None:
    probabilities, is_all = arrays(of_all, of_normal)
    try:
        thresholds = choose_thresholds(probabilities, is_all, rates)
    except CalibrationError:
        assert max(of_normal) == 1
        return
    reached = achieved(probabilities, is_all, thresholds)
    assert reached["sensitivity"] >= rates.sensitivity - 1e-9
    assert reached["all_decided_normal"] <= rates.all_decided_normal + 1e-9
    assert reached["normal_decided_all"] <= rates.normal_decided_all + 1e-9


def test_thresholds_are_the_ones_that_send_the_fewest_cells_to_review() -> None:
    hundredths = [i / 100 for i in range(100)]
    thresholds = choose_thresholds(*arrays(hundredths, hundredths))
    assert thresholds.operating_point == thresholds.normal_below == pytest.approx(0.03, abs=2e-6)  # 4th of 101 ranks
    assert thresholds.all_from == 0.900001  # just above the 10th of 101 ranks from above


def test_where_both_classes_are_told_apart_no_cell_goes_to_review() -> None:
    probabilities, is_all = arrays([0.9] * 50, [0.1] * 50)
    reached = achieved(probabilities, is_all, choose_thresholds(probabilities, is_all))
    assert reached == {"sensitivity": 1, "all_decided_normal": 0, "normal_decided_all": 0, "review_share": 0}


@pytest.mark.parametrize("constant", [0.0, 0.3, 0.5, 0.999999])
def test_a_model_that_says_the_same_of_all_cells_sends_all_to_review(constant: float) -> None:
    probabilities, is_all = arrays([constant] * 20, [constant] * 20)
    thresholds = choose_thresholds(probabilities, is_all)
    assert achieved(probabilities, is_all, thresholds)["review_share"] == 1
    assert decide(Prediction(constant), Policy(thresholds)).decision == "review"


def test_normal_cells_that_are_all_certain_to_be_all_are_refused() -> None:
    with pytest.raises(CalibrationError, match="more than 10% of the normal cells have probability 1"):
        choose_thresholds(*arrays([1.0] * 20, [1.0] * 20))


@pytest.mark.parametrize(("of_all", "of_normal"), [([0.5], []), ([], [0.5])])
def test_one_class_alone_is_refused(of_all: list[float], of_normal: list[float]) -> None:
    with pytest.raises(CalibrationError, match="both classes"):
        choose_thresholds(*arrays(of_all, of_normal))


def test_on_new_cells_of_the_same_kind_the_error_rates_hold_on_average() -> None:
    generator = np.random.default_rng(0)
    rates, reached = ErrorRates(), []
    for _ in range(400):
        is_all = np.arange(400) < 200
        probabilities = np.clip(np.where(is_all, 0.6, 0.4) + generator.normal(0, 0.2, 400), 0, 0.999)
        known = np.arange(400) % 2 == 0
        thresholds = choose_thresholds(probabilities[known], is_all[known], rates)
        reached.append(achieved(probabilities[~known], is_all[~known], thresholds))
    for rate in ("all_decided_normal", "normal_decided_all"):
        mean = np.mean([each[rate] for each in reached])
        assert 0.7 * getattr(rates, rate) < mean <= getattr(rates, rate) + 0.003


def test_about_one_in_a_hundred_lies_beyond_the_chosen_distance() -> None:
    distances = np.random.default_rng(0).gamma(3, size=2000)
    assert (distances > choose_distance(distances)).sum() in (19, 20)


def test_two_distances_in_one_unit_flag_as_many_cells_each() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.gamma(3, size=2000), generator.gamma(5, 20, size=2000)
    factor, threshold = combine_distances(first, second)
    limit = choose_distance(first)
    assert (first > limit).sum() == (factor * second > limit).sum()
    assert (np.maximum(first, factor * second) > threshold).sum() in (19, 20)


class Known(BaseEstimator, ClassifierMixin):  # type: ignore[misc]
    """A fitted classifier that gives the probability that it is asked about."""

    classes_ = np.array([0, 1])
    is_fitted_ = True

    def fit(self, values: NDArray[np.float64], labels: NDArray[np.int64]) -> "Known":
        return self

    def predict_proba(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack([1 - values[:, 0], values[:, 0]])

    def predict(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        return (values[:, 0] >= 0.5).astype(np.int64)


@pytest.mark.filterwarnings("ignore:WARNING. your conformalization dataset has less labels")  # one class, on purpose
@pytest.mark.parametrize("rate", [0.01, 0.04, 0.1, 0.25])
def test_each_class_gets_the_threshold_that_mapie_finds_from_its_cells(rate: float) -> None:
    generator = np.random.default_rng(0)
    is_all = np.arange(700) < 400
    probabilities = np.where(is_all, generator.beta(5, 2, 700), generator.beta(2, 4, 700))
    thresholds = choose_thresholds(probabilities, is_all, ErrorRates(1 - rate, rate, rate))
    asked = np.linspace(0, 1, 100_001)[:, None]
    for of_class, label, ours in ((is_all, 1, thresholds.normal_below), (~is_all, 0, thresholds.all_from)):
        mondrian = SplitConformalClassifier(Known(), confidence_level=1 - rate, conformity_score="lac", prefit=True)
        mondrian.conformalize(probabilities[of_class, None], np.full(of_class.sum(), label))
        held = asked[mondrian.predict_set(asked)[1][:, label, 0], 0]
        theirs = held.min() if label else max(held.max(), thresholds.operating_point)
        assert ours == pytest.approx(theirs, abs=2e-5)
