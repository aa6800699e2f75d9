"""Many requests at the same time, with no more of their answers in memory than are under way."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def in_parallel(function: Callable[[Item], Answer], items: Iterable[Item], workers: int) -> Iterator[Answer]:
    """Call `function` for each of `items`, `workers` at a time, and yield what it returns in the order of `items`.

    At most four times `workers` items are taken before their answers have been. What a call raises is raised here.
    """
    waiting: deque[Future[Answer]] = deque()
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
