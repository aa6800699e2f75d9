"""Order, bounds and errors of parallel calls."""

import threading
from collections.abc import Iterator

import pytest

from infra.operate.parallel import in_parallel


def test_results_come_in_the_order_of_the_items() -> None:
    second_done = threading.Event()

    def call(item: int) -> int:
        if item == 0:
            assert second_done.wait(10)
        if item == 1:
            second_done.set()
        return item * item

    assert list(in_parallel(call, range(50), 2)) == [item * item for item in range(50)]


def test_no_more_items_are_taken_than_can_be_kept() -> None:
    count = 0

    def items() -> Iterator[int]:
        nonlocal count
        while count < 1000:
            count += 1
            yield count

    answers = in_parallel(lambda item: item, items(), 2)
    next(answers)
    assert count <= 9
    assert sum(1 for _ in answers) == 999


def test_what_a_call_raises_is_raised() -> None:
    def call(item: int) -> float:
        return 1 / (item - 3)

    with pytest.raises(ZeroDivisionError):
        list(in_parallel(call, range(100), 4))
