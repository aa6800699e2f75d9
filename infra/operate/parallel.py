"""Parallel calls with ordered results and bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Output = TypeVar("Output")


def in_parallel(function: Callable[[Item], Output], items: Iterable[Item], workers: int) -> Iterator[Output]:
    """Call ``function`` for each of ``items``, ``workers`` at a time, and yield its results in the order of ``items``.

    At most four times ``workers`` items are taken ahead of the results that were read. An error in a call is raised
    here.
    """
    waiting: deque[Future[Output]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                if len(waiting) == 4 * workers:
                    yield waiting.popleft().result()
                waiting.append(pool.submit(function, item))
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
