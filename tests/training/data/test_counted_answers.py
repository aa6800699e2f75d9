"""Which answer of a label document counts for training."""

from typing import Any, cast

import pytest

from lambda_fn import labels
from lambda_fn.labels import Answer, LabelDocument, LabelEntry
from lambda_fn.results import ResultDocument
from training.data.counted_answers import counted_answer


def result(decision: str = "normal", sha256: str = "a" * 64) -> ResultDocument:
    reasons = ["uncertain"] if decision == "review" else ["audit"]
    document: Any = {
        "image": {"key": "s/1", "version_id": None, "etag": None, "sha256": sha256},
        "prediction": {"label": "normal", "probability_all": 0.4},
        "decision": decision,
        "review": {"required": True, "reasons": reasons},
        "model": {"version": "model-1", "sha256": "5" * 64, "thresholds": "manifest"},
    }
    return cast(ResultDocument, document)


AUDITED, FLAGGED = result(), result("review")
BLIND, SEEN = True, False


def answer(to: ResultDocument, label: Answer, blind: bool, reviewer: str = "one") -> LabelEntry:
    shown = labels.Shown(probability=not blind, map=not blind, blind=blind)
    return labels.entry(to, label, reviewer, seconds=2.0, shown=shown)


def document(*answers: LabelEntry) -> LabelDocument:
    """A document in which each answer replaces the one before."""
    found = None
    for one in answers:
        found = labels.with_answer(found, one)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("answers", "label", "use"),
    [
        pytest.param([answer(AUDITED, "ALL", BLIND)], "ALL", "thresholds", id="a blind audit"),
        pytest.param([answer(AUDITED, "ALL", SEEN)], "ALL", "fitting", id="an audit that was not blind"),
        pytest.param([answer(FLAGGED, "ALL", SEEN)], "ALL", "fitting", id="a flag"),
        pytest.param([answer(FLAGGED, "ALL", BLIND)], "ALL", "fitting", id="a flag answered blind"),
        pytest.param(
            [answer(AUDITED, "ALL", BLIND), answer(AUDITED, "normal", SEEN)],
            *("ALL", "thresholds"),
            id="a second thought after the model's view was shown",
        ),
        pytest.param(
            [answer(result(sha256="b" * 64), "ALL", BLIND), answer(AUDITED, "normal", SEEN)],
            *("normal", "fitting"),
            id="a blind audit of an older version",
        ),
        pytest.param(
            [answer(AUDITED, "ALL", BLIND), answer(AUDITED, "ALL", BLIND, "two")],
            *("ALL", "thresholds"),
            id="two reviewers agree",
        ),
        pytest.param(
            [answer(AUDITED, "ALL", BLIND), answer(AUDITED, "normal", BLIND, "two")],
            *("normal", "fitting"),
            id="two reviewers disagree",
        ),
        pytest.param(
            [answer(AUDITED, "ALL", BLIND), answer(AUDITED, "cannot_say", BLIND, "two")],
            *("cannot_say", "fitting"),
            id="the second reviewer cannot say",
        ),
    ],
)
def test_only_an_undisputed_audit_that_was_answered_blind_chooses_thresholds(
    answers: list[LabelEntry], label: str, use: str
) -> None:
    counted = counted_answer(document(*answers))
    assert counted is not None
    assert (counted.entry["label"], counted.use, counted.answers) == (label, use, len(answers))


def test_a_label_that_was_taken_back_counts_for_nothing() -> None:
    assert counted_answer(labels.without_answer(document(answer(FLAGGED, "ALL", SEEN)))) is None


def test_a_reviewer_who_chose_to_keep_the_label_that_stood_does_not_dispute_it() -> None:
    kept = labels.with_withdrawn(document(answer(AUDITED, "ALL", BLIND)), answer(AUDITED, "normal", BLIND, "two"))
    counted = counted_answer(kept)
    assert counted is not None
    assert (counted.entry["label"], counted.disputed, counted.use, counted.answers) == ("ALL", False, "thresholds", 2)


def test_an_answer_that_somebody_else_took_back_before_labels_nothing() -> None:
    taken_back = labels.without_answer(document(answer(AUDITED, "normal", BLIND, "two")))
    counted = counted_answer(labels.with_answer(taken_back, answer(AUDITED, "ALL", BLIND)))
    assert counted is not None
    assert (counted.entry["label"], counted.disputed, counted.use) == ("ALL", False, "thresholds")


def test_ones_own_second_answer_after_undo_does_not_replace_the_first_blind_one() -> None:
    taken_back = labels.without_answer(document(answer(AUDITED, "normal", BLIND)))
    counted = counted_answer(labels.with_answer(taken_back, answer(AUDITED, "ALL", SEEN)))
    assert counted is not None
    assert (counted.entry["label"], counted.use) == ("normal", "thresholds")


def test_an_answer_that_another_reviewer_took_back_disputes_nothing() -> None:
    replaced = document(answer(AUDITED, "ALL", BLIND), answer(AUDITED, "normal", BLIND, "two"))
    counted = counted_answer(labels.without_answer(replaced))
    assert counted is not None
    assert (counted.entry["label"], counted.disputed, counted.use) == ("ALL", False, "thresholds")


def test_a_second_reviewer_who_answered_otherwise_without_seeing_the_first_answer_disputes_it() -> None:
    read_by_two = labels.with_second(document(answer(AUDITED, "ALL", BLIND)), answer(AUDITED, "normal", BLIND, "two"))
    counted = counted_answer(read_by_two)
    assert counted is not None
    assert (counted.entry["label"], counted.disputed, counted.use) == ("ALL", True, "fitting")
