"""Keys of the documents in the results bucket."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_fn.keys import (
    LABELS,
    RESULTS,
    REVIEW,
    can_have_result,
    flag_key,
    image_key,
    label_key,
    ledger_key,
    ledger_prefix,
    result_key,
)


def test_documents_lie_under_the_key_of_their_image() -> None:
    assert result_key("plate 7/cell-12.bmp") == "results/plate 7/cell-12.bmp.json"
    assert flag_key("plate 7/cell-12.bmp") == "review/plate 7/cell-12.bmp.json"
    assert label_key("plate 7/cell-12.bmp") == "labels/plate 7/cell-12.bmp.json"


def test_a_ledger_lies_under_its_day() -> None:
    assert ledger_key("batch-1", date(2026, 1, 2)) == "ledger/dt=2026-01-02/batch-1.jsonl"
    assert ledger_key("batch-1", date(2026, 1, 2)).startswith(ledger_prefix(date(2026, 1, 2)))


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.integers(1000, 1020))
def test_a_key_can_have_a_result_if_all_its_documents_have_keys_that_s3_takes(letters: str, size: int) -> None:
    key = (letters * size).encode()[:size].decode(errors="ignore")
    fits = all(len(document(key).encode()) <= 1024 for document in (result_key, flag_key, label_key))
    assert can_have_result(key) == fits


@given(st.text() | st.sampled_from([".json", "results/a.bmp", "review/results/a.json.json"]))
@pytest.mark.parametrize(("to_key", "prefix"), [(result_key, RESULTS), (flag_key, REVIEW), (label_key, LABELS)])
def test_the_key_of_a_document_gives_back_the_key_of_its_image(
    to_key: Callable[[str], str], prefix: str, key: str
) -> None:
    assert to_key(key).startswith(prefix)
    assert image_key(to_key(key)) == key


@pytest.mark.parametrize(
    "key", ["", "a.bmp", "a.bmp.json", "results", "results/a.bmp", "ledger/dt=2026-01-02/batch-1.jsonl", "labels.json"]
)
def test_any_other_key_belongs_to_no_image(key: str) -> None:
    with pytest.raises(ValueError, match="is the key of no result, flag or label"):
        image_key(key)
