import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lambda_fn.decisions import NOTHING_DECIDED_ALL, Policy, Prediction, decide
from training.evaluation.thresholds import (
    CalibrationError,
    ErrorRates,
    LabelledPredictions,
    achieved,
    choose_thresholds,
    tabulate_thresholds,
)

PROBABILITIES = st.lists(st.floats(0, 1, width=32), min_size=2, max_size=200)
# Few values, so that most are tied.
TIED = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.500001, 0.75]), min_size=2, max_size=200)
RATES = st.builds(ErrorRates, st.floats(0.5, 1), st.floats(0, 0.2), st.floats(0, 0.4))


def one_cell_a_subject(of_all: list[float], of_normal: list[float]) -> LabelledPredictions:
    count = len(of_all) + len(of_normal)
    return LabelledPredictions(np.array(of_all + of_normal), np.arange(count) < len(of_all), np.arange(count))


def subjects_of(of_all: int, of_normal: int, cells: int = 30, spread: float = 1.0) -> LabelledPredictions:
    """Subjects of some cells each; a subject's cells are shifted together."""
    generator = np.random.default_rng(3)
    groups = np.repeat(np.arange(of_all + of_normal), cells)
    is_all = groups < of_all
    shift = generator.normal(0, spread, of_all + of_normal)[groups]
    logits = np.where(is_all, 2.5, -2.5) + shift + generator.normal(0, 1.2, len(groups))
    return LabelledPredictions(1 / (1 + np.exp(-logits)), is_all, groups)


def mean_over_subjects(wrong: NDArray[np.bool_], groups: NDArray[np.int64]) -> float:
    return float(np.mean([wrong[groups == group].mean() for group in np.unique(groups)]))


@given(st.one_of(PROBABILITIES, TIED), st.one_of(PROBABILITIES, TIED), RATES)
def test_the_stated_error_rates_hold_on_the_subjects_that_they_were_chosen_on(
    of_all: list[float], of_normal: list[float], rates: ErrorRates
) -> None:
    try:
        table = one_cell_a_subject(of_all, of_normal)
        thresholds = choose_thresholds(table, rates)
    except CalibrationError:
        assert max(of_normal) == 1 or len({*of_all, *of_normal}) == 1
        return
    reached = achieved(table.probabilities, table.is_all, thresholds)
    assert reached["sensitivity"] >= rates.sensitivity - 1e-9
    assert reached["all_decided_normal"] <= rates.all_decided_normal + 1e-9
    assert reached["normal_decided_all"] <= rates.normal_decided_all + 1e-9


def test_subjects_weigh_the_same_however_many_cells_they_have() -> None:
    table = subjects_of(30, 30)
    wrong = np.flatnonzero(table.groups == 0)
    more = np.concatenate([np.arange(len(table.groups)), np.repeat(wrong, 50)])
    assert choose_thresholds(table) == choose_thresholds(table.part(more))


def test_the_bound_leaves_room_for_subjects_of_another_kind() -> None:
    table = subjects_of(30, 30, spread=1.5)
    thresholds = choose_thresholds(table)
    of_all, of_normal = table.is_all, ~table.is_all
    missed = mean_over_subjects(table.probabilities[of_all] < thresholds.normal_below, table.groups[of_all])
    alarms = mean_over_subjects(table.probabilities[of_normal] >= thresholds.all_from, table.groups[of_normal])
    assert 0 < missed < 0.04
    assert 0 < alarms < 0.10


def test_if_both_classes_are_told_apart_no_cell_goes_to_review() -> None:
    table = one_cell_a_subject([0.9] * 50, [0.1] * 50)
    reached = achieved(table.probabilities, table.is_all, choose_thresholds(table))
    assert reached == {"sensitivity": 1, "all_decided_normal": 0, "normal_decided_all": 0, "review_share": 0}


@pytest.mark.parametrize(
    ("of_all", "of_normal", "probability", "decision"),
    [
        (12, 30, 0.0, "review"),
        (13, 30, 0.0, "normal"),
        (30, 4, 1.0, "review"),
        (30, 5, 0.999999, "ALL"),
    ],
)
def test_subjects_too_few_for_a_rate_send_every_cell_on_their_side_to_review(
    of_all: int, of_normal: int, probability: float, decision: str
) -> None:
    thresholds = choose_thresholds(subjects_of(of_all, of_normal, spread=0))
    assert decide(Prediction(probability), Policy(thresholds)).decision == decision


def test_rates_that_the_subjects_cannot_carry_are_not_offered() -> None:
    table = tabulate_thresholds(subjects_of(27, 12))
    assert [rate for rate, _ in table["all_decided_normal"]] == [0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2]
    assert [rate for rate, _ in table["normal_decided_all"]] == [0.05, 0.075, 0.1, 0.15, 0.2]
    for thresholds, rises in ((table["all_decided_normal"], 1), (table["normal_decided_all"], -1)):
        values = [rises * threshold for _, threshold in thresholds]
        assert values == sorted(values)


def test_without_enough_healthy_subjects_no_threshold_can_be_reached() -> None:
    assert choose_thresholds(subjects_of(30, 3)).all_from == NOTHING_DECIDED_ALL > 1


def test_normal_cells_that_are_all_certain_to_be_all_are_refused() -> None:
    with pytest.raises(CalibrationError, match="more than 10% of the normal cells have probability 1"):
        choose_thresholds(one_cell_a_subject([1.0] * 20, [0.5] + [1.0] * 19))


@pytest.mark.parametrize(
    ("probabilities", "is_all", "groups", "message"),
    [
        ([0.5, 0.6], [True, True], [0, 1], "both classes"),
        ([0.5, 0.6], [False, False], [0, 1], "both classes"),
        ([0.5, 0.6, 0.7], [True, True, False], [0, 1, 2], "all normal cells are of one subject"),
        ([0.5, 0.6, 0.7], [True, False, False], [0, 1, 2], "all ALL cells are of one subject"),
        ([0.5] * 4, [True, True, False, False], [0, 1, 2, 3], "all probabilities are 0.5"),
        ([0.5, np.nan, 0.7, 0.1], [True, True, False, False], [0, 1, 2, 3], "1 of 4 probabilities are not numbers"),
    ],
)
def test_tables_that_allow_no_thresholds_are_answered_in_one_line(
    probabilities: list[float], is_all: list[bool], groups: list[int], message: str
) -> None:
    with pytest.raises(CalibrationError, match=message):
        choose_thresholds(LabelledPredictions(np.array(probabilities), np.array(is_all), np.array(groups)))
