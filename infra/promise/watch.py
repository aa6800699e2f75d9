"""Judges the promised error rates while cells are labelled, so that an alarm does not wait until somebody asks."""

import threading
import time
from collections.abc import Callable
from typing import Final

# Judging reads every result, which would slow down the page. So it waits until nobody has answered for this long, in
# seconds.
QUIET_SECONDS: Final = 600.0
_LOOK_SECONDS: Final = 20.0


class PromiseWatch:
    """Judges after audits were answered, when no further answer comes for a while, and once more at the end."""

    def __init__(
        self,
        answered: Callable[[], int],
        judge: Callable[[], object],
        *,
        quiet_seconds: float = QUIET_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare the watch.

        Args:
            answered: returns how many answers to audits were written so far.
            judge: judges, and reports what it finds. An error that it raises leaves the answers unjudged.
            quiet_seconds: time without an answer after which it judges.
            clock: returns a time in seconds.
        """
        self._answered, self._judge, self._quiet_seconds, self._clock = answered, judge, quiet_seconds, clock
        self._seen = self._judged = 0
        self._seen_at = clock()
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def start(self) -> None:
        """Look in the background now and then."""
        threading.Thread(target=self._watch, daemon=True).start()

    def look(self) -> None:
        """Judge if there are answers that were not judged, and the last of them is not of just now."""
        count = self._answered()
        if count != self._seen:
            self._seen, self._seen_at = count, self._clock()
        elif count != self._judged and self._clock() - self._seen_at >= self._quiet_seconds:
            self.judge_now()

    @property
    def is_due(self) -> bool:
        """Whether there are answers that were not judged."""
        return self._answered() != self._judged

    def judge_now(self) -> None:
        """Judge."""
        with self._lock:
            count = self._answered()
            self._judge()
            self._judged = count

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            try:
                self.look()
            except Exception:  # noqa: BLE001 - S3 may raise anything; the end of the page tries once more, and tells
                self._seen_at = self._clock()
