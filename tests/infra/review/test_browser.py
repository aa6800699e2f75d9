"""The page in a real Chromium, on the program that a person starts; skipped on machines without Chromium."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Response, expect, sync_playwright

from tests.infra.review.conftest import HOSTILE_KEYS, Laboratory, explained

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Chromium has no sandbox for the superuser, as which containers run.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield started
        started.close()


@contextmanager
def program(folder: Path, *options: str) -> Iterator[str]:
    """`cellflag review` on the folder of a laboratory; yields the address that it prints."""
    script = str(Path(sys.executable).parent / "cellflag")
    command = [script, "review", str(folder / "out"), "--images", str(folder / "images")]
    with (folder / "stderr").open("w") as stderr:
        started = subprocess.Popen(
            [*command, "--no-browser", "--reviewer", "one", *options], stdout=subprocess.PIPE, stderr=stderr, text=True
        )
    try:
        assert started.stdout
        yield started.stdout.readline().removeprefix("Review page: ").strip()
    finally:
        started.send_signal(signal.SIGINT)
        started.wait(20)
    assert "Traceback" not in (folder / "stderr").read_text()


@pytest.fixture
def open_page(browser: Browser, folder: Laboratory, tmp_path: Path) -> Iterator[Open]:
    """Starts the program, and opens its page; ``responses`` collects everything that the page gets."""
    closers = ExitStack()

    def opened(*options: str, responses: list[Response] | None = None) -> Page:
        address = closers.enter_context(program(tmp_path, *options))
        page = closers.enter_context(browser.new_context()).new_page()
        page.set_default_timeout(20_000)
        if responses is not None:

            def collect(response: Response) -> None:
                responses.append(response)

            page.on("response", collect)
        page.goto(address)
        return page

    with closers:
        yield opened


def fill(laboratory: Laboratory, *keys: str) -> None:
    """Add flagged cells; the probability falls from key to key, so they come in this order."""
    for number, key in enumerate(keys):
        document = explained(laboratory.add(key, number, probability=0.73719 - 0.03 * number), logit=0.0804)
        laboratory.write(key, document)


def expect_cell(page: Page, key: str) -> None:
    """Wait until the page shows a cell, with its card."""
    expect(page.locator("#facts .key").first).to_have_text(key)


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


@pytest.mark.parametrize("key", [key for key in HOSTILE_KEYS if "script" in key or "onerror" in key])
def test_a_hostile_key_is_shown_as_text(folder: Laboratory, open_page: Open, key: str) -> None:
    fill(folder, key)
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
    expect_cell(page, key)
    page.keyboard.press("g")
    expect(page.locator("#tiles .key")).to_have_text(key)
    assert page.locator("[onerror]").count() == 0
    assert page.locator("script").count() == 1
    assert alerts == []
    assert [response.url for response in responses if not response.url.startswith("http://127.0.0.1:")] == []
    assert violations == []


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
