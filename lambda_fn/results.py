"""The documents that the function writes, and how they are made. ``result.schema.json`` describes them for readers.

All three packages read this module, so it imports the standard library alone.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal, NotRequired, TypedDict

from lambda_fn.decisions import Decision, Label, Verdict
from lambda_fn.errors import RejectedImageError

SCHEMA = "cellflag/result/1"

Status = Literal["scored", "rejected"]
# Whether a document became the current one, was the current one already, or is of an older upload than that.
WriteOutcome = Literal["written", "duplicate", "stale"]
DecisionOrRejected = Literal["ALL", "normal", "review", "rejected"]


class ImageFacts(TypedDict):
    """The image that a document is about; what is not known is None."""

    bucket: str | None
    key: str
    version_id: str | None
    etag: str | None
    sha256: str | None
    bytes: int
    format: str | None
    width: int | None
    height: int | None


class PredictionFacts(TypedDict):
    """The likelier class, and the probability of ALL, 0 to 1."""

    label: Label
    probability_all: float


class ReviewFacts(TypedDict):
    """Whether a person should look, and why."""

    required: bool
    reasons: list[str]


class ExplanationFacts(TypedDict):
    """Where the explanation lies."""

    key: str | None


class ModelFacts(TypedDict):
    """The model that scored, and the digest of its graph."""

    version: str
    sha256: str


class Timing(TypedDict):
    """Milliseconds of each step; None for a step that was not reached."""

    read: float
    decode: float | None
    infer: float | None


class ErrorFacts(TypedDict):
    """Why an image was rejected: a code for machines, a sentence for people."""

    code: str
    message: str


class ResultDocument(TypedDict):
    """The current result of one image."""

    schema: str
    status: Status
    image: ImageFacts
    prediction: PredictionFacts | None
    decision: Decision
    review: ReviewFacts
    morphology: None
    explanation: ExplanationFacts
    model: ModelFacts
    timing_ms: Timing
    scored_at: str
    error: NotRequired[ErrorFacts]


class LedgerLine(ResultDocument):
    """A line of the ledger: a document, and whether it was ``written``, a ``duplicate`` or ``stale``."""

    outcome: WriteOutcome


class BatchTally(TypedDict):
    """How many images of a batch came to which end; ``seconds`` is how long the batch took."""

    scored: int
    rejected: int
    review: int
    unchanged: int
    gone: int
    failed: int
    reasons: dict[str, int]
    seconds: float


def decision_or_rejected(document: ResultDocument) -> DecisionOrRejected:
    """What a count of results counts a document as: an image that could not be scored is ``rejected``."""
    return "rejected" if document["status"] == "rejected" else document["decision"]


def ledger(answers: Iterable[tuple[ResultDocument, WriteOutcome]]) -> bytes:
    """The file of a batch's ledger lines, from its documents and their outcomes.

    A message that is delivered again leaves a second line: whoever counts takes the latest of each key and version.
    """
    lines = (json.dumps({**document, "outcome": outcome}, ensure_ascii=False) for document, outcome in answers)
    return "".join(f"{line}\n" for line in lines).encode()


def scored(
    image: ImageFacts, verdict: Verdict, probability_all: float, model: ModelFacts, timing_ms: Timing
) -> ResultDocument:
    """The document of an image that has a prediction; ``probability_all`` lies in 0 to 1."""
    prediction: PredictionFacts = {"label": verdict.label, "probability_all": round(probability_all, 6)}
    return _document("scored", image, prediction, verdict.decision, list(verdict.reasons), model, timing_ms)


def rejected(image: ImageFacts, rejection: RejectedImageError, model: ModelFacts, timing_ms: Timing) -> ResultDocument:
    """The document of an image that cannot be scored: a person has to look, and is told why."""
    document = _document("rejected", image, None, "review", [rejection.code], model, timing_ms)
    document["error"] = {"code": rejection.code, "message": rejection.message}
    return document


def _document(
    status: Status,
    image: ImageFacts,
    prediction: PredictionFacts | None,
    decision: Decision,
    reasons: list[str],
    model: ModelFacts,
    timing_ms: Timing,
) -> ResultDocument:
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
