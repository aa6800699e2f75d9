"""Write what a person said about a cell, take it back, and close or open the flag.

The label is written first, and only then is its flag closed. Who takes a label back opens the flag first. Whatever ends
the program in between, a flag stands beside an answered label, and ``mend`` closes it at the next start.

The first answer closes the flag. If two people are to answer, the label document tells whose answer is missing.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from infra.errors import InfraError
from infra.review.places import Documents, Place, Stored
from lambda_fn import labels
from lambda_fn.keys import flag_key, label_key, result_key
from lambda_fn.labels import LabelDocument, LabelEntry
from lambda_fn.results import ResultDocument

# The choice of whoever came second: the label of the other person stands, or their own does.
Choice = Literal["keep", "replace"]
# What makes two entries the same answer.
_SAID: tuple[Literal["reviewer", "label", "comment"], ...] = ("reviewer", "label", "comment")
# A write is repeated this many times if S3 refuses it although nobody was faster.
_TRIES = 5


class UnsavedAnswerError(InfraError):
    """An answer could not be written."""


@dataclass(frozen=True)
class StandingLabel:
    """A label document as it was read: its entity tag and content."""

    etag: str
    document: LabelDocument


@dataclass(frozen=True)
class Recorded:
    """An answer that was written; ``standing`` is the document now."""

    standing: StandingLabel


@dataclass(frozen=True)
class Conflict:
    """An answer that was not written, because ``standing`` is an answer that its reviewer has not seen."""

    standing: StandingLabel


def read_label(place: Documents, image_key: str) -> StandingLabel | None:
    """The label document of an image; None if there is none.

    Raises:
        UnsavedAnswerError: an object that is no label has its key.
    """
    stored = place.read(label_key(image_key))
    if stored is None:
        return None
    try:
        return StandingLabel(stored.etag, labels.from_json(stored.body))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UnsavedAnswerError(
            f"{label_key(image_key)} holds no label document: move it away, then answer again."
        ) from None


def record(
    place: Place,
    image_key: str,
    answer: LabelEntry,
    seen: str | None,
    choice: Choice | None = None,
    *,
    reviewers: int = 1,
) -> Recorded | Conflict:
    """Write an answer, and close the flag that it answers.

    Args:
        place: the documents.
        image_key: the image's key.
        answer: the answer; its label is not None.
        seen: entity tag of the label document that the reviewer saw; None if there was none.
        choice: the reviewer's choice, if the document of ``seen`` holds the answer of somebody else.
        reviewers: number of people who are to answer, each without seeing what the others said. While fewer have,
            another's answer is no conflict.

    Raises:
        UnsavedAnswerError: the document cannot be written.
    """
    for _ in range(_TRIES):
        standing = read_label(place, image_key)
        if standing and _is_repetition(standing.document, answer):
            recorded = standing
        elif standing and _is_second(standing.document, answer, reviewers):
            document = labels.with_second(standing.document, answer)
            etag = place.replace(label_key(image_key), labels.to_json(document), standing.etag)
            if etag is None:
                continue
            recorded = StandingLabel(etag, document)
        elif standing and (standing.etag != seen or (choice is None and _is_of_another(standing.document, answer))):
            return Conflict(standing)
        else:
            keeps = choice == "keep" and standing is not None
            document = (
                labels.with_withdrawn(standing.document, answer)
                if keeps and standing
                else labels.with_answer(standing.document if standing else None, answer)
            )
            etag = _write(place, image_key, document, standing)
            if etag is None:
                continue
            recorded = StandingLabel(etag, document)
        close_flag(place, image_key, recorded.document)
        return Recorded(recorded)
    raise UnsavedAnswerError(f"the label was not written, although nobody changed it: {_TRIES} tries failed.")


def take_back(place: Place, image_key: str, reviewer: str) -> StandingLabel | None:
    """Take back the answer of a reviewer, after its flag is open again.

    Args:
        place: the documents.
        image_key: the image's key.
        reviewer: who takes back.

    Returns:
        The document now; None if the reviewer's answer neither stands nor counts beside the one that does, so that
        nothing was changed.
    """

    def taken_back(document: LabelDocument) -> LabelDocument | None:
        own = document["reviewer"] == reviewer
        return labels.without_answer(document) if own else labels.without_second(document, reviewer)

    return _change_answered(place, image_key, taken_back)


def reopen(place: Place, image_key: str, reviewer: str) -> StandingLabel | None:
    """Ask for a new answer to the pixels that were answered; all that was said stays in the history.

    Args:
        place: the documents.
        image_key: the image's key.
        reviewer: who asks.

    Returns:
        The document now; None if there is nothing to ask: no label stands, the image was replaced since, or its result
        asks for nobody.
    """
    stored = place.read(result_key(image_key))
    result = read_result(stored) if stored else None
    if result is None or not asks(result):
        return None

    def reopened(document: LabelDocument) -> LabelDocument | None:
        return labels.reopened(document, reviewer) if labels.answers(document, result["image"]) else None

    return _change_answered(place, image_key, reopened)


def _change_answered(
    place: Place, image_key: str, change: Callable[[LabelDocument], LabelDocument | None]
) -> StandingLabel | None:
    """Change a document with a standing label; if none stands then, its flag is opened before."""
    for _ in range(_TRIES):
        standing = read_label(place, image_key)
        if standing is None or standing.document["label"] is None:
            return None
        document = change(standing.document)
        if document is None:
            return None
        if document["label"] is None:
            _open_flag(place, image_key, standing.document)
        etag = _write(place, image_key, document, standing)
        if etag is not None:
            if document["label"] is None:  # the page of somebody else may have closed it until now
                _open_flag(place, image_key, standing.document)
            return StandingLabel(etag, document)
    raise UnsavedAnswerError(f"the label was not changed: {_TRIES} tries failed.")


def close_flag(place: Place, image_key: str, label: LabelDocument) -> bool:
    """Delete the flag that a label answers; returns whether none is left. The flag of other pixels stays."""
    for _ in range(_TRIES):
        flag = place.read(flag_key(image_key))
        if flag is None:
            return True
        result = read_result(flag)
        if result is None or not labels.answers(label, result["image"]):
            return False
        if place.delete_if(flag_key(image_key), flag.etag):
            return True
    return False


def is_missing(document: LabelDocument, reviewer: str, reviewers: int) -> bool:
    """Whether fewer people than ``reviewers`` have answered the pixels of a standing label, and this one has not."""
    said = labels.answers_of(document)
    return reviewer not in said and len(said) < reviewers


def asks(result: ResultDocument) -> bool:
    """Whether a result asks for a person, or was drawn for an audit."""
    return result["review"]["required"] or "audit" in result["review"]["reasons"]


def read_result(stored: Stored) -> ResultDocument | None:
    """The result that an object holds; None if it holds anything else, which others may have written."""
    try:
        document: ResultDocument = json.loads(stored.body)
        prediction, reasons = document["prediction"], document["review"]["reasons"]
        whole = (
            document.keys() >= ResultDocument.__required_keys__
            and all(isinstance(text, str) for text in (document["image"]["key"], document["scored_at"], *reasons))
            and (prediction is None or isinstance(prediction["probability_all"], float | int))
        )
        return document if whole else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _open_flag(place: Place, image_key: str, label: LabelDocument) -> None:
    """Set the flag of the current result again, if that is of the pixels of the label and asked for a person."""
    stored = place.read(result_key(image_key))
    result = read_result(stored) if stored else None
    if stored and result and asks(result) and labels.is_same_image(label["image"], result["image"]):
        place.create(flag_key(image_key), stored.body)


def _write(place: Place, image_key: str, document: LabelDocument, standing: StandingLabel | None) -> str | None:
    key, body = label_key(image_key), labels.to_json(document)
    return place.create(key, body) if standing is None else place.replace(key, body, standing.etag)


def _is_repetition(document: LabelDocument, answer: LabelEntry) -> bool:
    """Whether the answer is written already: its first try was, but the page never got to know."""
    before = labels.answers_of(document).get(answer["reviewer"])
    if before is None or before.get("outcome") not in (None, "second"):
        return False
    return all(before[name] == answer[name] for name in _SAID) and labels.is_same_image(
        before["image"], answer["image"]
    )


def _is_second(document: LabelDocument, answer: LabelEntry, reviewers: int) -> bool:
    """Whether an answer is one more that is wanted to these pixels."""
    return labels.answers(document, answer["image"]) and is_missing(document, answer["reviewer"], reviewers)


def _is_of_another(document: LabelDocument, answer: LabelEntry) -> bool:
    """Whether somebody else's answer to the same pixels stands."""
    return document["reviewer"] != answer["reviewer"] and labels.answers(document, answer["image"])
