import json
from pathlib import Path

import pytest

from lambda_fn.results import Document, write
from lambda_fn.stores import FolderStore


class RecordingStore:
    """Remembers the order of its calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def put(self, key: str, body: bytes) -> None:
        self.calls.append(("put", key))

    def delete(self, key: str) -> None:
        self.calls.append(("delete", key))


def document(review: bool) -> Document:
    return {"image": {"key": "plate 7/cell-12 ü.bmp"}, "review": {"required": review}}


@pytest.mark.parametrize(
    ("review", "calls"),
    [
        (True, [("put", "review/plate 7/cell-12 ü.bmp.json"), ("put", "results/plate 7/cell-12 ü.bmp.json")]),
        (False, [("put", "results/plate 7/cell-12 ü.bmp.json"), ("delete", "review/plate 7/cell-12 ü.bmp.json")]),
    ],
)
def test_no_result_that_asks_for_review_ever_lies_without_its_flag(review: bool, calls: list[tuple[str, str]]) -> None:
    store = RecordingStore()
    write(store, document(review))
    assert store.calls == calls


def test_a_flag_that_no_longer_holds_is_removed_and_the_result_replaced(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    write(store, document(review=True))
    assert (tmp_path / "review/plate 7/cell-12 ü.bmp.json").exists()
    write(store, document(review=False))
    assert not (tmp_path / "review/plate 7/cell-12 ü.bmp.json").exists()
    assert json.loads((tmp_path / "results/plate 7/cell-12 ü.bmp.json").read_text("utf-8")) == document(review=False)
