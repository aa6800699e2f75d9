"""The cells that people have labelled: to undo, to look at again, and to compare others with."""

import threading
from collections.abc import Callable, Iterator
from heapq import nlargest

from infra.deployed_stack import PARALLEL_READS
from infra.operate.parallel import in_parallel
from infra.review.answering import StandingLabel, UnsavedAnswerError, read_label, read_result
from infra.review.comparison import Measures, measures
from infra.review.places import Listed, Place
from lambda_fn import labels
from lambda_fn.keys import LABELS, image_key, result_key
from lambda_fn.labels import LabelDocument

# The newest labels are read at the start, at most this many. Reading more would take minutes.
MOST_LABELS = 2_000


class LabelledCells:
    """The newest labels of a place. Threads may load, read and change them at the same time.

    Attributes:
        keys: keys of all images that have a label document.
        loading: whether labels are still being read.
    """

    def __init__(self, place: Place) -> None:
        """Know no label yet."""
        self.keys: set[str] = set()
        self.loading = True
        self._place = place
        self._documents: dict[str, LabelDocument] = {}
        self._measures: dict[str, Measures] = {}
        self._lock = threading.Lock()

    def load(self, known: Callable[[], None] = lambda: None) -> None:
        """Read the newest labels, and then what was measured on their cells.

        Args:
            known: called when the labels are known, before the measurements are read.

        Raises:
            ClientError, OSError: the place refuses or fails.
        """
        listed: list[Listed] = []
        for entry in self._place.list_documents(LABELS):
            if entry.key.endswith(".json"):
                self.keys.add(image_key(entry.key))
                listed.append(entry)
        newest = nlargest(MOST_LABELS, listed, key=lambda entry: entry.modified)
        keys = [image_key(entry.key) for entry in newest]
        for key, standing in zip(keys, in_parallel(self._read, keys, PARALLEL_READS), strict=True):
            with self._lock:
                if standing and key not in self._documents:  # else it was answered meanwhile
                    self._documents[key] = standing.document
        self.loading = False
        known()
        for key, found in zip(keys, in_parallel(self._measure, keys, PARALLEL_READS), strict=True):
            with self._lock:
                self._measures.setdefault(key, found)

    def put(self, key: str, document: LabelDocument, found: Measures | None = None) -> None:
        """Know a label that was written just now, and what was measured on its cell."""
        with self._lock:
            self.keys.add(key)
            self._documents[key] = document
            if found is not None:
                self._measures[key] = found

    def get(self, key: str) -> LabelDocument | None:
        """The label document of an image, if it is among the newest."""
        return self._documents.get(key)

    def last_of(self, reviewer: str) -> list[str]:
        """Keys of the images whose standing label is of a reviewer, the newest first."""
        with self._lock:
            own = [
                (document["labelled_at"], key)
                for key, document in self._documents.items()
                if document["reviewer"] == reviewer and document["label"]
            ]
        return [key for _, key in sorted(own, reverse=True)]

    def answered(self) -> list[tuple[str, LabelDocument]]:
        """The images with a standing label, and their documents, the newest first."""
        with self._lock:
            standing = [(key, document) for key, document in self._documents.items() if document["label"]]
        return sorted(standing, key=lambda pair: pair[1]["labelled_at"], reverse=True)

    def measured(self) -> Iterator[tuple[str, LabelDocument, Measures]]:
        """The cells that were labelled as one of the two classes, and that have measurements."""
        for key, document in self.answered():
            found = self._measures.get(key)
            if found and document["label"] in ("ALL", "normal"):
                yield key, document, found

    def _read(self, key: str) -> StandingLabel | None:
        try:
            return read_label(self._place, key)
        except UnsavedAnswerError:  # an object of others that is no label
            return None

    def _measure(self, key: str) -> Measures:
        stored = self._place.read(result_key(key))
        result = read_result(stored) if stored else None
        document = self._documents.get(key)
        if result and document and labels.answers(document, result["image"]):
            return measures(result["morphology"])
        return {}
