"""Bring back the flags of cells that people have answered, so that they are asked again."""

from collections.abc import Iterator
from dataclasses import dataclass

from infra.deployed_stack import PARALLEL_READS
from infra.operate.parallel import in_parallel
from infra.review.answering import UnsavedAnswerError, asks, read_label, read_result, reopen
from infra.review.places import Place
from lambda_fn import labels
from lambda_fn.keys import LABELS, image_key, result_key


@dataclass(frozen=True)
class Answered:
    """Answered cells below a prefix.

    Attributes:
        keys: those whose results ask for a person, so that their flags can come back.
        decided: number of others: the model decides them now, or the image was replaced since the answer.
    """

    keys: list[str]
    decided: int


def find_answered(place: Place, prefix: str) -> Answered:
    """Look for the cells that can be reopened. Nothing is changed.

    Args:
        place: the documents.
        prefix: the images' keys begin with it.

    Raises:
        ClientError, OSError: the place refuses or fails.
    """
    keys, decided = [], 0
    listed = (image_key(entry.key) for entry in place.list_documents(LABELS + prefix) if entry.key.endswith(".json"))
    for key, state in in_parallel(lambda key: (key, _can_reopen(place, key)), listed, PARALLEL_READS):
        if state:
            keys.append(key)
        elif state is False:
            decided += 1
    return Answered(keys, decided)


def reopen_all(place: Place, keys: list[str], reviewer: str) -> Iterator[bool]:
    """Reopen cells, and yield for each whether its flag is open now.

    Raises:
        UnsavedAnswerError: a label could not be written.
        ClientError, OSError: the place refuses or fails.
    """
    return in_parallel(lambda key: reopen(place, key, reviewer) is not None, keys, PARALLEL_READS)


def _can_reopen(place: Place, key: str) -> bool | None:
    """Whether the flag of an answered cell can come back; None if no label stands."""
    try:
        standing = read_label(place, key)
    except UnsavedAnswerError:  # an object of others that is no label
        return None
    if standing is None or standing.document["label"] is None:
        return None
    stored = place.read(result_key(key))
    result = read_result(stored) if stored else None
    return result is not None and asks(result) and labels.answers(standing.document, result["image"])
