"""The cells that wait for a person: what the queue has to know of each flag, and in which order they come."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from infra.deployed_stack import PARALLEL_READS
from infra.operate.parallel import in_parallel
from infra.review.answering import read_result
from infra.review.places import Documents, Listed
from lambda_fn.keys import REVIEW, image_key
from lambda_fn.labels import queue_of
from lambda_fn.results import ImageFacts, ResultDocument


@dataclass(frozen=True)
class WaitingCell:
    """A flag, in short.

    Attributes:
        key: the image's key.
        image: the version of the image.
        reasons: why the function asks for a person.
        probability_all: probability of ALL, 0 to 1; None for a rejected image.
        scored_at: when the image was scored, ISO 8601 in UTC.
        modified: when the flag was written.
        drawn: the reviewer had the cell drawn for an audit; it has no flag.
        second: somebody else has answered, and the reviewer is to answer without seeing that; it has no flag.
    """

    key: str
    image: ImageFacts
    reasons: tuple[str, ...]
    probability_all: float | None
    scored_at: str
    modified: datetime
    drawn: bool = False
    second: bool = False

    @property
    def is_audit(self) -> bool:
        """Whether the cell was drawn by chance among the decided ones. It is labelled blind."""
        return self.drawn or queue_of(list(self.reasons)) == "audit"

    @property
    def urgency(self) -> tuple[int, float, str]:
        """A key to sort by: probable ALL first, then the less probable, then images without a score.

        A decided cell of the audit lies anywhere among the scored ones, so that its place does not betray it.
        """
        if self.is_audit:
            return (0, -draw(self.key), self.key)
        if self.probability_all is None:
            return (1, 0.0, self.key)
        return (0, -self.probability_all, self.key)


def draw(key: str) -> float:
    """A number from 0 up to 1 that follows from a key and from nothing else: the order in blind mode."""
    return int.from_bytes(sha256(key.encode(errors="surrogatepass")).digest()[:6]) / 2**48


class WaitingCells:
    """The flags of a place. Threads may load, read and remove at the same time.

    Attributes:
        loading: whether flags are still being read for the first time.
        odd_keys: keys of objects below ``review/`` that are no result documents.
    """

    def __init__(self, place: Documents) -> None:
        """Know no flag yet."""
        self.loading = True
        self.odd_keys: set[str] = set()
        self._place = place
        self._cells: dict[str, WaitingCell] = {}
        self._removed: set[str] = set()
        self._lock = threading.Lock()

    def load(self) -> None:
        """Read the flags that are new or were written again, and forget those that are gone.

        Raises:
            ClientError, OSError: the place refuses or fails.
        """
        with self._lock:
            known, self._removed = dict(self._cells), set()
        listed: set[str] = set()

        def news() -> Iterator[Listed]:
            for entry in self._place.list_documents(REVIEW):
                if not entry.key.endswith(".json"):
                    continue
                key = image_key(entry.key)
                listed.add(key)
                if key not in known or known[key].modified != entry.modified:
                    yield entry

        for cell in in_parallel(self._read, news(), PARALLEL_READS):
            if cell is None:
                continue
            with self._lock:
                if cell.key not in self._removed:
                    self._cells[cell.key] = cell
        with self._lock:
            for key in known.keys() - listed:
                if not (known[key].drawn or known[key].second):
                    self._cells.pop(key, None)
        self.loading = False

    def add(self, key: str, result: ResultDocument, *, drawn: bool = False, second: bool = False) -> None:
        """Add a cell whose flag is open again, one that was drawn for an audit, or one that needs a second answer."""
        with self._lock:
            self._removed.discard(key)
            self._cells[key] = _in_short(key, result, datetime.now(UTC), drawn, second)

    def remove(self, key: str) -> None:
        """Forget the flag of an image that was answered, also if a read of it is under way."""
        with self._lock:
            self._removed.add(key)
            self._cells.pop(key, None)

    def get(self, key: str) -> WaitingCell | None:
        """The flag of an image; None if none is known."""
        return self._cells.get(key)

    def all(self) -> list[WaitingCell]:
        """The flags that are known by now, in no order."""
        with self._lock:
            return list(self._cells.values())

    def _read(self, entry: Listed) -> WaitingCell | None:
        stored = self._place.read(entry.key)
        result = read_result(stored) if stored else None
        if result is None:
            if stored:
                self.odd_keys.add(entry.key)
            return None
        return _in_short(image_key(entry.key), result, entry.modified)


def _in_short(
    key: str, result: ResultDocument, modified: datetime, drawn: bool = False, second: bool = False
) -> WaitingCell:
    prediction = result["prediction"]
    probability = prediction["probability_all"] if prediction else None
    reasons = tuple(result["review"]["reasons"])
    return WaitingCell(key, result["image"], reasons, probability, result["scored_at"], modified, drawn, second)
