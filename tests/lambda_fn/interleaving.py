"""Workers that run one request at a time, in an order that the test sets."""

import threading
from collections.abc import Callable
from typing import Any

from ..fake_s3 import FakeS3


class KilledError(BaseException):
    """Ends a worker in the middle of its work."""


class Interleaving:
    """An S3 in memory, and workers on it.

    Requests of other threads than the workers' are answered at once.

    Attributes:
        s3: the S3.
        running: numbers of the workers that wait before their next request.
        unfinished: numbers of the workers that were killed.
    """

    def __init__(self, s3: FakeS3 | None = None) -> None:
        self.s3 = s3 or FakeS3()
        self.s3.around = self._around
        self.running: set[int] = set()
        self.unfinished: set[int] = set()
        self._arrived: list[threading.Semaphore] = []
        self._released: list[threading.Semaphore] = []
        self._killed: set[int] = set()

    def start(self, worker: Callable[[FakeS3], object]) -> int:
        """Start a worker, and return its number once it waits before its first request, or has ended."""
        number = len(self._arrived)
        self._arrived.append(threading.Semaphore(0))
        self._released.append(threading.Semaphore(0))
        self.running.add(number)
        threading.Thread(target=self._run, args=(number, worker), name=str(number)).start()
        self._arrived[number].acquire()
        return number

    def step(self, number: int, kill: bool = False) -> None:
        """Let a worker make its next request and proceed to the one after it, or end it before that request."""
        if kill:
            self._killed.add(number)
        self._released[number].release()
        self._arrived[number].acquire()

    def _run(self, number: int, worker: Callable[[FakeS3], object]) -> None:
        try:
            worker(self.s3)
        except KilledError:
            self.unfinished.add(number)
        finally:
            self.running.discard(number)
            self._arrived[number].release()

    def _around(self, name: str, operation: Callable[[], Any]) -> Any:
        thread = threading.current_thread().name
        if not thread.isdigit():
            return operation()
        number = int(thread)
        self._arrived[number].release()
        self._released[number].acquire()
        if number in self._killed:
            raise KilledError
        return operation()
