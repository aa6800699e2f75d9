"""Whole batches with an S3 in memory: the requests that they cost, and their failures when time runs out."""

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from lambda_fn import batches
from lambda_fn.deadline import Deadline
from lambda_fn.scoring import score
from lambda_fn.stores import BucketStore

from ..brightest_red import cell
from ..fake_s3 import FakeS3, client_error
from .conftest import batch, notification

NORMAL, REVIEWED = cell(30), cell(128)


class Clock:
    """A Lambda context whose remaining time the test can shorten."""

    aws_request_id = "request-1"

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> float:
        return (self.end - time.monotonic()) * 1000


@pytest.fixture
def s3() -> FakeS3:
    return FakeS3()


def event(*messages: list[str]) -> dict[str, Any]:
    """A batch of messages, each of which names some keys. The ids of the messages count from 000."""
    return batch(**{f"{number:03}": notification(*keys, sequencer="01") for number, keys in enumerate(messages)})


def failed_ids(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def results(s3: FakeS3) -> set[str]:
    return {key for key in s3.current("results") if key.startswith("results/")}


@pytest.mark.parametrize("images", [1, 10, 100])
@pytest.mark.parametrize(
    ("body", "reads", "writes"), [(NORMAL, 1, 1), (REVIEWED, 3, 2)], ids=["without a flag", "with a flag"]
)
def test_an_image_costs_one_read_one_write_and_one_look_a_flag_two_reads_and_a_write_and_a_batch_one_more_write(
    images: int, body: bytes, reads: int, writes: int, function: ModuleType, s3: FakeS3
) -> None:
    keys = [f"{number}.bmp" for number in range(images)]
    for key in keys:
        s3.put_object(Bucket="images", Key=key, Body=body)
    s3.requests.clear()
    assert failed_ids(function.handler(event(*([key] for key in keys)), Clock(60))) == []
    assert s3.requests == {"GetObject": reads * images, "PutObject": writes * images + 1, "HeadObject": images}


def test_an_image_that_is_gone_costs_three_reads_and_a_deletion_to_leave_neither_result_nor_flag(
    function: ModuleType, s3: FakeS3
) -> None:
    assert failed_ids(function.handler(event(["a.bmp"], ["b.bmp"]), Clock(60))) == []
    assert s3.requests == {"GetObject": 6, "DeleteObject": 2}


def test_of_a_hundred_messages_of_several_images_only_the_failed_ones_go_back_to_the_queue(
    function: ModuleType, s3: FakeS3
) -> None:
    messages = [[f"{number}/{part}.bmp" for part in "abc"] for number in range(100)]
    broken = {"7/b.bmp", "93/a.bmp", "93/c.bmp"}

    def around(name: str, operation: Callable[[], Any]) -> Any:
        answer = operation()
        if name == "GetObject" and any(answer["Metadata"].get("key") == key for key in broken):
            raise OSError("connection reset by peer")
        return answer

    for key in (key for keys in messages for key in keys):
        s3.put_object(Bucket="images", Key=key, Body=NORMAL, Metadata={"key": key})
    s3.around = around
    assert failed_ids(function.handler(event(*messages), Clock(60))) == ["007", "093"]
    assert results(s3) == {f"results/{key}.json" for keys in messages for key in keys if key not in broken}


def test_writes_and_ledger_are_done_in_time_even_if_s3_is_silent_once_in_each(
    function: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function.runtime, "s3", None)
    function.runtime.after_restore()
    silence = function.runtime.s3.meta.config.read_timeout
    left = 60.0
    clock: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: left * 1000)
    deadline = Deadline(clock)
    tries = function.runtime.s3.meta.config.retries["total_max_attempts"]
    assert tries * silence < deadline.for_images() / 4
    for part in (deadline.for_images, deadline.for_writes, deadline.for_ledger):
        assert part() >= silence + 0.5
        left -= part()
    assert left >= 1


def test_images_go_back_to_the_queue_if_no_time_is_left_for_them(
    function: ModuleType, s3: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(60)

    def slow(*arguments: Any) -> Any:
        clock.end -= 18
        return score(*arguments)

    monkeypatch.setattr(batches, "score", slow)
    keys = [f"{number}.bmp" for number in range(5)]
    for key in keys:
        s3.put_object(Bucket="images", Key=key, Body=NORMAL)
    assert failed_ids(function.handler(event(*([key] for key in keys)), clock)) == ["003", "004"]
    assert results(s3) == {f"results/{number}.bmp.json" for number in range(3)}
    assert any(key.startswith("ledger/") for key in s3.current("results"))


@pytest.fixture
def hang_requests(s3: FakeS3) -> Iterator[Callable[[str], None]]:
    """Makes all requests of one operation of S3 hang until the test is over."""
    over = threading.Event()

    def hang(target: str) -> None:
        def around(name: str, operation: Callable[[], Any]) -> Any:
            if name == target:
                over.wait()
            return operation()

        s3.around = around

    yield hang
    over.set()


@pytest.mark.parametrize("operation", ["GetObject", "PutObject"])
def test_a_batch_returns_in_time_even_if_s3_does_not_answer(
    operation: str, function: ModuleType, s3: FakeS3, hang_requests: Callable[[str], None]
) -> None:
    for key in ("a.bmp", "b.bmp"):
        s3.put_object(Bucket="images", Key=key, Body=NORMAL)
    hang_requests(operation)
    clock = Clock(1)
    assert failed_ids(function.handler(event(["a.bmp"], ["b.bmp"]), clock)) == ["000", "001"]
    assert clock.get_remaining_time_in_millis() > 0


@pytest.mark.parametrize("operation", ["GetObject", "PutObject"])
def test_work_that_was_given_up_does_not_continue_and_does_not_delay_the_next_batch(
    operation: str, function: ModuleType, s3: FakeS3, hang_requests: Callable[[str], None]
) -> None:
    keys = [f"{number}.bmp" for number in range(40)]
    for key in keys:
        s3.put_object(Bucket="images", Key=key, Body=NORMAL)
    hang_requests(operation)
    assert len(failed_ids(function.handler(event(*([key] for key in keys)), Clock(2)))) == 40
    s3.around = lambda name, call: call()
    s3.requests.clear()
    assert failed_ids(function.handler(event(["0.bmp"]), Clock(60))) == []
    assert s3.requests == {"GetObject": 1, "PutObject": 2, "HeadObject": 1}
    assert results(s3) == {"results/0.bmp.json"}


@pytest.fixture
def refused_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes S3 refuse the ledger and flags, while results are written."""

    def refuse(*arguments: Any) -> None:
        raise client_error("PutObject", "SlowDown", 503)

    monkeypatch.setattr(BucketStore, "put", refuse)


@pytest.mark.usefixtures("refused_ledger")
def test_a_backfill_whose_ledger_is_refused_counts_each_of_its_images_once(function: ModuleType, s3: FakeS3) -> None:
    keys = [f"{number}.bmp" for number in range(5)]
    for key in keys:
        s3.put_object(Bucket="images", Key=key, Body=NORMAL)
    items = [{"Bucket": "images", "Key": key, "Backfill": "all"} for key in (*keys, "gone.bmp")]
    counts = function.handler({"Items": items}, Clock(60))
    assert {name: count for name, count in counts.items() if count and name != "seconds"} == {
        "failed": 5,
        "reasons": {"PutObject answered SlowDown: S3 did not do it": 5},
        "gone": 1,
    }


@pytest.mark.usefixtures("refused_ledger")
def test_a_refused_ledger_sends_the_whole_batch_back_and_is_one_line_of_the_log(
    function: ModuleType, s3: FakeS3, log: io.StringIO
) -> None:
    s3.put_object(Bucket="images", Key="a.bmp", Body=NORMAL)
    assert failed_ids(function.handler(event(["a.bmp"], ["a.bmp"], ["gone.bmp"]), Clock(60))) == ["000", "001", "002"]
    gone, failure, summary = [json.loads(line) for line in log.getvalue().splitlines()]
    assert gone["message"] == "image deleted before it was read"
    assert (failure["message"], failure["message_ids"]) == ("message failed", ["000", "001", "002"])
    assert (summary["failed"], summary["outcomes"]) == (3, {})
