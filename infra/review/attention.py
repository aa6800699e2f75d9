"""Let the page go first: flags and labels are read in the background only while nobody waits for an answer."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from infra.errors import InfraError
from infra.review.places import Documents, Listed, Stored

# A background read waits for the page at most this long, in seconds, so that it also ends on a busy page.
_PATIENCE: Final = 0.5
# One request of the page is often followed by another, so background reads wait for this many seconds after each.
_CALM: Final = 0.15
# So many documents are read at once, so that the page has a first cell to show.
_AT_ONCE: Final = 32
# Requests that read much themselves.
_LONG: Final = ("/api/undo", "/api/audits", "/api/promise")


class EndedError(InfraError):
    """The program ends, so nothing more is read."""


class Attention:
    """Counts the requests of the page that are being answered. Threads may use it at the same time."""

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._waiting = 0
        self._answered_at = 0.0
        self._ended = False
        self._changed = threading.Condition()

    @contextmanager
    def first(self) -> Iterator[None]:
        """Hold background reads back in the ``with`` block."""
        with self._changed:
            self._waiting += 1
        try:
            yield
        finally:
            with self._changed:
                self._waiting -= 1
                self._answered_at = time.monotonic()
                self._changed.notify_all()

    def end(self) -> None:
        """Let no background read begin any more."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait(self) -> None:
        """Return once nobody has waited for ``_CALM`` seconds, or after ``_PATIENCE``.

        Raises:
            EndedError: the program ends.
        """
        end = time.monotonic() + _PATIENCE
        with self._changed:
            while (now := time.monotonic()) < end and not self._ended:
                calm_in = self._answered_at + _CALM - now
                if not self._waiting and calm_in <= 0:
                    break
                self._changed.wait(end - now if self._waiting else min(calm_in, end - now))
            if self._ended:
                raise EndedError("the program ends.")


class Attentive:
    """Holds background reads back while an application answers, but for requests that read much themselves."""

    def __init__(self, application: ASGIApp, attention: Attention) -> None:
        """Pass all requests on to an application."""
        self._application, self._attention = application, attention

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and scope["path"] not in _LONG:
            with self._attention.first():
                await self._application(scope, receive, send)
        else:
            await self._application(scope, receive, send)


class BackgroundReads:
    """The listings and documents of a place, read only while the page does not wait."""

    def __init__(self, place: Documents, attention: Attention) -> None:
        """Read from a place."""
        self._place, self._attention = place, attention
        self._begun = 0

    def list_documents(self, prefix: str) -> Iterator[Listed]:
        """The documents whose keys begin with ``prefix``."""
        return self._place.list_documents(prefix)

    def read(self, key: str) -> Stored | None:
        """A document; None if there is none."""
        self._begun += 1  # threads may count too few, which does no harm
        if self._begun > _AT_ONCE:
            self._attention.wait()
        return self._place.read(key)
