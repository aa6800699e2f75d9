import json
from datetime import date
from typing import Any

from lambda_fn.keys import flag_key, ledger_key, result_key
from lambda_fn.results import ledger


def test_documents_lie_under_the_key_of_their_image() -> None:
    assert result_key("plate 7/cell-12.bmp") == "results/plate 7/cell-12.bmp.json"
    assert flag_key("plate 7/cell-12.bmp") == "review/plate 7/cell-12.bmp.json"


def test_a_ledger_lies_under_its_day() -> None:
    assert ledger_key("batch-1", date(2026, 1, 2)) == "ledger/dt=2026-01-02/batch-1.jsonl"


def test_a_ledger_is_one_line_an_answer() -> None:
    answers: list[Any] = [({"image": {"key": "ü\n.bmp"}}, "written"), ({"image": {"key": "b"}}, "stale")]
    lines = ledger(answers).splitlines()
    assert [json.loads(line) for line in lines] == [
        {"image": {"key": "ü\n.bmp"}, "outcome": "written"},
        {"image": {"key": "b"}, "outcome": "stale"},
    ]
