"""The program that a person starts, and its page in a real Chromium; machines without Chromium skip its tests."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, Response, expect, sync_playwright

if TYPE_CHECKING:
    from tests.infra.review.conftest import Laboratory

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
Open = Callable[..., Page]


@contextmanager
def program(folder: Path, *options: str) -> Iterator[str]:
    """`cellflag review` on the folder of a laboratory; yields the address that it prints."""
    script = str(Path(sys.executable).parent / "cellflag")
    command = [script, "review", str(folder / "out"), "--images", str(folder / "images")]
    with (folder / "stderr").open("w") as stderr:
        started = subprocess.Popen(
            [*command, "--no-browser", *(() if "--reviewer" in options else ("--reviewer", "one")), *options],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    try:
        assert started.stdout
        yield started.stdout.readline().removeprefix("Review page: ").strip()
    finally:
        started.send_signal(signal.SIGINT)
        started.wait(20)
    assert "Traceback" not in (folder / "stderr").read_text()


def fill(laboratory: "Laboratory", *keys: str) -> None:
    """Add flagged cells; the probability falls from key to key, so they come in this order."""
    from tests.infra.review.conftest import explained

    for number, key in enumerate(keys):
        document = explained(laboratory.add(key, number, probability=0.73719 - 0.03 * number), logit=0.0804)
        laboratory.write(key, document)


def expect_cell(page: Page, key: str) -> None:
    """Wait until the page shows a cell, with its card."""
    expect(page.locator("#facts .key").first).to_have_text(key)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # Chromium has no sandbox for the superuser, as which containers run.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser, folder: "Laboratory", tmp_path: Path) -> Iterator[Open]:
    """Starts the program, and opens its page; ``responses`` collects everything that the page gets."""
    closers = ExitStack()

    def opened(*options: str, responses: list[Response] | None = None, **context: Any) -> Page:
        address = closers.enter_context(program(tmp_path, *options))
        page = closers.enter_context(browser.new_context(**context)).new_page()
        page.set_default_timeout(20_000)
        if responses is not None:

            def collect(response: Response) -> None:
                responses.append(response)

            page.on("response", collect)
        page.goto(address)
        return page

    with closers:
        yield opened
