import json
import re

from lambda_fn.results import flag_key, ledger, ledger_key, result_key


def test_documents_lie_under_the_key_of_their_image() -> None:
    assert result_key("plate 7/cell-12.bmp") == "results/plate 7/cell-12.bmp.json"
    assert flag_key("plate 7/cell-12.bmp") == "review/plate 7/cell-12.bmp.json"


def test_a_ledger_lies_under_its_day() -> None:
    assert re.fullmatch(r"ledger/dt=\d{4}-\d{2}-\d{2}/batch-1\.jsonl", ledger_key("batch-1"))


def test_a_ledger_is_one_line_an_answer() -> None:
    lines = ledger([({"image": {"key": "ü\n.bmp"}}, "written"), ({"image": {"key": "b"}}, "stale")]).splitlines()
    assert [json.loads(line) for line in lines] == [
        {"image": {"key": "ü\n.bmp"}, "outcome": "written"},
        {"image": {"key": "b"}, "outcome": "stale"},
    ]
