"""The page by WCAG 2.2 AA, checked by axe in a real Chromium: on a screen, in print, and at a zoom of 200 %."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.infra.review.browser import CHROMIUM, Open, expect_cell, fill
from tests.infra.review.conftest import Laboratory

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# WCAG 2.2, 2.5.8
LEAST_TARGET_PX = 24
TARGETS = """
() => [...document.querySelectorAll("button, input, select, summary, a")]
  .filter((one) => one.checkVisibility() && (one.closest("dialog[open]") || !document.querySelector("dialog[open]")))
  .map((one) => [one.outerHTML, one.getBoundingClientRect().width, one.getBoundingClientRect().height])
"""


def axe() -> str:
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec and spec.origin
    return Path(spec.origin).with_name("axe.min.js").read_text("utf-8")


def faults(page: Page) -> list[str]:
    """Serious faults of what is visible now, and targets that are too small."""
    found: Any = page.evaluate("(rules) => axe.run({ runOnly: rules })", RULES)
    assert len(found["passes"]) > 10
    serious = [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    small = [f"{html[:120]}: {width} x {height}" for html, width, height in page.evaluate(TARGETS)
             if min(width, height) < LEAST_TARGET_PX]  # fmt: skip
    return serious + small


@pytest.mark.parametrize(
    "context",
    [
        {"viewport": {"width": 1280, "height": 800}},
        {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
    ],
    ids=["screen and print", "zoom of 200 %"],
)
def test_axe_finds_nothing_serious_and_all_targets_are_large_enough(
    folder: Laboratory, open_page: Open, context: dict[str, Any]
) -> None:
    fill(folder, "first.bmp", "second.bmp")
    folder.client("two").answer("second.bmp", "ALL")
    page = open_page(**context)
    expect_cell(page, "first.bmp")
    page.evaluate(axe())
    found = {}
    page.keyboard.press("h")
    page.keyboard.press("o")
    expect(page.locator("canvas.map")).to_have_count(1)
    found["card"] = faults(page)
    page.emulate_media(media="print")
    found["print"] = faults(page)
    page.emulate_media(media="screen")
    page.keyboard.press("f")
    expect(page.locator("#filters")).to_be_visible()
    found["filters"] = faults(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Filters", exact=True).click()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    found["help"] = faults(page)
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    expect(page.locator("#tiles li")).to_have_count(1)
    found["gallery"] = faults(page)
    page.keyboard.press("g")
    expect_cell(page, "first.bmp")
    folder.client("three").answer("first.bmp", "ALL")  # meanwhile, so that the answer below is in conflict
    page.keyboard.press("n")
    expect(page.locator("#conflict")).to_be_visible()
    found["conflict"] = faults(page)
    page.get_by_role("button", name="Keep theirs").click()
    expect(page.locator("#done")).to_be_visible()
    page.get_by_role("button", name="Are the promised error rates kept?").click()
    expect(page.locator("#promise")).to_contain_text("cannot be said")
    found["end"] = faults(page)
    assert {state: listed for state, listed in found.items() if listed} == {}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
