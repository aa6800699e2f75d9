"""What stands at the end of the queue: the state of the promised error rates. And who is served first."""

import threading
import time
from typing import Any

import pytest

from infra.review import attention, checking
from infra.review.attention import Attention, BackgroundReads, EndedError
from lambda_fn.manifest import Manifest
from tests.infra.review.conftest import Laboratory, Page


def check(page: Page) -> Any:
    return page.post("/api/promise", {}).json()


def test_labels_of_flagged_cells_alone_say_nothing_of_the_promise(laboratory: Laboratory) -> None:
    for number in range(6):
        laboratory.add(f"flag {number}", number)
        laboratory.add(f"decided {number}", 20 + number, probability=0.02, reasons=())
    page = laboratory.client()
    for number in range(6):
        page.answer(f"flag {number}", "ALL")
    found = check(page)
    assert found["audits"] == 0
    assert {one["name"]: one["promised"] for one in found["rates"]} == Manifest.read().promised
    missed = next(one for one in found["rates"] if one["name"] == "all_decided_normal")
    assert (missed["verdict"], missed["why_open"], missed["rate"]) == ("open", "no_audits", None)


def test_audits_that_are_answered_wrongly_break_the_promise(folder: Laboratory) -> None:
    for number in range(40):
        folder.add(f"{number}", number, probability=0.02, reasons=("audit",))
    page = folder.client()
    for number in range(40):
        page.answer(f"{number}", "ALL")
    found = check(page)
    missed = next(one for one in found["rates"] if one["name"] == "all_decided_normal")
    assert (found["audits"], missed["verdict"], missed["rate"]) == (40, "broken", 1.0)


def test_too_many_results_are_left_to_the_command(folder: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "MOST_RESULTS", 1)
    for number in range(2):
        folder.add(f"{number}", number)
    assert check(folder.client()) == {"error": "There are 2 results: run `cellflag promise` in the terminal."}


def test_results_of_another_model_are_not_judged(folder: Laboratory) -> None:
    document = folder.add("a")
    folder.write("a", document | {"model": {"version": "another", "sha256": "0" * 64}})
    assert "of no model whose promised rates are known" in check(folder.client())["error"]


def test_background_reads_wait_for_the_page_but_not_for_ever(
    folder: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "_AT_ONCE", 0)
    folder.add("a")
    watch = Attention()
    reads = BackgroundReads(folder.place, watch)
    order: list[str] = []

    def read() -> None:
        assert reads.read("review/a.json")
        order.append("read")

    thread = threading.Thread(target=read)
    with watch.first():
        thread.start()
        time.sleep(0.05)
        order.append("answered")
    thread.join()
    assert order == ["answered", "read"]
    with watch.first():
        assert reads.read("review/a.json")  # after its patience


def test_after_the_end_nothing_is_read_any_more(folder: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "_AT_ONCE", 0)
    watch = Attention()
    watch.end()
    with pytest.raises(EndedError):
        BackgroundReads(folder.place, watch).read("review/a.json")
