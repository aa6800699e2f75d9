"""The labels that people gave to an image, with all that they said before; ``label.schema.json`` describes them.

All three packages read this module, so it imports the standard library alone.
"""

import json
from datetime import UTC, datetime
from typing import Any, Literal, TypedDict, cast

from lambda_fn.decisions import Decision
from lambda_fn.results import ImageFacts, ModelFacts, PredictionFacts, ResultDocument

SCHEMA = "cellflag/label/1"

# ``cannot_say``: a person looked, and the image does not show which class it is.
Answer = Literal["ALL", "normal", "cannot_say"]
# ``audit``: the cell was drawn by chance among the decided ones. ``flag``: the function asked for a person.
Queue = Literal["flag", "audit"]
# ``replaced``: a later answer stands. ``undone``: its reviewer took it back. ``withdrawn``: it came second, and its
# reviewer chose to keep the label that stood.
Outcome = Literal["replaced", "undone", "withdrawn"]


class LabelledImage(TypedDict):
    """The version of the image that a person saw; None for a value that is unknown."""

    version_id: str | None
    etag: str | None
    sha256: str | None


class Shown(TypedDict):
    """What of the model's view a person saw before the answer; ``blind``: nothing could be seen."""

    probability: bool
    map: bool
    blind: bool


class LabelEntry(TypedDict):
    """An answer.

    ``label`` is None if the reviewer took back the label before. ``seconds`` is the time from the image to the answer.
    ``model``, ``prediction``, ``decision`` and ``reasons`` are of the result that stood then.
    """

    label: Answer | None
    reviewer: str
    labelled_at: str
    seconds: float | None
    comment: str
    queue: Queue
    shown: Shown
    image: LabelledImage
    model: ModelFacts
    prediction: PredictionFacts | None
    decision: Decision
    reasons: list[str]


class PastEntry(LabelEntry):
    """An answer that does not stand, and why."""

    outcome: Outcome


class LabelDocument(LabelEntry):
    """The answer that stands, and all others in the order in which they were given."""

    schema: str
    history: list[PastEntry]


def entry(
    result: ResultDocument,
    label: Answer | None,
    reviewer: str,
    *,
    seconds: float | None,
    shown: Shown,
    comment: str = "",
    drawn: bool = False,
) -> LabelEntry:
    """Return an answer, given now, to the image of a result; ``drawn``: a person had the cell drawn by chance."""
    reasons = list(result["review"]["reasons"])
    return {
        "label": label,
        "reviewer": reviewer,
        "labelled_at": _now(),
        "seconds": seconds if seconds is None else round(seconds, 2),
        "comment": comment,
        "queue": "audit" if drawn else queue_of(reasons),
        "shown": shown,
        "image": _version(result["image"]),
        "model": result["model"],
        "prediction": result["prediction"],
        "decision": result["decision"],
        "reasons": reasons,
    }


def queue_of(reasons: list[str]) -> Queue:
    """Return the queue of a result with these reasons. A doubt of any kind outweighs the draw."""
    return "audit" if reasons == ["audit"] else "flag"


def with_answer(document: LabelDocument | None, answer: LabelEntry) -> LabelDocument:
    """Return the document in which an answer stands; the one that stood before becomes a part of the history."""
    if document is None:
        return {"schema": SCHEMA, **answer, "history": []}
    outcome: Outcome = "replaced" if answer["label"] else "undone"
    return {"schema": SCHEMA, **answer, "history": [*document["history"], _past(document, outcome)]}


def with_withdrawn(document: LabelDocument, answer: LabelEntry) -> LabelDocument:
    """Return the document in which the standing answer stays, and a later one is kept in the history alone."""
    past = cast(PastEntry, {**answer, "outcome": "withdrawn"})
    return {**document, "history": [*document["history"], past]}


def without_answer(document: LabelDocument) -> LabelDocument:
    """Return the document after its reviewer took back the standing answer just now.

    If the answer had replaced a label of somebody else on the same pixels, that label stands again.
    """
    past = document["history"][-1] if document["history"] else None
    if past and past["outcome"] == "replaced" and past["reviewer"] != document["reviewer"]:
        restored = {name: past[name] for name in LabelEntry.__required_keys__}  # type: ignore[literal-required]
        if past["label"] and is_same_image(past["image"], document["image"]):
            history = [*document["history"], _past(document, "undone")]
            return cast(LabelDocument, {"schema": SCHEMA, **restored, "history": history})
    undo = {name: document[name] for name in LabelEntry.__required_keys__}  # type: ignore[literal-required]
    undo |= {"label": None, "labelled_at": _now(), "seconds": None, "comment": ""}
    return with_answer(document, cast(LabelEntry, undo))


def answers(document: LabelDocument, image: ImageFacts | LabelledImage) -> bool:
    """Return whether a label stands that was given to these very pixels."""
    return document["label"] is not None and is_same_image(document["image"], image)


def is_answer(body: bytes, image: ImageFacts) -> bool:
    """Return whether an object below ``labels/`` answers these pixels. One that is no label answers nothing."""
    try:
        return answers(from_json(body), image)
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def has_answered(document: LabelDocument, reviewer: str, image: ImageFacts) -> bool:
    """Return whether a reviewer ever answered these pixels, also if the answer was taken back or withdrawn."""
    return any(
        past["reviewer"] == reviewer and past["label"] is not None and is_same_image(past["image"], image)
        for past in (document, *document["history"])
    )


def is_same_image(one: ImageFacts | LabelledImage, other: ImageFacts | LabelledImage) -> bool:
    """Return whether two images have the same bytes. If a digest is unknown, version and entity tag decide."""
    if one["sha256"] is not None and other["sha256"] is not None:
        return one["sha256"] == other["sha256"]
    return one["etag"] is not None and (one["etag"], one["version_id"]) == (other["etag"], other["version_id"])


def to_json(document: LabelDocument) -> bytes:
    """Return a document as it is written, in UTF-8."""
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False).encode(errors="surrogatepass")


def from_json(body: bytes) -> LabelDocument:
    """Read a document. A program of others may write ``label``, ``reviewer`` and ``labelled_at`` alone.

    Raises:
        ValueError: it is no JSON object with a label and its time, or a part is of the wrong kind.
    """
    content: Any = json.loads(body)
    if not isinstance(content, dict) or not {"label", "labelled_at"} <= content.keys():
        raise ValueError("a label is a JSON object with label and labelled_at")
    document = {**_unknown(), **content}
    document["image"] = {**_unknown()["image"], **(document["image"] or {})}
    document["history"] = [{**_unknown(), "outcome": "replaced", **past} for past in document["history"]]
    return cast(LabelDocument, document)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _past(document: LabelDocument, outcome: Outcome) -> PastEntry:
    names = LabelEntry.__required_keys__
    return cast(PastEntry, {name: value for name, value in document.items() if name in names} | {"outcome": outcome})


def _version(image: ImageFacts) -> LabelledImage:
    return {"version_id": image["version_id"], "etag": image["etag"], "sha256": image["sha256"]}


def _unknown() -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "label": None,
        "reviewer": "",
        "labelled_at": "",
        "seconds": None,
        "comment": "",
        "queue": "flag",
        "shown": {"probability": False, "map": False, "blind": False},
        "image": {"version_id": None, "etag": None, "sha256": None},
        "model": {"version": "", "sha256": ""},
        "prediction": None,
        "decision": "review",
        "reasons": [],
        "history": [],
    }
