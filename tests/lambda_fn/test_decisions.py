import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_fn.decisions import Policy, Prediction, Reason, Thresholds, decide

THRESHOLDS = Thresholds(operating_point=0.4, normal_below=0.2, all_from=0.7)


@pytest.mark.parametrize(
    ("probability_all", "label", "decision", "reasons"),
    [
        (0.0, "normal", "normal", ()),
        (0.1999, "normal", "normal", ()),
        (0.2, "normal", "review", ("uncertain",)),
        (0.4999, "normal", "review", ("uncertain",)),
        (0.5, "ALL", "review", ("uncertain",)),
        (0.6999, "ALL", "review", ("uncertain",)),
        (0.7, "ALL", "ALL", ()),
        (1.0, "ALL", "ALL", ()),
    ],
)
def test_a_person_decides_between_the_thresholds(
    probability_all: float, label: str, decision: str, reasons: tuple[str, ...]
) -> None:
    verdict = decide(Prediction(probability_all), Policy(THRESHOLDS))
    assert (verdict.label, verdict.decision, verdict.reasons) == (label, decision, reasons)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_higher_probability_is_never_decided_more_normal(one: float, other: float) -> None:
    rank = {"normal": 0, "review": 1, "ALL": 2}
    low, high = (rank[decide(Prediction(p), Policy(THRESHOLDS)).decision] for p in sorted((one, other)))
    assert low <= high


@pytest.mark.parametrize(
    ("operating_point", "normal_below", "all_from"),
    [(0.1, 0.2, 0.7), (0.8, 0.2, 0.7), (0.4, -0.1, 0.7), (0.4, 0.2, 1.1)],
)
def test_thresholds_out_of_order_are_refused(operating_point: float, normal_below: float, all_from: float) -> None:
    with pytest.raises(ValueError, match="must rise"):
        Thresholds(operating_point, normal_below, all_from)


@pytest.mark.parametrize(
    ("probability_all", "distance", "doubts", "reasons"),
    [
        (0.9, 1.5, (), ()),
        (0.9, 1.6, (), ("unlike_training_data",)),
        (0.5, 1.6, (), ("uncertain", "unlike_training_data")),
        (0.9, 0.0, ("no_single_cell",), ("no_single_cell",)),
        (0.9, 1.6, ("unlike_training_data", "no_single_cell"), ("unlike_training_data", "no_single_cell")),
    ],
)
def test_a_doubt_sends_a_cell_to_review_even_if_the_model_is_sure(
    probability_all: float, distance: float, doubts: tuple[Reason, ...], reasons: tuple[Reason, ...]
) -> None:
    verdict = decide(Prediction(probability_all, distance), Policy(Thresholds(0.4, 0.2, 0.7, unlike_above=1.5)), doubts)
    assert verdict.reasons == reasons
    assert verdict.decision == ("review" if reasons else "ALL")


DIGEST = "0d319bb4" * 8


@pytest.mark.parametrize("probability_all", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("doubts", [(), ("no_single_cell",)])
@pytest.mark.parametrize("everything", [False, True])
def test_a_decided_cell_is_audited_and_keeps_its_decision_and_a_cell_for_review_is_not(
    probability_all: float, doubts: tuple[Reason, ...], everything: bool
) -> None:
    policy = Policy(THRESHOLDS, review_everything=everything)
    unaudited = decide(Prediction(probability_all), policy, doubts, sha256=DIGEST)
    audited = replace(policy, audit_share=1.0, audit_salt="salt")
    verdict = decide(Prediction(probability_all), audited, doubts, sha256=DIGEST)
    assert (verdict.label, verdict.decision) == (unaudited.label, unaudited.decision)
    assert verdict.reasons == (unaudited.reasons if verdict.decision == "review" else ("audit",))


NO_NUMBERS = (math.nan, math.inf, -math.inf)


@pytest.mark.parametrize("probability_all", [*NO_NUMBERS, 1.1, -0.1])
@pytest.mark.parametrize("thresholds", [THRESHOLDS, Thresholds(0, 0, 0), Thresholds(1, 1, 1)])
def test_a_cell_without_a_score_is_never_decided(probability_all: float, thresholds: Thresholds) -> None:
    verdict = decide(Prediction(probability_all), Policy(thresholds))
    assert verdict.decision == "review"
    assert "no_score" in verdict.reasons


@pytest.mark.parametrize("distance", NO_NUMBERS)
@pytest.mark.parametrize("unlike_above", [1.5, math.inf])
def test_a_cell_whose_distance_is_not_finite_is_unlike_the_training_data(distance: float, unlike_above: float) -> None:
    verdict = decide(Prediction(0.9, distance), Policy(Thresholds(0.4, 0.2, 0.7, unlike_above)))
    assert (verdict.decision, verdict.reasons) == ("review", ("unlike_training_data",))


def test_a_probability_that_rounding_pushed_past_the_end_is_a_score() -> None:
    assert decide(Prediction(1.0000002), Policy(THRESHOLDS)).decision == "ALL"
    assert decide(Prediction(-0.0000002), Policy(THRESHOLDS)).decision == "normal"


@given(st.floats(0, 1))
def test_a_policy_of_reviewing_everything_lets_no_cell_pass(probability_all: float) -> None:
    sure = decide(Prediction(probability_all), Policy(THRESHOLDS))
    verdict = decide(Prediction(probability_all), Policy(THRESHOLDS, review_everything=True))
    assert (verdict.decision, verdict.label, verdict.reasons) == ("review", sure.label, sure.reasons)
