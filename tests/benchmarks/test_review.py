"""Timings of the review page in a real Chromium, against a stack on the local cloud; docs/review.md has the table.

``uv run pytest tests/benchmarks/test_review.py`` prints it. Drawn cells are uploaded and scored by the deployed
function, which flags a thousand of them. Then results of decided cells are added, until there are 100,000.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from rich.console import Console

from infra.demo.demonstration import drawn_images
from infra.demo.round_trip import score_images
from infra.deployed_stack import DeployedStack
from infra.local_cloud.deployment import put_up
from infra.local_cloud.isolation import environment
from infra.local_cloud.lifetime import cloud_folder
from infra.names import LOCAL_STAGE
from infra.tools.objects import list_keys, read_json
from infra.tools.steps import Steps
from lambda_fn.keys import LABELS, RESULTS, REVIEW, result_key

from .conftest import report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

# Of so many drawn cells, the shipped model leaves a thousand to a person.
CELLS, FLAGS = 2_300, 1_000
RESULTS_IN_ALL = 100_000
OPENINGS = 5
KEYS = 60
LABELS_BY_KEY = 20
PARALLEL_WRITES = 16
# Resolves with the milliseconds from a key to the frame in which the next cell is painted.
KEY_TO_PAINT = """
(key) => new Promise((resolve) => {
  const before = document.querySelector("#frame img")?.src;
  const started = performance.now();
  const look = () => {
    const image = document.querySelector("#frame img");
    if (!image || image.src === before || !image.complete) return requestAnimationFrame(look);
    // A frame is painted before the next one begins.
    requestAnimationFrame(() => resolve(performance.now() - started));
  };
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  look();
})
"""
# Since the page was opened, milliseconds until the first cell and its facts are painted.
FIRST_CARD = """
() => new Promise((resolve) => {
  const look = () => document.querySelector("#frame img")?.complete && document.querySelector("#facts h2")
    ? requestAnimationFrame(() => resolve(performance.now())) : requestAnimationFrame(look);
  look();
})
"""
# A page that swaps two decoded pictures of the same size at a key, and does nothing else.
BARE = """
async () => {
  const images = await Promise.all(["#400050", "#500040"].map(async (colour) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 450, height: 450 });
    const context = canvas.getContext("2d");
    context.fillStyle = colour;
    context.fillRect(0, 0, 450, 450);
    const image = Object.assign(new Image(), { src: canvas.toDataURL() });
    await image.decode();
    return image;
  }));
  const frame = document.body.appendChild(Object.assign(document.createElement("div"), { id: "frame" }));
  let shown = 0;
  frame.append(images[0]);
  document.addEventListener("keydown", () => frame.replaceChildren(images[(shown = 1 - shown)]));
}
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedStack]:
    """A stack on a local cloud of its own, with a thousand flags."""
    with cloud_folder(keep=False) as folder, Steps(Console(stderr=True)) as steps:
        stack = put_up(folder, steps)
        score_images(stack, drawn_images(tmp_path_factory.mktemp("cells"), CELLS, 0), steps)
        yield stack


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield started
        started.close()


@contextmanager
def review_page(stack: DeployedStack) -> Iterator[str]:
    """The program that a person starts; yields the address that it prints."""
    script = str(Path(sys.executable).parent / "cellflag")
    started = subprocess.Popen(
        [script, "review", "--stage", LOCAL_STAGE, "--no-browser", "--reviewer", "benchmark"],
        env=environment(str(stack.endpoint), os.environ),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert started.stdout
        yield started.stdout.readline().removeprefix("Review page: ").strip()
    finally:
        started.send_signal(SIGINT)
        started.wait(20)


def first_card_of_a_new_program(stack: DeployedStack, browser: Browser) -> float:
    """Milliseconds until the first card, if the page is opened as soon as the program prints its address."""
    with review_page(stack) as address, browser.new_context() as context:
        page = context.new_page()
        page.goto(address, wait_until="commit")
        milliseconds: float = page.evaluate(FIRST_CARD)
        return milliseconds


def press_keys(page: Page, bare: Page, key: str, count: int) -> tuple[list[float], list[float]]:
    """Milliseconds from each of ``count`` keys to the next cell, and beside it on the bare page.

    A person's pause of half a second lies between two keys.
    """
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(count):
        for measured, where in ((theirs, bare), (ours, page)):
            where.bring_to_front()
            where.wait_for_timeout(250)
            measured.append(float(where.evaluate(KEY_TO_PAINT, key)))
    return ours, theirs


def measure(stack: DeployedStack, browser: Browser, results: int) -> None:
    """Add the rows of a bucket with this many results."""
    subject = f"{FLAGS:,} flags, {results:,} results: "
    openings = [first_card_of_a_new_program(stack, browser) for _ in range(OPENINGS)]
    report(subject + "first card", _quantiles(openings), "<= 2,000 ms", OPENINGS)
    with review_page(stack) as address, browser.new_context() as context:
        bare, page = context.new_page(), context.new_page()
        bare.evaluate(BARE)
        page.goto(address)
        page.evaluate(FIRST_CARD)
        before = sum(1 for _ in list_keys(stack.s3, stack.results, LABELS))
        for key, what, count in (("ArrowRight", "arrow key", KEYS), ("a", "answer", LABELS_BY_KEY)):
            ours, theirs = press_keys(page, bare, key, count)
            report(f"{subject}{what} to the next cell", _quantiles(ours), "p95 <= 100 ms", count)
            report("beside it, a page that swaps two pictures", _quantiles(theirs), "", count)
        expect(page.locator("#saved")).to_contain_text("Saved", timeout=20_000)
        page.close()
    assert sum(1 for _ in list_keys(stack.s3, stack.results, LABELS)) == before + LABELS_BY_KEY


def _quantiles(milliseconds: list[float]) -> str:
    middle, high = np.quantile(milliseconds, [0.5, 0.95])
    return f"median {middle:.0f}, p95 {high:.0f}, most {max(milliseconds):.0f} ms"


def add_decided(stack: DeployedStack, count: int) -> None:
    """Copy a result under new keys, as one of a decided cell, without a flag."""
    sample: Any = read_json(stack.s3, stack.results, next(iter(list_keys(stack.s3, stack.results, RESULTS))))
    decided = sample | {"decision": "normal", "review": {"required": False, "reasons": []}}

    def write(number: int) -> None:
        key = f"decided/{number:06}.bmp"
        document = decided | {"image": sample["image"] | {"key": key}}
        stack.s3.put_object(Bucket=stack.results, Key=result_key(key), Body=json.dumps(document).encode())

    with ThreadPoolExecutor(PARALLEL_WRITES) as pool:
        for _ in pool.map(write, range(count)):
            pass


def test_the_page_with_a_thousand_flags(stack: DeployedStack, browser: Browser) -> None:
    assert sum(1 for _ in list_keys(stack.s3, stack.results, REVIEW)) >= FLAGS
    measure(stack, browser, CELLS)


def test_the_page_with_a_hundred_thousand_results_in_the_bucket(stack: DeployedStack, browser: Browser) -> None:
    add_decided(stack, RESULTS_IN_ALL - CELLS)
    assert sum(1 for _ in list_keys(stack.s3, stack.results, RESULTS)) == RESULTS_IN_ALL
    measure(stack, browser, RESULTS_IN_ALL)
