"""Decides which of the answers in a label document counts for training, and what it may be used for.

The rules of ``cellflag promise`` hold here too (``infra.promise.evidence``): an audit counts if it was answered blind,
and then its first blind answer counts. Second thoughts after the model's view was shown would take back the model's
errors more often than its right decisions.
"""

from dataclasses import dataclass

from lambda_fn.labels import LabelDocument, LabelEntry, PastEntry, is_same_image, stood_by
from training.data.labelled_cell import Use


@dataclass(frozen=True)
class CountedAnswer:
    """An answer that a cell is labelled by.

    Attributes:
        entry: the answer.
        use: ``thresholds`` for an audit that was answered blind and that no other reviewer contradicts, else
            ``fitting``.
        answers: number of answers to the image, also those that do not stand any more.
        disputed: whether two reviewers gave different answers to these pixels, and neither took the answer back.
    """

    entry: LabelEntry
    use: Use
    answers: int
    disputed: bool


def counted_answer(document: LabelDocument) -> CountedAnswer | None:
    """Return the answer that counts; None if the standing one was taken back."""
    if document["label"] is None:
        return None
    answers = [past for past in document["history"] if past["label"] is not None]
    of_these_pixels = [past for past in answers if is_same_image(past["image"], document["image"])]
    disputed = _is_disputed(document, of_these_pixels)
    counting = (
        one
        for one in stood_by(document)
        # A program of others writes no version of the image, so the standing answer is not compared with itself.
        if one is document or (one["label"] and is_same_image(one["image"], document["image"]))
    )
    audit = next((one for one in counting if one["queue"] == "audit" and one["shown"]["blind"]), None)
    if audit is None or disputed:
        return CountedAnswer(document, "fitting", len(answers) + 1, disputed)
    return CountedAnswer(audit, "thresholds", len(answers) + 1, disputed)


def _is_disputed(document: LabelDocument, of_these_pixels: list[PastEntry]) -> bool:
    """Whether another reviewer's last answer differs. One who chose to keep the standing label agrees with it."""
    last_of_others = {
        past["reviewer"]: (past["label"], past["outcome"])
        for past in of_these_pixels
        if past["reviewer"] != document["reviewer"]
    }
    return any(
        outcome in ("replaced", "second") and answer != document["label"] for answer, outcome in last_of_others.values()
    )
