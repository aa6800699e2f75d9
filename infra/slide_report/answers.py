"""What people said about images, read before the results, in a form of which a million fit into memory."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from infra.deployed_stack import PARALLEL_READS
from infra.operate.parallel import in_parallel
from infra.review.places import Place
from lambda_fn import labels
from lambda_fn.keys import LABELS, image_key
from lambda_fn.labels import LabelledImage, Queue
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
    """

    label: labels.Answer
    reviewer: str
    queue: Queue
    blind: bool
    image: LabelledImage

    def is_about(self, image: ImageFacts) -> bool:
        """Return whether the person saw these very pixels."""
        return labels.is_same_image(self.image, image)


def read_answers(place: Place, prefix: str, on_odd: Callable[[str], None]) -> dict[str, PersonsAnswer]:
    """Read the answers that stand, by the key of the image.

    Args:
        place: holds the labels.
        prefix: of the images' keys.
        on_odd: called with the key of each object that is no label. It is left out.

    Raises:
        ClientError, OSError: the place refuses or fails.
    """

    def read(key: str) -> tuple[str, PersonsAnswer] | None:
        stored = place.read(key)
        if stored is None:  # erased meanwhile
            return None
        try:
            answer = _from_json(stored.body)
        except (ValueError, KeyError, TypeError, AttributeError):
            on_odd(key)
            return None
        return (image_key(key), answer) if answer else None

    keys = (entry.key for entry in place.list_documents(LABELS + prefix) if entry.key.endswith(".json"))
    return dict(found for found in in_parallel(read, keys, PARALLEL_READS) if found)


def _from_json(body: bytes) -> PersonsAnswer | None:
    document = labels.from_json(body)
    if document["label"] is None:  # its reviewer took it back
        return None
    if document["label"] not in get_args(labels.Answer) or document["queue"] not in get_args(Queue):
        raise ValueError("no label")
    image: LabelledImage = {name: document["image"][name] for name in ("version_id", "etag", "sha256")}  # type: ignore[assignment]
    return PersonsAnswer(
        document["label"], str(document["reviewer"])[:_NAME], document["queue"], bool(document["shown"]["blind"]), image
    )
