"""Keep flags and labels current while the page is open, and close the flags that a label answers."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from infra.errors import InfraError
from infra.operate import aws_errors
from infra.review import answering
from infra.review.answering import UnsavedAnswerError, read_label
from infra.review.labelled import LabelledCells
from infra.review.places import Place
from infra.review.waiting import WaitingCells
from lambda_fn import labels

# New flags are looked for if the last look is older than this, in seconds.
_REFRESH_SECONDS: Final = 30.0


class Refresher:
    """Reads flags and labels in threads.

    Attributes:
        fault: why flags or labels could not be read; None if they could.
    """

    def __init__(
        self, place: Place, waiting: WaitingCells, labelled: LabelledCells, *, labels_of_others: bool = False
    ) -> None:
        """Read nothing before ``start``; look for labels that others write only if ``labels_of_others``."""
        self._labels_of_others = labels_of_others
        self.fault: str | None = None
        self._place, self._waiting, self._labelled = place, waiting, labelled
        self._labels_known = threading.Event()
        self._looked_at = 0.0
        self._look_lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to read flags and labels."""
        self._in_background(self._look)
        self._in_background(self.read_labels)

    def look_again(self) -> None:
        """Look for new flags, unless that was done a short while ago."""
        if not self._waiting.loading and time.monotonic() - self._looked_at > _REFRESH_SECONDS:
            self._in_background(self._look)

    def join(self, seconds: float) -> None:
        """Wait until nothing is read any more, at most ``seconds`` for each thread."""
        for thread in self._threads:
            thread.join(seconds)

    def wait_for_labels(self, seconds: float) -> None:
        """Wait until the labels were read, at most ``seconds``."""
        self._labels_known.wait(seconds)

    def read_labels(self) -> None:
        """Read the labels.

        Raises:
            ClientError, OSError: the place refuses or fails.
        """
        try:
            self._labelled.load(self._labels_known.set)
        finally:
            self._labels_known.set()

    def mend(self) -> None:
        """Close the flags that a label answers: a program ended before it closed them.

        Raises:
            ClientError, OSError: the place refuses or fails.
        """
        for cell in self._waiting.all():
            if cell.second or cell.key not in self._labelled.keys:
                continue
            standing = None
            with suppress(UnsavedAnswerError):  # the card says that its label cannot be read
                standing = read_label(self._place, cell.key)
            if standing and labels.answers(standing.document, cell.image):
                answering.close_flag(self._place, cell.key, standing.document)
                self._waiting.remove(cell.key)

    def _look(self) -> None:
        with self._look_lock:
            self._looked_at = time.monotonic()
            self._waiting.load()
            self._looked_at = time.monotonic()
        again = self._labels_known.is_set()
        self._labels_known.wait()
        self.mend()
        if again and self._labels_of_others:
            self.read_labels()

    def _in_background(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=self._guarded, args=(work,), daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
            self.fault = None
        except InfraError as error:
            self.fault = error.message
        except (BotoCoreError, ClientError) as error:
            self.fault = aws_errors.explain(error)
        except OSError as error:
            self.fault = f"{error.filename}: {error.strerror}"
