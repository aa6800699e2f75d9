"""Which labels tell something about the promised rates."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator

import lambda_fn
from infra.promise.evidence import Evidence, gather
from lambda_fn import labels
from lambda_fn.labels import Answer, LabelDocument
from lambda_fn.promises import ClassEvidence
from lambda_fn.results import ResultDocument

Labels = dict[str, LabelDocument]


def result(
    key: str, decision: str = "normal", *, sha256: str = "a" * 64, thresholds: str = "manifest"
) -> ResultDocument:
    document: Any = {
        "schema": "cellflag/result/1",
        "status": "scored",
        "image": {"key": key, "version_id": None, "etag": None, "sha256": sha256},
        "prediction": {"label": "normal", "probability_all": {"normal": 0.1, "ALL": 0.95, "review": 0.5}[decision]},
        "decision": decision,
        "review": {"required": decision == "review", "reasons": ["uncertain"] if decision == "review" else []},
        "model": {"version": "model-1", "sha256": "5" * 64, "thresholds": thresholds},
        "scored_at": "2026-12-01T12:00:00.000Z",
    }
    return cast(ResultDocument, document)


def label(
    of: ResultDocument, answer: Answer = "ALL", *, drawn: bool = True, blind: bool = True, reviewer: str = "one"
) -> LabelDocument:
    entry = labels.entry(
        of,
        answer,
        reviewer,
        seconds=None,
        shown={"probability": not blind, "map": False, "blind": blind},
        drawn=drawn and of["decision"] != "review",
    )
    return labels.with_answer(None, entry)


def only(results: list[ResultDocument], known: Labels, depth: int | None = None) -> Evidence:
    (evidence,) = gather(results, known, depth)
    return evidence


def test_audits_and_flags_are_counted_for_each_class() -> None:
    results = [result(f"s/{number}", decision) for number, decision in enumerate(["normal", "ALL", "review"] * 4)]
    answers: list[Answer] = [
        "ALL",
        "ALL",
        "ALL",
        "normal",
        "normal",
        "normal",
        "cannot_say",
        "cannot_say",
        "cannot_say",
    ]
    known = {each["image"]["key"]: label(each, answer) for each, answer in zip(results, answers, strict=False)}
    evidence = only(results, known)
    assert evidence.of_class("all_decided_normal") == ClassEvidence(8, 4, 1, 1, 4, 4, 3, 1)
    assert evidence.of_class("normal_decided_all") == ClassEvidence(8, 4, 1, 1, 4, 4, 3, 1)
    assert evidence.weights() == {"normal": 4 / 3, "ALL": 4 / 3, "review": 4 / 3}


def test_an_audit_of_the_function_counts_as_one_of_the_page_does_and_one_that_waits_is_no_flag() -> None:
    results = [result(f"s/{number}") for number in range(10)]
    for audited in results[:3]:
        audited["review"] = {"required": True, "reasons": ["audit"]}
    known = {each["image"]["key"]: label(each, drawn=False) for each in results[:2]}  # by the function alone
    known |= {"s/9": label(results[9], "normal")}  # by the page
    evidence = only(results, known)
    assert evidence.of_class("all_decided_normal") == ClassEvidence(
        decided=10, decided_wrong_way=10, errors=2, others=1
    )
    assert evidence.weights() == {"normal": 10 / 3}
    assert (len(evidence.probabilities), evidence.always_flagged) == (10, 0)


def test_an_audit_of_the_function_that_was_not_answered_blind_does_not_count() -> None:
    audited = result("s/1")
    audited["review"] = {"required": True, "reasons": ["audit"]}
    evidence = only([audited], {"s/1": label(audited, drawn=False, blind=False)})
    assert (evidence.audits, evidence.left_out) == ([], {"not_blind": 1})


@pytest.mark.parametrize(
    ("given_to", "options", "reason"),
    [
        (result("s/1", sha256="b" * 64), {}, "other_version"),
        (result("s/1", thresholds="laboratory-1"), {}, "other_decision"),
        (result("s/1", "ALL"), {}, "other_decision"),
        (result("s/1", "review"), {}, "other_decision"),
        (result("s/1"), {"drawn": False}, "not_drawn"),
        (result("s/1"), {"blind": False}, "not_blind"),
    ],
)
def test_a_label_of_a_decided_cell_counts_only_if_it_was_drawn_by_chance_and_given_blind_to_this_decision(
    given_to: ResultDocument, options: Any, reason: str
) -> None:
    evidence = only([result("s/1")], {"s/1": label(given_to, **options)})
    assert (evidence.labelled, dict(evidence.left_out)) == ([], {reason: 1})


def test_the_first_blind_answer_of_an_audit_counts_whatever_was_said_after_the_models_view_was_shown() -> None:
    audited = result("s/1")
    second = label(audited, "normal", blind=False)
    later = labels.with_answer(label(audited, "ALL"), cast(Any, second))
    evidence = only([audited], {"s/1": later})
    assert [cell.answer for cell in evidence.labelled] == ["ALL"]
    assert evidence.changed == 1


def test_an_answer_to_a_flag_that_was_taken_back_does_not_count() -> None:
    flagged = result("s/1", "review")
    evidence = only([flagged], {"s/1": labels.without_answer(label(flagged))})
    assert evidence.of_class("all_decided_normal").flagged_labelled == 0


def test_results_of_other_thresholds_are_evidence_of_their_own_and_the_newest_comes_first() -> None:
    old, new = result("s/1"), result("s/2", thresholds="laboratory-1")
    new["scored_at"] = "2026-12-02T12:00:00.000Z"
    found = gather([old, new], {})
    assert [one.model.get("thresholds") for one in found] == ["laboratory-1", "manifest"]


def test_images_outside_any_folder_are_of_no_slide() -> None:
    evidence = only([result("1"), result("p7/a/1"), result("p7/b/1")], {})
    assert len(evidence.of_slides("all_decided_normal")) == 2
    assert len(only([result("p7/a/1"), result("p7/b/1")], {}, depth=1).of_slides("all_decided_normal")) == 1


def test_cells_that_are_flagged_for_another_reason_stay_flagged_under_any_thresholds() -> None:
    odd = result("s/1", "review")
    odd["review"]["reasons"] = ["unlike_training_data"]
    evidence = only([odd, result("s/2"), result("s/3", "review")], {})
    assert (list(evidence.probabilities), evidence.always_flagged) == ([0.1, 0.5], 1)


def test_a_label_may_name_the_thresholds_that_decided() -> None:
    schema = json.loads((Path(lambda_fn.__file__).parent / "label.schema.json").read_text("utf-8"))
    document = label(result("s/1"))
    assert document["model"]["thresholds"] == "manifest"
    Draft202012Validator(schema).validate(document)


def test_an_audit_that_its_reviewer_took_back_before_another_answered_does_not_count() -> None:
    audited = result("s/1")
    taken_back = labels.without_answer(label(audited, "normal", reviewer="two"))
    later = labels.with_answer(taken_back, cast(Any, label(audited, "ALL")))
    assert [cell.answer for cell in only([audited], {"s/1": later}).labelled] == ["ALL"]
