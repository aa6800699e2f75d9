"""What people said about images, as a report counts it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

from infra.promise.readers import independent_pair
from lambda_fn import labels
from lambda_fn.keys import label_key
from lambda_fn.labels import LabelDocument, LabelledImage, Queue
from lambda_fn.results import ImageFacts

# Most characters of a name. Programs of others may write labels too.
_NAME = 80


@dataclass(frozen=True, slots=True)
class PersonsAnswer:
    """The answer that stands for an image.

    Attributes:
        label: what the person said.
        reviewer: who said it.
        queue: ``audit`` if the cell was drawn by chance, ``flag`` if the function asked for a person.
        blind: nothing of the model's view was seen before the answer.
        image: the version of the image that the person saw.
        pair: the answers of two people who did not see each other's; None without them.
    """

    label: labels.Answer
    reviewer: str
    queue: Queue
    blind: bool
    image: LabelledImage
    pair: tuple[labels.Answer, labels.Answer] | None = None

    def is_about(self, image: ImageFacts) -> bool:
        """Return whether the person saw these very pixels."""
        return labels.is_same_image(self.image, image)


def answers_of(documents: Mapping[str, LabelDocument], on_odd: Callable[[str], None]) -> dict[str, PersonsAnswer]:
    """Return the answers that stand, by the key of the image.

    Args:
        documents: label documents by the key of the image. Programs of others may have written them.
        on_odd: called with the key of each document that is no label. It is left out.
    """
    found = {}
    for key, document in documents.items():
        try:
            answer = _answer(document)
        except (ValueError, KeyError, TypeError, AttributeError):
            on_odd(label_key(key))
            continue
        if answer:
            found[key] = answer
    return found


def _answer(document: LabelDocument) -> PersonsAnswer | None:
    if document["label"] is None:  # its reviewer took it back
        return None
    if document["label"] not in get_args(labels.Answer) or document["queue"] not in get_args(Queue):
        raise ValueError("no label")
    image: LabelledImage = {name: document["image"][name] for name in ("version_id", "etag", "sha256")}  # type: ignore[assignment]
    return PersonsAnswer(
        document["label"],
        str(document["reviewer"])[:_NAME],
        document["queue"],
        bool(document["shown"]["blind"]),
        image,
        independent_pair(document),
    )
