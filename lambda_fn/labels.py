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
# reviewer chose to keep the label that stood. ``second``: another reviewer gave it to the same pixels without seeing
# the label that stood, and it counts beside that one. ``reopened``: somebody asked for a new answer.
Outcome = Literal["replaced", "undone", "withdrawn", "second", "reopened"]


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
    return _beside(document, answer, "withdrawn")


def with_second(document: LabelDocument, answer: LabelEntry) -> LabelDocument:
    """Return the document with the answer of another reviewer to the same pixels, beside the one that stands."""
    return _beside(document, answer, "second")


def without_second(document: LabelDocument, reviewer: str) -> LabelDocument | None:
    """Return the document after a reviewer took back a second answer just now; None if there is none of theirs."""
    second = answers_of(document).get(reviewer)
    if second is None or not _is_second(second):
        return None
    return _beside(document, _nothing_said(second, reviewer), "second")


def without_answer(document: LabelDocument) -> LabelDocument:
    """Return the document after its reviewer took back the standing answer just now.

    If the answer had replaced a label of somebody else on the same pixels, that label stands again. If there are second
    answers beside it, the newest of them stands.
    """
    history = [*document["history"], _past(document, "undone")]
    past = document["history"][-1] if document["history"] else None
    replaced = past and past["outcome"] == "replaced" and past["reviewer"] != document["reviewer"]
    if past and replaced and past["label"] and is_same_image(past["image"], document["image"]):
        return _standing(past, history)
    others = {**answers_of(document), document["reviewer"]: None}.values()
    if seconds := [other for other in others if other and _is_second(other)]:
        return _standing(max(seconds, key=lambda one: one["labelled_at"]), history)
    return _standing(_nothing_said(document, document["reviewer"]), history)


def reopened(document: LabelDocument, reviewer: str) -> LabelDocument:
    """Return the document after a person asked just now for a new answer to the pixels that were answered."""
    return _standing(_nothing_said(document, reviewer), [*document["history"], _past(document, "reopened")])


def answers_of(document: LabelDocument) -> dict[str, LabelEntry | PastEntry]:
    """Return what each reviewer said last of the pixels of the standing answer, by reviewer.

    Whoever took the answer back has said nothing. Answers from before the cell was reopened do not count.
    """
    said: dict[str, LabelEntry | PastEntry] = {}
    for one in (*document["history"], document):
        outcome = one.get("outcome")
        if outcome == "reopened":
            said.clear()
        elif not is_same_image(one["image"], document["image"]):
            continue
        elif one["label"] is None or outcome == "undone":
            said.pop(one["reviewer"], None)
        else:
            said[one["reviewer"]] = cast(PastEntry, one)
    return said


def in_order(document: LabelDocument) -> list[LabelEntry | PastEntry]:
    """Return all entries of a document in the order of their times; the history alone is not, beside second answers."""
    said: list[LabelEntry | PastEntry] = [*document["history"], document]
    return sorted(said, key=lambda one: (one["labelled_at"], _is_second(one)))


def stood_by(document: LabelDocument) -> list[LabelEntry | PastEntry]:
    """Return the entries of a document that may count as the first answer, in the order of their times.

    Nobody stands by an answer that was withdrawn, or that its reviewer took back before another person answered.
    """
    left = ("withdrawn", "undone")
    return [
        one
        for one in in_order(document)
        if one.get("outcome") not in left
        or (one.get("outcome") == "undone" and one["reviewer"] == document["reviewer"])
    ]


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
    entry = {name: value for name, value in _unknown().items() if name in LabelEntry.__required_keys__}
    document["history"] = [{**entry, "outcome": "replaced", **past} for past in document["history"]]
    for one in (document, *document["history"]):
        if not isinstance(one["label"], str | None) or not isinstance(one["labelled_at"], str):
            raise ValueError("label and labelled_at are texts")
        one["reviewer"] = str(one["reviewer"])
    return cast(LabelDocument, document)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _beside(document: LabelDocument, answer: LabelEntry, outcome: Outcome) -> LabelDocument:
    return {**document, "history": [*document["history"], cast(PastEntry, {**answer, "outcome": outcome})]}


def _is_second(said: LabelEntry | PastEntry) -> bool:
    return said.get("outcome") == "second"


def _standing(said: LabelEntry | PastEntry, history: list[PastEntry]) -> LabelDocument:
    fields = {name: said[name] for name in LabelEntry.__required_keys__}  # type: ignore[literal-required]
    return cast(LabelDocument, {"schema": SCHEMA, **fields, "history": history})


def _nothing_said(of: LabelEntry | PastEntry, reviewer: str) -> LabelEntry:
    """An entry by which a reviewer says nothing any more of the pixels of another entry."""
    fields = {name: of[name] for name in LabelEntry.__required_keys__}  # type: ignore[literal-required]
    fields |= {"label": None, "reviewer": reviewer, "labelled_at": _now(), "seconds": None, "comment": ""}
    return cast(LabelEntry, fields)


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
