import json
from typing import Any

import pytest

from lambda_fn.results import decision_or_rejected, ledger


def test_a_ledger_has_one_line_for_each_answer() -> None:
    answers: list[Any] = [({"image": {"key": "ü\n.bmp"}}, "written"), ({"image": {"key": "b"}}, "stale")]
    lines = ledger(answers).splitlines()
    assert [json.loads(line) for line in lines] == [
        {"image": {"key": "ü\n.bmp"}, "outcome": "written"},
        {"image": {"key": "b"}, "outcome": "stale"},
    ]


@pytest.mark.parametrize(
    ("status", "decision", "counted_as"),
    [
        ("scored", "ALL", "ALL"),
        ("scored", "normal", "normal"),
        ("scored", "review", "review"),
        ("rejected", "review", "rejected"),
    ],
)
def test_a_rejected_image_is_counted_as_rejected_and_any_other_by_its_decision(
    status: str, decision: str, counted_as: str
) -> None:
    document: Any = {"status": status, "decision": decision}
    assert decision_or_rejected(document) == counted_as
