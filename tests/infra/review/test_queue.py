"""The order of the queue, its filters, and what it says when it is empty or cannot be read."""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.review.folder import FolderPlace
from infra.review.waiting import draw
from lambda_fn.keys import flag_key, label_key
from tests.infra.review.conftest import Laboratory, result


def test_probable_all_comes_first_then_doubt_then_images_without_a_score(laboratory: Laboratory) -> None:
    for number, (key, probability) in enumerate({"doubt": 0.4, "probable": 0.8, "even": 0.52}.items()):
        laboratory.add(key, number, probability=probability)
    rejected = result("rejected", b"", reasons=("unreadable",)) | {"status": "rejected", "prediction": None}
    laboratory.write("rejected", rejected | {"error": {"code": "unreadable", "message": "Torn."}})
    assert laboratory.client().keys() == ["probable", "even", "doubt", "rejected"]


def test_an_audit_lies_anywhere_among_the_flags(folder: Laboratory) -> None:
    for number in range(8):
        folder.add(f"flag {number}", number, probability=0.36 + 0.05 * number)
        folder.add(f"audit {number}", number, probability=0.99, reasons=("audit",))
    cells = [(cell.urgency, cell.key) for cell in folder.desk().waiting.all()]
    assert {draw(key) for _, key in cells if key.startswith("audit")} == {
        -urgency[1] for urgency, key in cells if key.startswith("audit")
    }


@pytest.mark.parametrize(
    ("filters", "keys"),
    [
        ({"prefix": "plate 7/"}, ["plate 7/a", "plate 7/b"]),
        ({"prefix": "plate 8/"}, []),
        ({"reason": "unlike_training_data"}, ["plate 7/b"]),
        ({"since": "2000-01-01"}, ["c", "plate 7/a", "plate 7/b"]),
        ({"until": "2000-01-01"}, []),
    ],
)
def test_filters_leave_the_cells_that_match(folder: Laboratory, filters: dict[str, str], keys: list[str]) -> None:
    for number, key in enumerate(["c", "plate 7/a", "plate 7/b"]):
        reasons = ("unlike_training_data",) if key.endswith("b") else ("uncertain",)
        folder.add(key, number, probability=0.7 - 0.1 * number, reasons=reasons)
    assert folder.client().keys(**filters) == keys


def test_answered_cells_can_be_looked_at_again_the_newest_first(laboratory: Laboratory) -> None:
    for number, key in enumerate("abc"):
        laboratory.add(key, number)
        laboratory.client().answer(key, "normal")
    page = laboratory.client()
    assert page.keys(state="answered") == ["c", "b", "a"]
    assert {cell["label"] for cell in page.cells(state="answered")["cells"]} == {"normal"}
    today = datetime.now(UTC).date().isoformat()
    assert page.keys(state="answered", since=today) == ["c", "b", "a"]
    assert page.card("a")["labels"]["standing"]["label"] == "normal"


@pytest.mark.parametrize("filters", [{"since": "yesterday"}, {"state": "all"}])
def test_a_filter_that_there_is_not_is_refused(folder: Laboratory, filters: dict[str, str]) -> None:
    assert folder.client().http.get("/api/cells", params=filters).status_code == 400


def test_new_flags_appear_and_answered_ones_do_not_come_back(laboratory: Laboratory) -> None:
    laboratory.add("a", 1)
    page = laboratory.client()
    laboratory.add("b", 2, probability=0.4)
    page.desk.waiting.load()
    assert page.keys() == ["a", "b"]
    page.answer("a")
    page.desk.waiting.load()
    assert page.keys() == ["b"]
    laboratory.remove(flag_key("b"))
    page.desk.waiting.load()
    assert page.keys() == []


def test_an_empty_queue_is_no_error(laboratory: Laboratory) -> None:
    listing = laboratory.client().cells()
    assert (listing["cells"], listing["total"], listing["fault"], listing["loading"]) == ([], 0, None, False)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"schema": "another"}', b"\xff"])
def test_objects_of_others_below_review_are_passed_over(laboratory: Laboratory, body: bytes) -> None:
    laboratory.add("a")
    assert laboratory.place.create(flag_key("odd"), body)
    page = laboratory.client()
    assert page.keys() == ["a"]
    assert page.desk.waiting.odd_keys == {flag_key("odd")}


def test_a_cell_whose_result_is_gone_says_so(laboratory: Laboratory) -> None:
    laboratory.add("a")
    page = laboratory.client()
    for key in (flag_key("a"), "results/a.json"):
        laboratory.remove(key)
    assert "deleted" in page.card("a")["error"]
    assert page.http.get("/api/cells/an-unknown-id").status_code == 410


@pytest.mark.parametrize("key", ["../x.json", "review/../../x.json", "/etc/passwd"])
def test_a_key_never_leads_out_of_a_folder(tmp_path: Path, key: str) -> None:
    (tmp_path / "out").mkdir()
    place = FolderPlace(tmp_path / "out", tmp_path)
    assert place.read(key) is None
    assert place.read_image(key, None) is None
    with pytest.raises(FileNotFoundError, match="leads out"):
        place.create(key, b"{}")


def test_of_two_processes_that_write_one_label_in_a_folder_one_is_refused(folder: Laboratory) -> None:
    first = folder.place.create("labels/a.json", b"1")
    assert first
    assert folder.place.create("labels/a.json", b"2") is None
    second = folder.place.replace("labels/a.json", b"3", first)
    assert second
    assert folder.place.replace("labels/a.json", b"4", first) is None
    assert not folder.place.delete_if("labels/a.json", first)
    stored = folder.place.read("labels/a.json")
    assert stored
    assert json.loads(stored.body) == 3
    assert folder.place.delete_if("labels/a.json", second)


@pytest.mark.parametrize("name", ["label", "labelled_at", "reviewer"])
@pytest.mark.parametrize("value", [None, 7, ["x"], {"x": 1}])
def test_labels_of_other_programs_never_break_the_listing(folder: Laboratory, name: str, value: object) -> None:
    for number, key in enumerate("ab"):
        folder.add(key, number)
    folder.client().answer("a")
    content = {"label": "ALL", "reviewer": "x", "labelled_at": "2026-11-22T10:00:00Z"} | {name: value}
    assert folder.place.create(label_key("b"), json.dumps(content).encode())
    page = folder.client()
    for state in ("open", "answered", "disagreed"):
        assert page.http.get("/api/cells", params={"state": state}).status_code == 200
    assert page.http.get("/api/agreement").status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"prediction": {"label": "ALL", "probability_all": "0.5"}},
        {"prediction": {"label": "ALL"}},
        {"review": {"required": True, "reasons": [7, "uncertain"]}},
        {"review": {"required": True, "reasons": None}},
        {"scored_at": None},
    ],
)
def test_flags_of_other_programs_never_break_the_listing(folder: Laboratory, change: dict[str, object]) -> None:
    folder.add("a")
    folder.write("b", folder.add("b", 1) | change)
    assert folder.client().keys() == ["a"]


def test_the_listing_is_whole_while_flags_and_labels_are_read_and_written_at_the_same_time(folder: Laboratory) -> None:
    for number in range(30):
        folder.add(f"{number}", number, probability=0.4 + 0.01 * number)
    one, two = folder.client("one", reviewers=2), folder.client("two", reviewers=2)
    ended = threading.Event()
    faults: list[object] = []

    def read() -> None:
        while not ended.is_set():
            for state in ("open", "answered", "disagreed"):
                found = one.http.get("/api/cells", params={"state": state})
                if found.status_code != 200:
                    faults.append(found.text)

    def refresh() -> None:
        while not ended.is_set():
            try:
                one.desk.waiting.load()
                one.desk.refresher.read_labels()
                one.desk.refresher.mend()
            except Exception as error:
                faults.append(error)
                raise

    threads = [threading.Thread(target=work) for work in (read, read, refresh, refresh)]
    for thread in threads:
        thread.start()
    for number in range(30):
        two.answer(f"{number}", "ALL" if number % 2 else "normal")
        if number % 5 == 0:
            two.undo()
            two.answer(f"{number}", "normal")
    ended.set()
    for thread in threads:
        thread.join()
    assert faults == []
    one.desk.refresher.read_labels()
    assert len(one.keys()) == 30


def test_a_flag_of_a_folder_that_is_closed_during_the_listing_is_left_out(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path, tmp_path)
    for name in ("a", "b", "c"):
        assert place.create(f"review/{name}.json", b"{}")
    listed = place.list_documents("review/")
    assert next(listed).key == "review/a.json"
    (tmp_path / "review/b.json").unlink()
    assert [document.key for document in listed] == ["review/c.json"]
