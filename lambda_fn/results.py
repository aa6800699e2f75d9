"""Result documents: their fields, their keys, and the order in which they are written.

``result.schema.json`` describes them for readers.
"""

import json
from datetime import UTC, datetime
from typing import Any, Protocol

from lambda_fn.decisions import Verdict
from lambda_fn.images import RejectedImageError

SCHEMA = "cellflag/result/1"

Document = dict[str, Any]


class DocumentStore(Protocol):
    """Where documents go: a bucket or a folder. Keys are relative to it, with ``/`` between parts."""

    def put(self, key: str, body: bytes) -> None:
        """Write a document, in place of one that is there."""

    def delete(self, key: str) -> None:
        """Remove a document; nothing happens where there is none."""


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
        "review": {"required": bool(reasons), "reasons": reasons},
        "morphology": None,
        "explanation": {"key": None},
        "model": model,
        "timing_ms": timing_ms,
        "scored_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def write(store: DocumentStore, document: Document) -> None:
    """Write a result, and its review flag while a person should look.

    The flag is the result's document once more, so that whoever reviews needs one object. It is raised before the
    result is written and lowered after: at no moment lies there a result that asks for review without its flag.
    """
    key = document["image"]["key"]
    body = json.dumps(document, ensure_ascii=False, indent=1).encode()
    if document["review"]["required"]:
        store.put(f"review/{key}.json", body)
        store.put(f"results/{key}.json", body)
    else:
        store.put(f"results/{key}.json", body)
        store.delete(f"review/{key}.json")
