"""Answers, undo and conflicts, through the page's server, in S3 and in a folder."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infra.review.answering import close_flag
from lambda_fn import labels
from lambda_fn.keys import flag_key, label_key
from tests.infra.review.conftest import HOSTILE_KEYS, Laboratory, picture, result
from tests.lambda_fn.test_labels import SCHEMA

VALIDATOR = Draft202012Validator(SCHEMA)


@pytest.mark.parametrize("label", ["ALL", "normal", "cannot_say"])
def test_an_answer_is_a_document_and_closes_the_flag(laboratory: Laboratory, label: str) -> None:
    document = laboratory.add("plate 7/a.bmp")
    page = laboratory.client("dr. one")
    assert page.keys() == ["plate 7/a.bmp"]
    assert page.answer("plate 7/a.bmp", label, comment="ragged").status_code == 200
    kept = laboratory.label("plate 7/a.bmp")
    VALIDATOR.validate(kept)
    assert (kept["label"], kept["reviewer"], kept["seconds"], kept["comment"]) == (label, "dr. one", 1.5, "ragged")
    assert kept["image"]["sha256"] == document["image"]["sha256"]
    assert kept["shown"] == {"probability": True, "map": True, "blind": False}
    assert (kept["model"], kept["prediction"]) == (document["model"], document["prediction"])
    assert not laboratory.is_flagged("plate 7/a.bmp")
    assert page.keys() == []


def test_undo_takes_back_the_last_label_and_the_ones_before_and_opens_the_flags_again(laboratory: Laboratory) -> None:
    for number, key in enumerate("abc"):
        laboratory.add(key, number, probability=0.7 - 0.1 * number)
        laboratory.client().answer(key)
    for key in "cba":
        assert laboratory.client().undo()["key"] == key  # each time after a restart
        assert laboratory.is_flagged(key)
        kept = laboratory.label(key)
        VALIDATOR.validate(kept)
        assert kept["label"] is None
        assert [(past["label"], past["outcome"]) for past in kept["history"]] == [("ALL", "undone")]
    page = laboratory.client()
    assert page.undo() == {"id": None}
    assert page.keys() == ["a", "b", "c"]
    assert page.answer("a", "normal").status_code == 200
    assert [past["label"] for past in laboratory.label("a")["history"]] == ["ALL", None]


def test_undo_never_touches_the_label_of_somebody_else(laboratory: Laboratory) -> None:
    laboratory.add("a")
    laboratory.client("two").answer("a")
    before = laboratory.label("a")
    assert laboratory.client("one").undo() == {"id": None}
    assert laboratory.label("a") == before
    assert not laboratory.is_flagged("a")


def test_undo_passes_over_a_label_that_somebody_else_has_replaced_meanwhile(laboratory: Laboratory) -> None:
    laboratory.add("a")
    one = laboratory.client("one")
    one.answer("a")
    two = laboratory.client("two")
    assert two.answer("a", "normal", choice="replace").status_code == 200
    assert one.undo() == {"id": None}
    assert laboratory.label("a")["reviewer"] == "two"
    assert two.undo()["key"] == "a"
    kept = laboratory.label("a")
    assert (kept["reviewer"], kept["label"]) == ("one", "ALL")
    assert not laboratory.is_flagged("a")


@pytest.mark.parametrize(
    ("choice", "stands", "past"), [("keep", "one", ("two", "withdrawn")), ("replace", "two", ("one", "replaced"))]
)
def test_who_comes_second_sees_who_said_what_and_chooses(
    laboratory: Laboratory, choice: str, stands: str, past: tuple[str, str]
) -> None:
    laboratory.add("a")
    one, two = laboratory.client("one"), laboratory.client("two")
    seen = two.card("a")
    assert one.answer("a", "ALL").status_code == 200
    before = laboratory.label("a")
    refused = two.answer("a", "normal", seen)
    assert refused.status_code == 412
    standing = refused.json()["conflict"]["standing"]
    assert (standing["reviewer"], standing["label"]) == ("one", "ALL")
    assert standing["labelled_at"] == before["labelled_at"]
    assert laboratory.label("a") == before
    assert two.answer("a", "normal", seen, seen=refused.json()["etag"], choice=choice).status_code == 200
    kept = laboratory.label("a")
    VALIDATOR.validate(kept)
    assert kept["reviewer"] == stands
    assert [(entry["reviewer"], entry["outcome"]) for entry in kept["history"]] == [past]


def test_a_label_of_somebody_else_is_never_replaced_unasked_even_if_the_page_shows_it(laboratory: Laboratory) -> None:
    laboratory.add("a")
    laboratory.client("one").answer("a")
    refused = laboratory.client("two").answer("a", "normal")  # with the entity tag of the label that stands
    assert refused.status_code == 412
    assert laboratory.label("a")["reviewer"] == "one"


def test_a_choice_about_an_older_answer_is_asked_again(laboratory: Laboratory) -> None:
    laboratory.add("a")
    one, two = laboratory.client("one"), laboratory.client("two")
    seen = two.card("a")
    one.answer("a", "ALL")
    refused = two.answer("a", "normal", seen).json()
    one.answer("a", "cannot_say")
    again = two.answer("a", "normal", seen, seen=refused["etag"], choice="replace")
    assert again.status_code == 412
    assert again.json()["conflict"]["standing"]["label"] == "cannot_say"


def test_an_answer_that_was_written_but_not_heard_of_is_written_once(laboratory: Laboratory) -> None:
    laboratory.add("a")
    page = laboratory.client()
    card = page.card("a")
    assert page.answer("a", "ALL", card).status_code == 200
    assert page.answer("a", "ALL", card).status_code == 200
    assert laboratory.label("a")["history"] == []


def test_a_flag_that_a_label_answers_is_closed_at_the_start(laboratory: Laboratory) -> None:
    document = laboratory.add("a")
    laboratory.client().answer("a")
    laboratory.write("a", document)
    assert laboratory.is_flagged("a")
    assert laboratory.client().keys() == []
    assert not laboratory.is_flagged("a")


def test_a_new_version_of_a_labelled_image_is_in_the_queue_and_shows_the_older_label(laboratory: Laboratory) -> None:
    laboratory.add("a", 1)
    laboratory.client().answer("a", "normal")
    laboratory.add("a", 2)
    page = laboratory.client("two")
    assert page.keys() == ["a"]
    assert page.card("a")["labels"]["standing"]["older"] is True
    assert page.answer("a", "ALL").status_code == 200  # another image, so no conflict
    kept = laboratory.label("a")
    assert (kept["label"], kept["history"][0]["label"]) == ("ALL", "normal")


def test_an_answer_to_a_card_of_an_image_that_was_replaced_is_refused(laboratory: Laboratory) -> None:
    laboratory.add("a", 1)
    page = laboratory.client()
    seen = page.card("a")
    laboratory.add("a", 2)
    refused = page.answer("a", "ALL", seen)
    assert (refused.status_code, laboratory.label("a")) == (409, None)
    assert "look again" in refused.json()["error"]


def test_the_flag_of_other_pixels_stays(laboratory: Laboratory) -> None:
    laboratory.add("a", 1)
    answer = laboratory.desk()
    shown: Any = {"probability": True, "map": False, "blind": False}
    other = labels.entry(result("a", picture(2)), "ALL", "one", seconds=None, shown=shown)
    assert not close_flag(answer.place, "a", labels.with_answer(None, other))
    assert laboratory.is_flagged("a")


def test_an_object_that_is_no_label_is_neither_overwritten_nor_hidden(laboratory: Laboratory) -> None:
    laboratory.add("a")
    assert laboratory.place.create(label_key("a"), b"[]")
    page = laboratory.client()
    assert "holds no label document" in page.card("a")["error"]
    stored = laboratory.place.read(label_key("a"))
    assert stored
    assert stored.body == b"[]"


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_hostile_key_is_labelled_under_its_own_name(bucket: Laboratory, key: str) -> None:
    bucket.add(key)
    page = bucket.client()
    (cell,) = page.cells()["cells"]
    assert cell["key"] == key
    assert key not in page.http.get("/").text
    assert page.http.get(f"/api/cells/{cell['id']}/image.png").content.startswith(b"\x89PNG")
    assert page.answer(key).status_code == 200
    assert bucket.label(key)["label"] == "ALL"
    assert bucket.place.read(flag_key(key)) is None
