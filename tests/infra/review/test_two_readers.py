"""Two people answer each cell, and neither sees what the other said before both have."""

import json

import pytest
from jsonschema import Draft202012Validator

from lambda_fn import labels
from tests.infra.review.conftest import Laboratory, Page, explained
from tests.lambda_fn.test_labels import SCHEMA

VALIDATOR = Draft202012Validator(SCHEMA)


def said(laboratory: Laboratory, key: str) -> list[tuple[str, str | None, str | None]]:
    """Reviewer, label and outcome of each entry: the standing one, then the history."""
    document = laboratory.label(key)
    VALIDATOR.validate(document)
    return [(one["reviewer"], one["label"], one.get("outcome")) for one in (document, *document["history"])]


def readers(laboratory: Laboratory, *names: str) -> list[Page]:
    return [laboratory.client(name, reviewers=2) for name in names]


def test_a_cell_stays_in_the_queue_of_the_second_person_until_both_have_answered(laboratory: Laboratory) -> None:
    laboratory.add("a")
    (one,) = readers(laboratory, "one")
    one.answer("a", "ALL", comment="ragged")
    assert one.keys() == []
    assert not laboratory.is_flagged("a")
    two, three = readers(laboratory, "two", "three")
    assert two.keys() == three.keys() == ["a"]
    assert laboratory.client("four").keys() == []  # one person a cell
    assert two.answer("a", "normal").status_code == 200
    assert said(laboratory, "a") == [("one", "ALL", None), ("two", "normal", "second")]
    assert readers(laboratory, "three")[0].keys() == two.keys() == []


def test_the_second_person_sees_nothing_of_the_first_answer_before_their_own(laboratory: Laboratory) -> None:
    laboratory.write("a", explained(laboratory.add("a")))
    (one,) = readers(laboratory, "dr. one")
    one.answer("a", "normal", comment="ragged")
    (two,) = readers(laboratory, "two")
    card = two.card("a")
    assert (card["second"], card["labels"], card["probability"]) == (True, None, 0.52)
    sent = json.dumps([card, two.cells(), two.cells(state="answered"), two.cells(state="disagreed")])
    assert [word for word in ("dr. one", "ragged") if word in sent] == []
    assert two.cells(state="answered")["cells"] == []
    shown = two.answer("a", "ALL").json()
    assert shown["labels"]["disagree"] is True
    assert (shown["labels"]["standing"]["reviewer"], shown["labels"]["standing"]["label"]) == ("dr. one", "normal")


def test_a_cell_of_the_second_persons_queue_is_not_among_the_labelled_ones_beside_other_cells(
    folder: Laboratory,
) -> None:
    for number, key in enumerate("ab"):
        folder.write(key, explained(folder.add(key, number)))
    one, two = readers(folder, "one", "two")
    one.answer("a", "ALL")
    (two,) = readers(folder, "two")
    assert two.card("b")["nearest"]["library"] == 0
    two.answer("a", "ALL")
    assert two.card("b")["nearest"]["library"] == 1


def test_who_answers_while_the_other_does_is_second_and_not_in_conflict(laboratory: Laboratory) -> None:
    laboratory.add("a")
    one, two = readers(laboratory, "one", "two")
    seen = two.card("a")
    one.answer("a", "ALL")
    assert two.answer("a", "ALL", seen).status_code == 200
    assert two.answer("a", "ALL", seen).status_code == 200  # the answer was not heard, so it is sent again
    assert said(laboratory, "a") == [("one", "ALL", None), ("two", "ALL", "second")]
    assert two.card("a")["labels"]["disagree"] is False


def test_a_third_answer_is_a_choice_between_both_and_settles_the_disagreement(laboratory: Laboratory) -> None:
    laboratory.add("a")
    one, two = readers(laboratory, "one", "two")
    one.answer("a", "ALL")
    two.answer("a", "normal")
    three = readers(laboratory, "three")[0]
    assert [cell["key"] for cell in three.cells(state="disagreed")["cells"]] == ["a"]
    assert three.http.get("/api/agreement").json()["disagreed"] == 1
    refused = three.answer("a", "normal")
    assert refused.status_code == 412
    facts = refused.json()["conflict"]
    assert (facts["standing"]["label"], facts["history"][0]["label"]) == ("ALL", "normal")
    assert three.answer("a", "normal", choice="replace").json()["labels"]["disagree"] is False
    assert said(laboratory, "a") == [("three", "normal", None), ("two", "normal", "second"), ("one", "ALL", "replaced")]
    assert three.cells(state="disagreed")["cells"] == []


def test_undo_of_a_second_answer_is_an_entry_and_the_cell_waits_again(laboratory: Laboratory) -> None:
    laboratory.add("a")
    one, two = readers(laboratory, "one", "two")
    one.answer("a", "ALL")
    two.answer("a", "normal")
    (again,) = readers(laboratory, "two")  # after a restart
    assert again.undo()["key"] == "a"
    assert said(laboratory, "a") == [("one", "ALL", None), ("two", "normal", "second"), ("two", None, "second")]
    assert again.keys() == ["a"]
    assert again.undo() == {"id": None}


def test_if_the_first_answer_is_taken_back_the_second_one_stands(laboratory: Laboratory) -> None:
    laboratory.add("a")
    one, two = readers(laboratory, "one", "two")
    one.answer("a", "ALL")
    two.answer("a", "normal")
    assert one.undo()["key"] == "a"
    assert said(laboratory, "a")[0] == ("two", "normal", None)
    assert not laboratory.is_flagged("a")
    assert one.keys() == ["a"]
    assert one.card("a")["labels"] is not None or one.card("a").get("second")


def test_answers_of_others_are_found_while_the_page_is_open(folder: Laboratory) -> None:
    folder.add("a")
    one, two = readers(folder, "one", "two")
    one.answer("a", "ALL")
    two.desk.waiting.load()
    assert two.keys() == []
    two.desk.refresher.read_labels()
    assert two.keys() == ["a"]


def test_audits_are_read_by_two_people_blind(folder: Laboratory) -> None:
    folder.add("a", probability=0.97, reasons=("audit",))
    one, two = readers(folder, "one", "two")
    one.answer("a", "normal")
    (two,) = readers(folder, "two")
    assert set(two.card("a")) == {"id", "key", "blind", "version", "etag", "can_decide", "size"}
    two.answer("a", "ALL")
    assert [one["shown"]["blind"] for one in (folder.label("a"), *folder.label("a")["history"])] == [True, True]


def test_a_new_version_of_the_image_needs_two_new_answers(laboratory: Laboratory) -> None:
    laboratory.add("a", 1)
    one, two = readers(laboratory, "one", "two")
    one.answer("a", "ALL")
    laboratory.add("a", 2)
    (two,) = readers(laboratory, "two")
    assert two.card("a")["labels"]["standing"]["older"] is True
    assert two.answer("a", "normal", choice="replace").status_code == 200
    assert labels.answers_of(laboratory.label("a")).keys() == {"two"}


@pytest.mark.parametrize(("cells", "words"), [(3, "cannot be said: that takes 10 cells"), (12, "Cohen's kappa: 0.83")])
def test_the_end_of_the_queue_says_how_far_two_readers_agree(folder: Laboratory, cells: int, words: str) -> None:
    for number in range(cells):
        folder.add(f"{number}", number)
    one, two = readers(folder, "one", "two")
    for number in range(cells):
        one.answer(f"{number}", "ALL" if number % 2 else "normal")
        two.answer(f"{number}", "ALL" if number % 2 or number == 2 else "normal")
    found = one.http.get("/api/agreement").json()
    two_seen = two.http.get("/api/agreement").json()
    text = readers(folder, "one")[0].http.get("/api/agreement").json()["text"]
    assert text.startswith(f"Two people answered {cells} cells blind to each other, and agree on {cells - 1} of them.")
    assert words in text
    assert found["disagreed"] in (0, 1)
    assert two_seen["disagreed"] == 1
