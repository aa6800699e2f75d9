"""The documents that the function writes. ``result.schema.json`` describes them for other programs.

All three packages read this module, so it imports the standard library alone.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal, NotRequired, TypedDict

from lambda_fn.decisions import Decision, Label, Verdict
from lambda_fn.errors import RejectedImageError
from lambda_fn.morphology_facts import MorphologyFacts

SCHEMA = "cellflag/result/1"
_EXPLANATION = '\n "explanation": '

Status = Literal["scored", "rejected"]
# ``written``: the document is the current result now. ``duplicate`` and ``stale``: the current result stays, because it
# is of the same upload or of a newer one. ``withdrawn``: the image is gone, so it has no result. ``unwritten``: the
# image's key is too long for a result, and the ledger's line is the only answer.
WriteOutcome = Literal["written", "duplicate", "stale", "withdrawn", "unwritten"]
DecisionOrRejected = Literal["ALL", "normal", "review", "rejected"]


class ImageFacts(TypedDict):
    """The image of a document; None for a value that is unknown.

    ``resampled_by`` is there only if the cell was resampled to the model's scale: pixels of the model's input for each
    pixel of the image, along a line.
    """

    bucket: str | None
    key: str
    version_id: str | None
    etag: str | None
    sha256: str | None
    bytes: int
    format: str | None
    width: int | None
    height: int | None
    resampled_by: NotRequired[float]


class PredictionFacts(TypedDict):
    """The likelier class, and the probability of ALL, 0 to 1."""

    label: Label
    probability_all: float


class ReviewFacts(TypedDict):
    """Whether a person should look at the image, and why; ``audit`` alone leaves the decision as it is."""

    required: bool
    reasons: list[str]


# ``not_asked``: the deployment explains no image, or this one does not ask for review. ``not_in_model``: the model has
# no outputs that explain it. ``empty_square``: no part of the cell lies in the square that the model sees.
# ``not_finite``: a number of the explanation cannot be written.
ExplanationMissing = Literal["not_asked", "not_in_model", "rejected", "empty_square", "not_finite"]


class MapFacts(TypedDict):
    """A square grid of logits on the cell, positive for ALL.

    ``top``, ``left`` and ``side_px`` place it on the upright image, in pixels, as ``width`` and ``height`` of
    ``ImageFacts`` measure it: an EXIF orientation is applied first. The square may reach beyond the image, so ``top``
    and ``left`` may be negative. ``values`` holds rows from the top, each from the left.
    """

    top: int
    left: int
    side_px: int
    values: list[list[float]]


class NearestFacts(TypedDict):
    """How near the cell is to the cells that the model stores; explains ``unlike_training_data``.

    ``stored_cell`` is the number of the nearest support vector, from 0. No image of it is part of the model. The larger
    of the two squared distances is the model's ``distance``, which the threshold ``unlike_above`` is for.
    """

    stored_cell: int
    distance: float
    colour_distance: float


class ExplanationFacts(TypedDict):
    """How the probability's logit comes about: ``baseline_logit`` + sum of ``map`` + sum of ``other`` + ``residual``.

    ``logit`` is the model's own, before the probability is rounded to 6 digits. ``baseline_logit`` belongs to a typical
    normal cell. ``other`` holds a number for each group of features that has no place on the cell. ``residual`` is what
    integration and rounding miss. A line of the ledger has no ``map``.
    """

    logit: float
    baseline_logit: float
    map: NotRequired[MapFacts]
    other: dict[str, float]
    residual: float
    nearest: NearestFacts


class ModelFacts(TypedDict):
    """The version of the model that scored the image, the digest of its graph, and the thresholds that decided.

    ``thresholds`` is ``Policy.thresholds_name``. Documents of withdrawn images, and of earlier versions, lack it.
    """

    version: str
    sha256: str
    thresholds: NotRequired[str]


class Timing(TypedDict):
    """Time of each step in milliseconds; None for a step that was not reached."""

    read: float
    decode: float | None
    infer: float | None
    explain: float | None


class ErrorFacts(TypedDict):
    """Why an image was rejected: a code for machines and a sentence for people."""

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
    morphology: MorphologyFacts | None
    explanation: ExplanationFacts | None
    explanation_missing: NotRequired[ExplanationMissing | None]
    model: ModelFacts
    timing_ms: Timing
    scored_at: str
    error: NotRequired[ErrorFacts]


class LedgerLine(ResultDocument):
    """A line of the ledger: a document, and its outcome.

    If an event of a deletion withdrew the result, the document holds the image's bucket and key, the time, and nothing
    of the image or its score.
    """

    outcome: WriteOutcome


class BatchTally(TypedDict):
    """Number of images of a batch by what happened to them.

    ``scored`` and ``rejected`` images have a result; ``review`` counts those among them that a person has to decide on.
    ``stale`` images kept the result of a newer version, and ``withdrawn`` ones lost their result because they are gone.
    ``unchanged`` images kept the result that they had, and ``gone`` images were deleted before they were read.
    ``failed`` images have no answer yet, for the ``reasons`` that are counted. The batch took ``seconds``.
    """

    scored: int
    rejected: int
    review: int
    stale: int
    withdrawn: int
    unchanged: int
    gone: int
    failed: int
    reasons: dict[str, int]
    seconds: float


def decision_or_rejected(document: ResultDocument) -> DecisionOrRejected:
    """Return the name under which a document is counted: its decision, or ``rejected`` for a rejected image."""
    return "rejected" if document["status"] == "rejected" else document["decision"]


def to_json(document: ResultDocument) -> bytes:
    """Return a document as it is written, in UTF-8. An explanation stands on one line: its map has many numbers.

    Raises:
        ValueError: a number of the document is not finite.
    """
    explanation = document.get("explanation")
    if explanation is None:
        return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False).encode()
    text = json.dumps({**document, "explanation": None}, ensure_ascii=False, indent=1, allow_nan=False)
    line = json.dumps(explanation, ensure_ascii=False, allow_nan=False)
    # No text of the document can hold the end of a line, so this is the field itself.
    return text.replace(_EXPLANATION + "null", _EXPLANATION + line, 1).encode()


def ledger(answers: Iterable[tuple[ResultDocument, WriteOutcome]]) -> bytes:
    """Return the ledger file of a batch, in JSON lines, from its documents and their outcomes.

    Maps are left out: they would be most of what Athena reads, and each stands in its result. A message that is
    delivered twice leaves two lines. To count images, take the latest line of each key and version.
    """
    lines = (
        json.dumps({**_without_map(document), "outcome": outcome}, ensure_ascii=False, allow_nan=False)
        for document, outcome in answers
    )
    return "".join(f"{line}\n" for line in lines).encode()


def scored(
    image: ImageFacts, verdict: Verdict, probability_all: float, model: ModelFacts, timing_ms: Timing
) -> ResultDocument:
    """Return the document of an image with a prediction; ``probability_all`` is 0 to 1."""
    prediction: PredictionFacts = {"label": verdict.label, "probability_all": round(probability_all, 6)}
    return _document("scored", image, prediction, verdict.decision, list(verdict.reasons), model, timing_ms)


def rejected(image: ImageFacts, rejection: RejectedImageError, model: ModelFacts, timing_ms: Timing) -> ResultDocument:
    """Return the document of an image that cannot be scored. It sends the image to review and states the reason."""
    document = _document("rejected", image, None, "review", [rejection.code], model, timing_ms)
    document["error"] = {"code": rejection.code, "message": rejection.message}
    return document


def withdrawn(bucket: str, key: str, model: ModelFacts, time: datetime) -> ResultDocument:
    """Return the document for the ledger's line of an image that is gone; ``time`` is when it was looked for."""
    document = _document("rejected", _unread(bucket, key), None, "review", [], model, _not_timed())
    document["review"]["required"] = False
    document["scored_at"] = _iso(time)
    return document


def without_key(bucket: str, key: str, message: str, model: ModelFacts) -> ResultDocument:
    """Return the document for the ledger's line of an image whose key is too long for a result."""
    return rejected(_unread(bucket, key), RejectedImageError("key_too_long", message), model, _not_timed())


def _without_map(document: ResultDocument) -> ResultDocument:
    explanation = document.get("explanation")
    if explanation is None:
        return document
    facts: ExplanationFacts = {**explanation}
    facts.pop("map", None)
    return {**document, "explanation": facts}


def _unread(bucket: str, key: str) -> ImageFacts:
    return {
        "bucket": bucket,
        "key": key,
        "version_id": None,
        "etag": None,
        "sha256": None,
        "bytes": 0,
        "format": None,
        "width": None,
        "height": None,
    }


def _not_timed() -> Timing:
    return {"read": 0.0, "decode": None, "infer": None, "explain": None}


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
        "review": {"required": decision == "review" or bool(reasons), "reasons": reasons},
        "morphology": None,
        "explanation": None,
        "explanation_missing": "rejected" if status == "rejected" else "not_asked",
        "model": model,
        "timing_ms": timing_ms,
        "scored_at": _iso(datetime.now(UTC)),
    }
