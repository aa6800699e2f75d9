"""The label document: its shape, and that nothing that was said is ever lost."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import lambda_fn
from lambda_fn import labels
from lambda_fn.labels import LabelDocument, LabelEntry

SCHEMA = json.loads((Path(lambda_fn.__file__).parent / "label.schema.json").read_text("utf-8"))
Draft202012Validator.check_schema(SCHEMA)
VALIDATOR = Draft202012Validator(SCHEMA)
DIGEST, OTHER_DIGEST = "a" * 64, "b" * 64


def result(sha256: str | None = DIGEST, reasons: tuple[str, ...] = ("uncertain",), etag: str | None = None) -> Any:
    return {
        "image": {"key": "a.bmp", "version_id": "v1", "etag": etag, "sha256": sha256},
        "model": {"version": "model-1", "sha256": "digest"},
        "prediction": {"label": "ALL", "probability_all": 0.5},
        "decision": "review",
        "review": {"required": True, "reasons": list(reasons)},
    }


def answer(label: Any = "ALL", reviewer: str = "one", sha256: str | None = DIGEST) -> LabelEntry:
    shown: Any = {"probability": True, "map": False, "blind": False}
    return labels.entry(result(sha256), label, reviewer, seconds=1.234, shown=shown, comment="seen")


def said(document: LabelDocument) -> list[tuple[str, Any, str]]:
    return [(past["reviewer"], past["label"], past["outcome"]) for past in document["history"]]


def test_an_answer_holds_what_was_seen_and_what_the_model_said() -> None:
    document = labels.with_answer(None, answer())
    VALIDATOR.validate(document)
    assert (document["label"], document["reviewer"], document["seconds"]) == ("ALL", "one", 1.23)
    assert document["image"] == {"version_id": "v1", "etag": None, "sha256": DIGEST}
    assert document["model"] == {"version": "model-1", "sha256": "digest"}
    assert document["prediction"] == {"label": "ALL", "probability_all": 0.5}
    assert (document["queue"], document["history"]) == ("flag", [])


@pytest.mark.parametrize(
    ("reasons", "queue"),
    [(["audit"], "audit"), (["uncertain", "audit"], "flag"), (["uncertain"], "flag"), ([], "flag")],
)
def test_a_cell_is_of_the_audit_only_if_nothing_but_chance_chose_it(reasons: list[str], queue: str) -> None:
    assert labels.queue_of(reasons) == queue


def test_undo_is_an_entry_and_both_entries_stay() -> None:
    document = labels.without_answer(labels.with_answer(None, answer()))
    VALIDATOR.validate(document)
    assert document["label"] is None
    assert said(document) == [("one", "ALL", "undone")]
    again = labels.with_answer(document, answer("normal"))
    assert said(again) == [("one", "ALL", "undone"), ("one", None, "replaced")]


def test_who_takes_back_a_label_that_replaced_anothers_lets_the_other_label_stand_again() -> None:
    first = labels.with_answer(None, answer("normal", "one"))
    second = labels.with_answer(first, answer("ALL", "two"))
    document = labels.without_answer(second)
    VALIDATOR.validate(document)
    assert (document["label"], document["reviewer"]) == ("normal", "one")
    assert said(document) == [("one", "normal", "replaced"), ("two", "ALL", "undone")]


def test_a_label_of_other_pixels_does_not_stand_again() -> None:
    first = labels.with_answer(None, answer("normal", "one", OTHER_DIGEST))
    document = labels.without_answer(labels.with_answer(first, answer("ALL", "two")))
    assert document["label"] is None


def test_a_withdrawn_answer_stays_in_the_history() -> None:
    document = labels.with_withdrawn(labels.with_answer(None, answer("normal", "one")), answer("ALL", "two"))
    VALIDATOR.validate(document)
    assert (document["label"], document["reviewer"]) == ("normal", "one")
    assert said(document) == [("two", "ALL", "withdrawn")]
    assert labels.has_answered(document, "two", result()["image"])
    assert not labels.has_answered(document, "three", result()["image"])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((DIGEST, None), (DIGEST, "e"), True),
        ((DIGEST, "e"), (OTHER_DIGEST, "e"), False),
        ((None, "e"), (None, "e"), True),
        ((None, "e"), (None, "f"), False),
        ((None, None), (None, None), False),
    ],
)
def test_images_are_the_same_if_their_bytes_are(one: tuple[Any, Any], other: tuple[Any, Any], same: bool) -> None:
    first, second = (result(sha256, etag=etag)["image"] for sha256, etag in (one, other))
    assert labels.is_same_image(first, second) is same


def test_a_label_of_another_program_is_read_and_answers_no_pixels() -> None:
    body = json.dumps({"label": "ALL", "reviewer": "a. person", "labelled_at": "2026-11-22T10:00:00Z"}).encode()
    document = labels.from_json(body)
    assert (document["label"], document["history"]) == ("ALL", [])
    assert not labels.is_answer(body, result()["image"])
    assert said(labels.with_answer(document, answer())) == [("a. person", "ALL", "replaced")]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'"ALL"', b'{"label": "ALL"}', b'{"label": 7, "labelled_at": "x"}', b"\xff"]
)
def test_what_is_no_label_is_refused_and_answers_nothing(body: bytes) -> None:
    with pytest.raises(ValueError):
        labels.from_json(body)
    assert not labels.is_answer(body, result()["image"])


@given(st.text())
def test_any_comment_survives(comment: str) -> None:
    shown: Any = {"probability": False, "map": False, "blind": True}
    document = labels.with_answer(
        None, labels.entry(result(), "ALL", "one", seconds=None, shown=shown, comment=comment)
    )
    assert labels.from_json(labels.to_json(document))["comment"] == comment


def test_a_second_answer_stands_beside_the_first_and_can_be_taken_back() -> None:
    document = labels.with_second(labels.with_answer(None, answer("normal", "one")), answer("ALL", "two"))
    VALIDATOR.validate(document)
    assert (document["label"], document["reviewer"]) == ("normal", "one")
    assert {name: one["label"] for name, one in labels.answers_of(document).items()} == {"one": "normal", "two": "ALL"}
    taken_back = labels.without_second(document, "two")
    assert taken_back is not None
    VALIDATOR.validate(taken_back)
    assert said(taken_back) == [("two", "ALL", "second"), ("two", None, "second")]
    assert labels.answers_of(taken_back).keys() == {"one"}
    assert labels.without_second(taken_back, "two") is None
    assert labels.without_second(document, "one") is None


def test_if_the_standing_answer_is_taken_back_the_newest_second_answer_stands() -> None:
    document = labels.with_second(labels.with_answer(None, answer("normal", "one")), answer("ALL", "two"))
    after = labels.without_answer(document)
    VALIDATOR.validate(after)
    assert (after["label"], after["reviewer"]) == ("ALL", "two")
    assert said(after) == [("two", "ALL", "second"), ("one", "normal", "undone")]


def test_after_reopening_no_label_stands_and_earlier_answers_do_not_count() -> None:
    document = labels.with_second(labels.with_answer(None, answer("normal", "one")), answer("ALL", "two"))
    asked = labels.reopened(document, "three")
    VALIDATOR.validate(asked)
    assert (asked["label"], asked["reviewer"]) == (None, "three")
    assert said(asked) == [("two", "ALL", "second"), ("one", "normal", "reopened")]
    again = labels.with_answer(asked, answer("ALL", "one"))
    assert labels.answers_of(again).keys() == {"one"}


def test_answers_to_other_pixels_do_not_count() -> None:
    first = labels.with_answer(None, answer("normal", "one", OTHER_DIGEST))
    assert labels.answers_of(labels.with_answer(first, answer("ALL", "two"))).keys() == {"two"}


def test_a_document_keeps_its_shape_however_often_it_is_read() -> None:
    document = labels.with_answer(labels.with_answer(None, answer("normal")), answer("ALL"))
    for _ in range(3):
        document = labels.from_json(labels.to_json(document))
        VALIDATOR.validate(document)


STEPS = st.tuples(
    st.sampled_from(["answer", "second", "withdraw", "undo", "undo second", "reopen"]),
    st.sampled_from(["ALL", "normal"]),
    st.sampled_from("ab"),
)


@given(st.lists(STEPS, max_size=12))
def test_whatever_people_do_every_answer_is_in_the_document_as_often_as_it_was_given(steps: list[Any]) -> None:
    document, given = labels.with_answer(None, answer("cannot_say", "c")), [("c", "cannot_say")]
    for step, label, reviewer in steps:
        if step == "undo":
            document = labels.without_answer(document)
        elif step == "undo second":
            document = labels.without_second(document, reviewer) or document
        elif step == "reopen":
            document = labels.reopened(document, reviewer)
        else:
            changes = {"answer": labels.with_answer, "second": labels.with_second, "withdraw": labels.with_withdrawn}
            document = changes[step](document, answer(label, reviewer))
            given.append((reviewer, label))
        document = labels.from_json(labels.to_json(document))
        VALIDATOR.validate(document)
    kept: list[tuple[str, str | None]] = [
        (entry["reviewer"], entry["label"]) for entry in (document, *document["history"]) if entry["label"]
    ]
    for one in set(given):
        assert kept.count(one) >= given.count(one)
