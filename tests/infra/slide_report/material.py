"""Results and labels for reports, as the function and the review page write them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from infra.review.policy import ModelView
from infra.slide_report.answers import PersonsAnswer
from infra.slide_report.facts import ReportFacts
from lambda_fn import labels
from lambda_fn.decisions import Decision
from lambda_fn.labels import Answer
from lambda_fn.manifest import Manifest
from lambda_fn.own_thresholds import MANIFEST
from lambda_fn.results import ResultDocument, to_json

SERVED = Manifest.read()


def result(key: str, probability: float | None, *reasons: str, **fields: Any) -> ResultDocument:
    """A result. Decided by 0.3 and 0.8; None for an image that could not be scored."""
    decision: Decision = "review"
    if probability is not None and not 0.3 <= probability < 0.8:
        decision = "ALL" if probability > 0.5 else "normal"
    document = {
        "schema": "cellflag/result/1",
        "status": "rejected" if probability is None else "scored",
        "image": {
            **{"bucket": None, "key": key, "version_id": None, "etag": None, "sha256": f"sha of {key}"},
            **{"bytes": 1, "format": "PNG", "width": 1, "height": 1},
        },
        "prediction": probability
        if probability is None
        else {"label": "ALL" if probability >= 0.5 else "normal", "probability_all": probability},
        "decision": decision,
        "review": {
            "required": decision == "review" or bool(reasons),
            "reasons": list(reasons) or (["uncertain"] if decision == "review" else []),
        },
        "morphology": None,
        "explanation": None,
        "explanation_missing": "not_asked",
        "model": {"version": SERVED.version, "sha256": SERVED.sha256},
        "timing_ms": {"read": 1.0, "decode": None, "infer": None, "explain": None},
        "scored_at": "2026-11-22T12:00:00.000Z",
        **fields,
    }
    if probability is None:
        document["error"] = {"code": "unreadable", "message": "The file is damaged."}
        document["review"] = {"required": True, "reasons": ["unreadable"]}
    return cast(ResultDocument, document)


def answer(document: ResultDocument, label: Answer, reviewer: str = "Ada", *, audit: bool = False) -> PersonsAnswer:
    """The answer of a person to a result."""
    image = document["image"]
    seen: labels.LabelledImage = {name: image[name] for name in ("version_id", "etag", "sha256")}  # type: ignore[assignment]
    return PersonsAnswer(label, reviewer, "audit" if audit else "flag", audit, seen)


def facts(prefix: str = "p7/") -> ReportFacts:
    """A report of the model in this package."""
    made_at = datetime(2026, 11, 23, 8, tzinfo=UTC)
    return ReportFacts("cellflag-test", prefix, None, None, made_at, ModelView(SERVED, SERVED.thresholds, MANIFEST))


def write_results(folder: Path, *documents: ResultDocument) -> Path:
    """Write documents as ``cellflag score --out FOLDER`` does. The path of a hostile key may be another one."""
    for number, document in enumerate(documents):
        path = folder / "results" / f"{number:04}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(to_json(document))
    return folder


def write_label(folder: Path, document: ResultDocument, label: Answer, reviewer: str = "Ada", **fields: Any) -> Path:
    """Write the label of a result, as the review page does; returns its file."""
    shown: labels.Shown = {"probability": False, "map": False, "blind": True}
    entry = labels.entry(document, label, reviewer, seconds=1.0, shown=shown, **fields)
    path = folder / "labels" / f"{document['image']['key']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(labels.to_json(labels.with_answer(None, entry)))
    return path
