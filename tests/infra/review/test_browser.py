"""The page in a real Chromium, on the program that a person starts; skipped on machines without Chromium."""

from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Dialog, Response, expect

from tests.infra.review.browser import CHROMIUM, Open, expect_cell, fill
from tests.infra.review.conftest import HOSTILE_KEYS, Laboratory, explained

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")


def test_a_key_labels_another_takes_the_label_back_and_a_reload_changes_neither(
    folder: Laboratory, open_page: Open
) -> None:
    fill(folder, "first.bmp", "second.bmp", "third.bmp")
    page = open_page()
    expect_cell(page, "first.bmp")
    page.keyboard.press("a")
    expect(page.locator("#saved")).to_have_text("Saved: ALL")
    expect_cell(page, "second.bmp")
    assert (folder.label("first.bmp")["label"], folder.is_flagged("first.bmp")) == ("ALL", False)
    page.reload()
    expect_cell(page, "second.bmp")
    expect(page.locator("#progress")).to_contain_text("2 open")
    page.keyboard.press("z")
    expect_cell(page, "first.bmp")
    assert (folder.label("first.bmp")["label"], folder.is_flagged("first.bmp")) == (None, True)
    page.reload()
    expect_cell(page, "first.bmp")
    expect(page.locator("#progress")).to_contain_text("3 open")
    page.keyboard.press("s")
    expect(page.locator("#saved")).to_have_text("Saved: cannot say")
    page = open_page()  # another start of the program, with another token
    expect_cell(page, "second.bmp")
    page.keyboard.press("z")
    expect_cell(page, "first.bmp")
    assert (folder.label("first.bmp")["label"], folder.is_flagged("first.bmp")) == (None, True)
    kept = folder.label("first.bmp")["history"]
    assert [(past["label"], past["outcome"]) for past in kept] == [
        ("ALL", "undone"),
        (None, "replaced"),
        ("cannot_say", "undone"),
    ]


def test_hostile_keys_are_shown_as_text_and_labelled_under_their_own_names(folder: Laboratory, open_page: Open) -> None:
    keys = [key for key in HOSTILE_KEYS if len(key.encode()) < 256 and ".." not in key]
    fill(folder, *keys)
    responses: list[Response] = []
    page = open_page(responses=responses)
    violations: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            violations.append(message.text)

    page.on("console", note)
    alerts: list[str] = []

    def collect(dialog: Dialog) -> None:
        alerts.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", collect)
    page.keyboard.press("g")
    expect(page.locator("#tiles .key")).to_have_text(keys)
    page.keyboard.press("g")
    for key in keys:
        expect_cell(page, key)
        page.keyboard.press("n")
    expect(page.locator("#done")).to_be_visible()
    expect(page.locator("#saved")).to_have_text("Saved: normal")
    assert [folder.label(key)["label"] for key in keys] == ["normal"] * len(keys)
    assert page.locator("[onerror]").count() == 0
    assert page.locator("script").count() == 1
    assert (alerts, violations) == ([], [])
    assert [response.url for response in responses if not response.url.startswith("http://127.0.0.1:")] == []


def test_neither_the_page_nor_the_network_holds_a_score_before_a_blind_answer(
    folder: Laboratory, open_page: Open
) -> None:
    fill(folder, "first.bmp", "second.bmp")
    responses: list[Response] = []
    page = open_page("--blind", responses=responses)
    expect(page.locator("#facts h2")).to_have_text("Blind")
    page.keyboard.press("h")  # neither the map nor the outline shows anything of the model
    page.keyboard.press("o")
    page.keyboard.press("g")
    expect(page.locator("#tiles li")).to_have_count(2)
    page.keyboard.press("g")
    expect(page.locator("#facts h2")).to_have_text("Blind")
    page.wait_for_load_state("networkidle")
    view = ("0.73", "0.74", "0.70", "0.71", "0.0804", "uncertain", "model-1", "31000", "clefted")
    got = [response for response in responses if "/api/" in response.url and not response.url.endswith(".png")]
    assert {response.url.partition("?")[0].rpartition("/")[2] for response in got} >= {"cells"}
    sent = page.content() + "".join(response.text() + str(response.headers) for response in got)
    assert [word for word in view if word in sent] == []
    page.keyboard.press("n")
    expect(page.locator("#sum")).to_be_visible()
    shown = page.content()
    assert [word for word in ("0.0804", "model-1", "31000", "clefted") if word not in shown] == []


def test_the_map_the_marks_and_terms_that_add_up_are_on_the_page(folder: Laboratory, open_page: Open) -> None:
    fill(folder, "first.bmp")
    page = open_page()
    expect_cell(page, "first.bmp")
    expect(page.locator("canvas.map")).to_have_count(0)
    page.keyboard.press("h")
    expect(page.locator("canvas.map")).to_have_count(1)
    page.keyboard.press("o")
    expect(page.locator("svg.marks .cleft")).to_have_count(1)
    expect(page.locator("svg.marks .pale-spot")).to_have_count(1)
    *terms, logit = [
        float(text.replace("\N{MINUS SIGN}", "-")) for text in page.locator("#sum td.number").all_inner_texts()
    ]
    assert len(terms) >= 3
    assert sum(terms) == pytest.approx(logit, abs=0.0002)
    expect(page.locator("#features")).to_contain_text("deeply clefted outline (12 % of the diameter)")
    expect(page.locator("#facts")).to_contain_text("cytoplasm not visible")
    assert page.locator("svg.range circle").count() > 5
    page.keyboard.press("a")
    expect(page.locator("#done")).to_be_visible()
    expect(page.locator("#saved")).to_have_text("Saved: ALL")
    assert folder.label("first.bmp")["shown"] == {"probability": True, "map": True, "blind": False}


def test_of_two_pages_the_second_sees_who_said_what_and_its_choice_stays_beside_the_other(
    folder: Laboratory, open_page: Open
) -> None:
    fill(folder, "first.bmp", "second.bmp")
    one, two = open_page("--reviewer", "dr. one"), open_page("--reviewer", "two")
    for page in (one, two):
        expect_cell(page, "first.bmp")
    one.keyboard.press("a")
    expect(one.locator("#saved")).to_have_text("Saved: ALL")
    two.keyboard.press("n")
    dialog = two.locator("#conflict")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("Stands: ALL by dr. one")
    expect(dialog).to_contain_text("You: normal")
    assert folder.label("first.bmp")["reviewer"] == "dr. one"
    expect(two.locator("#saved")).not_to_contain_text("Saved")
    two.get_by_role("button", name="Replace it by mine").click()
    expect(two.locator("#saved")).to_have_text("Saved: normal")
    kept = folder.label("first.bmp")
    assert (kept["reviewer"], kept["label"]) == ("two", "normal")
    assert [(past["reviewer"], past["label"], past["outcome"]) for past in kept["history"]] == [
        ("dr. one", "ALL", "replaced")
    ]


def test_the_second_reader_sees_the_first_answer_only_after_their_own(folder: Laboratory, open_page: Open) -> None:
    fill(folder, "first.bmp")
    folder.client("dr. one", reviewers=2).answer("first.bmp", "ALL")
    responses: list[Response] = []
    page = open_page("--reviewers", "2", "--reviewer", "two", responses=responses)
    expect(page.locator("#second")).to_be_visible()
    page.wait_for_load_state("networkidle")
    sent = page.content() + "".join(one.text() for one in responses if not one.url.endswith(".png") and one.ok)
    assert "dr. one" not in sent
    page.keyboard.press("n")
    expect(page.locator("#saved")).to_have_text("Saved: normal. The readers disagree")
    expect(page.locator("#agreement")).to_contain_text("Two people answered 1 cell blind to each other")
    page.get_by_role("button", name="Show the 1 on which the readers disagree").click()
    expect(page.locator("#disagree")).to_be_visible()
    expect(page.locator("#standing")).to_contain_text("ALL by dr. one")
    expect(page.locator("#history")).to_contain_text("normal by two")


def test_an_audit_is_blind_in_the_page_and_on_the_network_until_it_is_answered(
    folder: Laboratory, open_page: Open
) -> None:
    document = folder.add("audit.bmp", probability=0.73719, reasons=("audit",))
    folder.write("audit.bmp", explained(document, logit=1.0333))
    responses: list[Response] = []
    page = open_page(responses=responses)
    expect(page.locator("#facts h2")).to_have_text("Blind")
    page.keyboard.press("h")
    page.wait_for_load_state("networkidle")
    view = ("0.737", "0.74", "1.0333", "audit,", '"audit"', "drawn", "model-1", "31000", "clefted")
    got = [one for one in responses if "/api/" in one.url and not one.url.endswith(".png")]
    sent = page.locator("#card").inner_html() + "".join(one.text() + str(one.headers) for one in got)
    assert [word for word in view if word in sent] == []
    page.keyboard.press("n")
    expect(page.locator("#saved")).to_have_text("Saved: normal. Go on with the next cell.")
    expect(page.locator("#sum")).to_contain_text("1.0333")
    kept = folder.label("audit.bmp")
    assert (kept["queue"], kept["shown"]["blind"], kept["decision"]) == ("audit", True, "ALL")


def test_while_the_place_fails_nothing_is_called_saved_and_nothing_is_lost(
    folder: Laboratory, open_page: Open, tmp_path: Path
) -> None:
    fill(folder, "first.bmp", "second.bmp")
    page = open_page()
    expect_cell(page, "first.bmp")
    page.wait_for_load_state("networkidle")  # the next cell is fetched ahead
    labels = tmp_path / "out" / "labels"
    labels.write_bytes(b"")  # no folder can be made here
    page.keyboard.press("a")
    expect(page.locator("#message")).to_contain_text("Not saved yet")
    expect_cell(page, "second.bmp")
    assert "Saved" not in page.locator("#saved").inner_text()
    assert folder.is_flagged("first.bmp")
    labels.unlink()
    expect(page.locator("#saved")).to_have_text("Saved: ALL")
    expect(page.locator("#message")).to_be_hidden()
    assert (folder.label("first.bmp")["label"], folder.is_flagged("first.bmp")) == ("ALL", False)


def test_keys_can_be_changed_and_switched_off_and_the_browser_keeps_that(folder: Laboratory, open_page: Open) -> None:
    fill(folder, "first.bmp", "second.bmp", "third.bmp")
    page = open_page()
    expect_cell(page, "first.bmp")
    page.keyboard.press("?")
    page.get_by_role("button", name="Change the key of: Label normal").press("Enter")
    page.keyboard.press("j")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.press("j")
    expect(page.locator("#saved")).to_have_text("Saved: normal")
    page.reload()
    expect_cell(page, "second.bmp")
    page.keyboard.press("j")
    expect(page.locator("#saved")).to_have_text("Saved: normal")
    expect_cell(page, "third.bmp")
    page.keyboard.press("?")
    page.get_by_label("Single keys work").press("Space")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("a")
    # Without single keys everything is reached by Tab.
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.action") == "ALL":
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("#saved")).to_have_text("Saved: ALL")
    assert [folder.label(f"{name}.bmp")["label"] for name in ("first", "second", "third")] == [
        "normal",
        "normal",
        "ALL",
    ]
