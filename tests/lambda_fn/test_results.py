import json
import math
from typing import Any

import pytest

from lambda_fn.results import decision_or_rejected, ledger, to_json


def test_a_ledger_has_one_line_for_each_answer() -> None:
    answers: list[Any] = [({"image": {"key": "ü\n.bmp"}}, "written"), ({"image": {"key": "b"}}, "stale")]
    lines = ledger(answers).splitlines()
    assert [json.loads(line) for line in lines] == [
        {"image": {"key": "ü\n.bmp"}, "outcome": "written"},
        {"image": {"key": "b"}, "outcome": "stale"},
    ]


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_no_document_with_a_number_that_is_not_finite_is_written(number: float) -> None:
    document: Any = {"prediction": {"probability_all": number}}
    with pytest.raises(ValueError, match="JSON"):
        to_json(document)
    with pytest.raises(ValueError, match="JSON"):
        ledger([(document, "written")])


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
