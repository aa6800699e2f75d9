"""Before a blind answer nothing that the model or another person said reaches the browser; afterwards all does."""

import json
from typing import Any

import pytest

from tests.infra.review.conftest import Laboratory, Page, explained

KEYS = [f"cell {number}.bmp" for number in range(6)]
# What must not be in any answer of the server.
VIEW = ("probability", "0.5", "0.6", "0.7", "decision", "reasons", "uncertain", "explanation", "morphology", "baseline",
        "model-1", "threshold", "nearest", "audit", "labels", "31000")  # fmt: skip


def fill(laboratory: Laboratory, reasons: tuple[str, ...] = ("uncertain",)) -> None:
    for number, key in enumerate(KEYS):
        document = explained(laboratory.add(key, number, probability=0.5 + 0.037 * number, reasons=reasons))
        laboratory.write(key, document)


def everything_that_is_sent(page: Page) -> str:
    texts = [page.http.get("/api/cells", params={"state": state}).text for state in ("open", "answered")]
    return " ".join([*texts, *(json.dumps(page.card(key)) for key in KEYS)])


@pytest.mark.parametrize(("blind", "reasons"), [(True, ("uncertain",)), (False, ("audit",)), (True, ("audit",))])
def test_nothing_of_the_models_view_is_sent_before_the_answer(
    folder: Laboratory, blind: bool, reasons: tuple[str, ...]
) -> None:
    fill(folder, reasons)
    page = folder.client(blind=blind)
    assert sorted(page.keys()) == KEYS
    sent = everything_that_is_sent(page).replace('"reasons":[]', "")  # no reason to filter by
    assert [word for word in VIEW if word in sent] == []
    for key in KEYS:
        assert set(page.card(key)) == {"id", "key", "blind", "version", "etag", "can_decide", "size"}


def test_the_answer_reveals_the_models_view_and_the_label_says_that_it_was_blind(laboratory: Laboratory) -> None:
    fill(laboratory)
    page = laboratory.client(blind=True)
    revealed = page.answer(KEYS[2], "normal").json()
    assert revealed["probability"] == pytest.approx(0.574)
    assert revealed["explanation"]["logit"] == 0.08
    assert revealed["reasons"]
    kept = laboratory.label(KEYS[2])
    assert kept["shown"] == {"probability": False, "map": False, "blind": True}
    assert (kept["queue"], page.card(KEYS[2])["blind"]) == ("flag", False)


def test_who_has_seen_the_view_does_not_answer_blind_after_undo(laboratory: Laboratory) -> None:
    fill(laboratory)
    page = laboratory.client(blind=True)
    page.answer(KEYS[0])
    page.undo()
    assert page.card(KEYS[0])["blind"] is False
    page.answer(KEYS[0], "normal")
    assert laboratory.label(KEYS[0])["shown"]["blind"] is False
    assert laboratory.client("two", blind=True).card(KEYS[0])["blind"] is True


def test_audits_are_blind_and_of_their_own_queue_without_being_asked_for(laboratory: Laboratory) -> None:
    laboratory.add("flag.bmp", 1)
    laboratory.add("audit.bmp", 2, probability=0.97, reasons=("audit",))
    page = laboratory.client()
    cells = {cell["key"]: cell for cell in page.cells()["cells"]}
    assert set(cells["audit.bmp"]) == {"id", "key"}
    assert cells["flag.bmp"]["reasons"] == "uncertain"
    page.answer("audit.bmp")
    kept = laboratory.label("audit.bmp")
    assert (kept["queue"], kept["shown"]["blind"], kept["decision"]) == ("audit", True, "ALL")
    page.undo()
    assert laboratory.is_flagged("audit.bmp")


def test_the_order_and_the_filter_by_reason_betray_nothing(folder: Laboratory) -> None:
    fill(folder)
    before = folder.client(blind=True).keys()
    for number, key in enumerate(KEYS):  # the same images with the reverse scores
        changed = folder.add(key, number, probability=0.9 - 0.1 * number, reasons=("unlike_training_data",))
        folder.write(key, changed)
    page = folder.client(blind=True)
    assert page.keys() == before
    assert sorted(before) != before
    assert page.keys(reason="unlike_training_data") == []
    assert page.cells()["reasons"] == []


def test_a_decided_cell_can_be_drawn_for_an_audit_that_leaves_no_flag(laboratory: Laboratory) -> None:
    laboratory.add("flagged.bmp", 1)
    for number in range(5):
        laboratory.add(f"decided {number}.bmp", 10 + number, probability=0.95, reasons=())
    laboratory.client().answer("flagged.bmp")
    page = laboratory.client()
    assert page.post("/api/audits", {}).json() == {"drawn": 5}
    page.desk.waiting.load()
    keys = page.keys()
    assert sorted(keys) == [f"decided {number}.bmp" for number in range(5)]
    assert page.card(keys[0])["blind"] is True
    assert page.answer(keys[0], "normal").json()["audit"] is True
    kept = laboratory.label(keys[0])
    assert (kept["queue"], kept["shown"]["blind"], kept["label"]) == ("audit", True, "normal")
    assert not laboratory.is_flagged(keys[0])
    assert page.undo()["key"] == keys[0]
    assert not laboratory.is_flagged(keys[0])
    shown = page.keys()
    assert keys[0] in shown


def test_the_label_of_somebody_else_is_hidden_until_the_answer(folder: Laboratory) -> None:
    document: Any = folder.add("a.bmp", 1)
    folder.client("one").answer("a.bmp")
    folder.write("a.bmp", document)
    page = folder.client("two", blind=True)
    assert page.cells(state="answered")["cells"] == [{"id": page.desk.id_of("a.bmp"), "key": "a.bmp"}]
    assert "labels" not in page.card("a.bmp")
    assert page.answer("a.bmp", "normal").json()["conflict"]["standing"]["reviewer"] == "one"
