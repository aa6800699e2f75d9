"""The verdict on a promise, and the simulated laboratory in which it has to be right."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_fn.betting import Audit, against_at_least, against_at_most
from lambda_fn.decisions import Thresholds
from lambda_fn.promises import ClassEvidence, judge, mean_over_slides
from tests.laboratory import audit_until_said, draw_laboratory, evidence_on_all, thresholds_for


@pytest.mark.parametrize(
    ("errors", "right", "verdict"),
    [(0, 20, "open"), (0, 110, "holds"), (0, 200, "holds"), (4, 100, "open"), (16, 120, "broken"), (30, 100, "broken")],
)
def test_a_promise_of_4_percent_holds_or_is_broken_once_enough_audits_say_so(
    errors: int, right: int, verdict: str
) -> None:
    judgement = judge(evidence_on_all(errors, right, others=50), 0.04)
    assert judgement.verdict == verdict
    assert judgement.rate == pytest.approx(errors / (errors + right))


@pytest.mark.parametrize("labelled", [0, 1_000])
def test_labels_of_flagged_cells_alone_give_no_number(labelled: int) -> None:
    judgement = judge(evidence_on_all(0, 0, 0, flagged=1_000, labelled=labelled), 0.04)
    assert (judgement.verdict, judgement.why_open) == ("open", "no_audits")
    assert (judgement.rate, judgement.interval, judgement.audits_more) == (None, None, None)


def test_flagged_cells_of_the_class_lower_the_rate_by_their_number() -> None:
    evidence = evidence_on_all(10, 90, 100, flagged=5_000, labelled=5_000)
    # 10 errors stand for 500 cells, 100 audited ALL cells for 5,000, and 5,000 flagged ones are ALL.
    assert judge(evidence, 0.04).rate == 500 / 10_000


def test_flags_without_a_label_widen_the_interval_on_either_side() -> None:
    evidence = evidence_on_all(10, 90, 100, flagged=5_000, labelled=5_000)
    known = judge(evidence, 0.04).interval
    unknown = judge(replace(evidence, flagged_labelled=2_500, flagged_of_class=1_250), 0.04).interval
    assert known and unknown
    assert unknown.high > known.high
    assert judge(replace(evidence, flagged_labelled=0, flagged_of_class=0), 0.04).rate is None


def test_a_decision_that_no_cell_gets_cannot_be_tested() -> None:
    judgement = judge(replace(evidence_on_all(0, 90, 10), decided_wrong_way=0), 0.04)
    assert (judgement.verdict, judgement.why_open) == ("open", "nothing_decided")


@given(st.integers(0, 60), st.integers(0, 400), st.integers(0, 400), st.floats(0.005, 0.3))
def test_the_interval_holds_the_rate_and_agrees_with_the_verdict(
    errors: int, right: int, others: int, promised: float
) -> None:
    evidence = evidence_on_all(errors, right, others, flagged=500, labelled=400)
    judgement = judge(evidence, promised)
    if not judgement.interval:
        assert not evidence.audits
        return
    low, high = judgement.interval
    assert 0 <= low <= high <= 1
    assert judgement.rate is None or low <= judgement.rate <= high
    said = {"broken": promised <= low + 1e-6, "holds": promised >= high - 1e-6, "open": low < promised < high}
    assert said[judgement.verdict]


@pytest.mark.parametrize(("errors", "right"), [(0, 10), (1, 70), (6, 70), (9, 90)])
def test_with_as_many_audits_more_as_are_named_it_can_be_said(errors: int, right: int) -> None:
    evidence = evidence_on_all(errors, right, others=100)
    more = judge(evidence, 0.04).audits_more
    assert more

    def verdict_after(number: float) -> str:
        times = 1 + number / evidence.audits
        audit = Audit(errors * times, right * times, 100 * times)
        known = against_at_most(0.04, audit, 0), against_at_least(0.04, audit, 0)
        return "said" if max(known) >= math.log(20) else "open"

    assert (verdict_after(more - 1), verdict_after(more)) == ("open", "said")


def test_a_rate_at_the_promised_one_is_never_told_apart() -> None:
    judgement = judge(evidence_on_all(40, 960, 1_000), 0.04)
    assert (judgement.verdict, judgement.audits_more) == ("open", None)


def test_the_mean_over_slides_takes_each_slide_once_however_many_cells_it_has() -> None:
    small, large = ClassEvidence(100, 50, 1, 9, 10), ClassEvidence(10_000, 5_000, 0, 1_000, 1_000)
    result = mean_over_slides([small] * 3 + [large] * 3)
    assert result
    assert result[0] == pytest.approx(0.05)
    assert result[1].low < 0.05 < result[1].high
    assert result[2] == 6


@pytest.mark.parametrize("slides", [[], [ClassEvidence(100, 50, 0, 2, 10)] * 9, [ClassEvidence(100, 50, 1, 9, 10)] * 4])
def test_few_slides_or_slides_of_few_cells_have_no_mean(slides: list[ClassEvidence]) -> None:
    assert mean_over_slides(slides) is None


def test_a_worse_model_is_found_broken_and_an_honest_one_hardly_ever() -> None:
    generator, shipped = np.random.default_rng(11), thresholds_for(0.03, 0.08)
    worse = [audit_until_said(draw_laboratory(generator, 1.0), shipped, generator, 1_000, 5) for _ in range(40)]
    assert [verdict for verdict, _ in worse].count("broken") >= 38
    honest = []
    for _ in range(40):
        laboratory = draw_laboratory(generator)
        edge = float(np.quantile(laboratory.probabilities[laboratory.is_all], 0.04))  # just keeps the promise
        thresholds = Thresholds(edge, edge, max(edge, shipped.all_from))
        honest.append(audit_until_said(laboratory, thresholds, generator, 1_000, 1)[0])
    assert honest.count("broken") <= 4  # 5 % are 2 of 40
