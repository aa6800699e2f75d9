"""Results in a bucket, for the commands that read them."""

import json
from typing import Any, cast

import numpy as np

from infra.deployed_stack import DeployedStack
from lambda_fn.decisions import Decision
from lambda_fn.morphology import measure
from lambda_fn.results import ResultDocument
from tests.infra.fakes import RESULTS


def document(
    key: str, decision: Decision = "normal", *, rejected: bool = False, model: str = "model-1"
) -> ResultDocument:
    review = decision == "review"
    result: Any = {
        "schema": "cellflag/result/1",
        "status": "rejected" if rejected else "scored",
        "image": dict.fromkeys(("bucket", "version_id", "etag", "sha256", "bytes", "format", "width", "height")),
        "prediction": None if rejected else {"label": "ALL", "probability_all": 0.25},
        "decision": decision,
        "review": {"required": review, "reasons": ["unreadable", "uncertain"] if review else []},
        "morphology": None,
        "explanation": None,
        "explanation_missing": "not_asked",
        "model": {"version": model, "sha256": f"digest of {model}"},
        "timing_ms": {},
        "scored_at": "2026-11-22T12:00:00.000Z",
    }
    result["image"]["key"] = key
    if rejected:
        result["error"] = {"code": "unreadable", "message": "It is torn."}
    return cast(ResultDocument, result)


def measured_document(key: str) -> ResultDocument:
    """A result of a disc of radius 90 with two notches."""
    rows, columns = np.mgrid[:200, :200] - 100
    mask = (rows**2 + columns**2 < 90**2) & ~((abs(rows) < 8) & (abs(columns) > 70))
    result = document(key, "review")
    result["morphology"] = measure(np.where(mask[..., None], np.uint8(90), np.uint8(0)).repeat(3, axis=2), mask)
    return result


DOCUMENTS = [
    document("a.bmp", "ALL"),
    document("plate 7/b.bmp", "review"),
    document("plate 7/c.bmp", "review", rejected=True),
    document("plate 7/d.bmp", model="model-2"),
]


def fill(stack: DeployedStack) -> DeployedStack:
    """Write ``DOCUMENTS``, and the flags of those that ask for review."""
    for one in DOCUMENTS:
        for folder in ("results", "review") if one["review"]["required"] else ("results",):
            key = f"{folder}/{one['image']['key']}.json"
            stack.s3.put_object(Bucket=RESULTS, Key=key, Body=json.dumps(one).encode())
    return stack
