"""Result documents: their fields and their keys. ``result.schema.json`` describes them for readers."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from lambda_fn.decisions import Verdict
from lambda_fn.images import RejectedImageError

SCHEMA = "cellflag/result/1"

Document = dict[str, Any]


def result_key(image_key: str) -> str:
    """Where the result of an image lies."""
    return f"results/{image_key}.json"


def flag_key(image_key: str) -> str:
    """Where the review flag of an image lies, while a person should look."""
    return f"review/{image_key}.json"


def ledger_key(batch_id: str) -> str:
    """Where the ledger of a batch that is written now lies; Athena reads the day from the key."""
    return f"ledger/dt={datetime.now(UTC):%Y-%m-%d}/{batch_id}.jsonl"


def ledger(answers: Iterable[tuple[Document, str]]) -> bytes:
    """One line an answered image: its document, and as ``outcome`` whether it was written, a duplicate, or stale.

    A message that is delivered again leaves a second line: whoever counts takes the latest of each key and version.
    """
    lines = (json.dumps(document | {"outcome": outcome}, ensure_ascii=False) for document, outcome in answers)
    return "".join(f"{line}\n" for line in lines).encode()


def scored(image: Document, verdict: Verdict, probability_all: float, model: Document, timing_ms: Document) -> Document:
    """The document of an image that has a prediction; ``probability_all`` lies in 0 to 1."""
    prediction = {"label": verdict.label, "probability_all": round(probability_all, 6)}
    return _document("scored", image, prediction, verdict.decision, list(verdict.reasons), model, timing_ms)


def rejected(image: Document, rejection: RejectedImageError, model: Document, timing_ms: Document) -> Document:
    """The document of an image that cannot be scored: a person has to look, and is told why."""
    document = _document("rejected", image, None, "review", [rejection.code], model, timing_ms)
    return document | {"error": {"code": rejection.code, "message": rejection.message}}


def _document(
    status: str,
    image: Document,
    prediction: Document | None,
    decision: str,
    reasons: list[str],
    model: Document,
    timing_ms: Document,
) -> Document:
    return {
        "schema": SCHEMA,
        "status": status,
        "image": image,
        "prediction": prediction,
        "decision": decision,
        "review": {"required": decision == "review", "reasons": reasons},
        "morphology": None,
        "explanation": {"key": None},
        "model": model,
        "timing_ms": timing_ms,
        "scored_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
