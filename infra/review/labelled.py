"""The cells that people have labelled: to undo, to look at again, and to compare others with."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from heapq import nlargest

from infra.deployed_stack import PARALLEL_READS
from infra.operate.parallel import in_parallel
from infra.review.answering import StandingLabel, UnsavedAnswerError, read_label, read_result
from infra.review.comparison import Measures, measures
from infra.review.places import Documents, Listed
from lambda_fn import labels
from lambda_fn.keys import LABELS, image_key, result_key
from lambda_fn.labels import LabelDocument, LabelEntry
from lambda_fn.results import ResultDocument

# Labels are read in portions, the newest first: after the first one, undo and the comparison with labelled cells work.
PORTION = 2_000
# Older labels than this many are not read. They would take minutes and the memory of the machine.
MOST_LABELS = 20_000

OnResult = Callable[[str, LabelDocument, ResultDocument], None]


class LabelledCells:
    """The newest labels of a place. Threads may load, read and change them at the same time.

    Attributes:
        keys: keys of all images that have a label document.
        unread: number of label documents that are not read, or not yet.
        on_result: called with each label, when it was read, and the result of its image.
    """

    def __init__(self, place: Documents) -> None:
        """Know no label yet."""
        self.keys: set[str] = set()
        self.unread = 0
        self.on_result: OnResult = lambda key, document, result: None
        self._place = place
        self._documents: dict[str, LabelDocument] = {}
        self._measures: dict[str, Measures] = {}
        self._modified: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def load(self, known: Callable[[], None] = lambda: None) -> None:
        """Read the newest labels and what was measured on their cells; a second time, only what is new.

        Args:
            known: called when the newest labels are known, before their measurements are read.

        Raises:
            ClientError, OSError: the place refuses or fails.
        """
        listed = [one for one in self._place.list_documents(LABELS) if one.key.endswith(".json")]
        self.keys = {image_key(entry.key) for entry in listed} | set(self._documents)
        newest = nlargest(MOST_LABELS, listed, key=lambda entry: entry.modified)
        unread = [entry for entry in newest if self._modified.get(image_key(entry.key)) != entry.modified]
        self.unread = len(listed) - len(newest) + len(unread)
        for start in range(0, len(unread), PORTION):
            portion = unread[start : start + PORTION]
            self._load(portion)
            known()
            self._measure([image_key(entry.key) for entry in portion])
            self.unread -= len(portion)
        known()

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
        """Keys of the images whose standing label, or a second answer beside it, is of a reviewer; the newest first."""
        own = [(said["labelled_at"], key) for key, document in self.answered() if (said := _own(document, reviewer))]
        return [key for _, key in sorted(own, reverse=True)]

    def answered(self) -> list[tuple[str, LabelDocument]]:
        """The images with a standing label, and their documents, the newest first."""
        with self._lock:
            standing = [(key, document) for key, document in self._documents.items() if document["label"]]
        return sorted(standing, key=lambda pair: pair[1]["labelled_at"], reverse=True)

    def all(self) -> list[LabelDocument]:
        """The label documents that are known by now."""
        with self._lock:
            return list(self._documents.values())

    def measured(self) -> Iterator[tuple[str, LabelDocument, Measures]]:
        """The cells that were labelled as one of the two classes, and that have measurements."""
        for key, document in self.answered():
            found = self._measures.get(key)
            if found and document["label"] in ("ALL", "normal"):
                yield key, document, found

    def _load(self, portion: list[Listed]) -> None:
        def read(entry: Listed) -> tuple[str, LabelDocument | None, StandingLabel | None]:
            key = image_key(entry.key)
            before = self._documents.get(key)
            try:
                return key, before, read_label(self._place, key)
            except UnsavedAnswerError:  # an object of others that is no label
                return key, before, None

        for entry, (key, before, found) in zip(portion, in_parallel(read, portion, PARALLEL_READS), strict=True):
            with self._lock:
                self._modified[key] = entry.modified
                if found and self._documents.get(key) is before:  # else it was answered meanwhile
                    self._documents[key] = found.document

    def _measure(self, keys: list[str]) -> None:
        def read(key: str) -> ResultDocument | None:
            stored = self._place.read(result_key(key)) if key in self._documents else None
            return read_result(stored) if stored else None

        for key, result in zip(keys, in_parallel(read, keys, PARALLEL_READS), strict=True):
            document = self._documents.get(key)
            if document is None or result is None:
                continue
            self.on_result(key, document, result)
            with self._lock:
                if labels.answers(document, result["image"]):
                    self._measures.setdefault(key, measures(result["morphology"]))


def _own(document: LabelDocument, reviewer: str) -> LabelEntry | None:
    """What a reviewer said, if it stands or counts beside the label that stands."""
    if document["reviewer"] == reviewer:
        return document if document["label"] else None
    said = labels.answers_of(document).get(reviewer)
    return said if said and said.get("outcome") == "second" else None
