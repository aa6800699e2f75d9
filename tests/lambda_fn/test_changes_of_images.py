"""Uploads, deletions and restored versions in any order, while events come twice, late or not yet, and workers die."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from itertools import count, product
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_fn import batches
from lambda_fn.batches import Batch
from lambda_fn.deadline import Deadline
from lambda_fn.decisions import Policy, Thresholds, Verdict
from lambda_fn.events import Message
from lambda_fn.images import StoredImage
from lambda_fn.results import ResultDocument, scored
from lambda_fn.runtime import Runtime
from lambda_fn.stores import BucketStore

from ..fake_s3 import FakeS3
from .interleaving import Interleaving

KEY = "plate 7/a.bmp"
CONTEXT: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
POLICY = Policy(Thresholds(0.5, 0.5, 0.5))


class InlineExecutor(Executor):
    """Runs each task at once, in the thread of its worker."""

    def submit(self, task: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(task(*arguments, **options))
        except Exception as error:  # noqa: BLE001 - as a thread would keep it for its caller
            future.set_exception(error)
        return future


CHANGES = ("upload", "delete", "delete newest", "delete older", "late upload")
scores = count()


def score(model: Any, image: StoredImage, policy: Policy) -> ResultDocument:
    """Score an image: its content is whether a person should look at it."""
    decision: Any = "review" if image.data.startswith(b"review") else "normal"
    facts: Any = {"bucket": image.bucket, "key": image.key, "version_id": image.version_id, "etag": image.etag}
    timing: Any = {"read": next(scores)}  # no two results are the same
    return scored(facts, Verdict("normal", decision, ()), 0.1, {"version": "1", "sha256": "1"}, timing)


class Laboratory:
    """An image that changes, the events of its changes, and workers that answer them.

    Attributes:
        pending: the events that no worker has answered since they were sent.
        failures: why messages went back to the queue.
    """

    def __init__(self, generator: random.Random, keeps_versions: bool) -> None:
        self.generator = generator
        self.race = Interleaving(FakeS3(keeps_versions=keeps_versions))
        self.s3 = self.race.s3
        self.pending: list[str] = []
        self.failures: Counter[str] = Counter()
        self._busiest = -1
        self._sent: list[str] = []
        self._answers: dict[int, str] = {}
        manifest: Any = SimpleNamespace(version="1", sha256="1", limits=SimpleNamespace(file_bytes=100))
        parts: Any = (SimpleNamespace(manifest=manifest), POLICY, self.s3, InlineExecutor(), InlineExecutor())
        self._runtime = Runtime(*parts)

    def change(self, kind: str) -> None:
        """Upload the image, end an earlier upload, delete it, delete its newest version, or delete the one before.

        The deletion of a delete marker restores the image.
        """
        versions = self.s3.versions("images", KEY)
        content = f"{self.generator.choice(['sure', 'review'])} {self.generator.randrange(3)}".encode()
        if kind == "upload" or not versions:
            uploaded = self.s3.put_object(Bucket="images", Key=KEY, Body=content)
            self._send("ObjectCreated:Put", uploaded["VersionId"])
        elif kind == "delete" or not self.s3.keeps_versions:
            self.s3.delete_object(Bucket="images", Key=KEY)
            self._send(self.generator.choice(["ObjectRemoved:DeleteMarkerCreated", "LifecycleExpiration:Delete"]), "?")
        elif kind == "late upload":
            version_id = self.s3.finish_upload("images", KEY, content, self.generator.randint(1, len(versions)))
            self._send("ObjectCreated:CompleteMultipartUpload", version_id)
        else:
            version_id = versions[-1 if kind == "delete newest" else -min(2, len(versions))].version_id
            self.s3.delete_object(Bucket="images", Key=KEY, VersionId=version_id)
            self._send("ObjectRemoved:Delete", version_id)

    def _send(self, name: str, version_id: str) -> None:
        entity = {"key": "plate+7/a.bmp", "sequencer": f"{len(self._sent):06X}"}
        if self.s3.keeps_versions:
            entity["versionId"] = version_id
        record = {"eventSource": "aws:s3", "eventName": name, "s3": {"bucket": {"name": "images"}, "object": entity}}
        self._sent.append(json.dumps({"Records": [record]}))
        self.pending.append(self._sent[-1])

    def deliver(self, again: bool) -> int:
        """Start a worker on an event, possibly on one that was answered already, or on a backfill."""
        if again and self.generator.random() < 0.3:
            kind = self.generator.choice(["missing", "all"])
            item = {"Bucket": "images", "Key": KEY, "Backfill": kind}
            body = json.dumps({"Items": [item], "number": next(scores)})
        else:
            body = self.generator.choice(self._sent if again else self.waiting())
        if again:  # if the worker dies, the queue or the state machine repeats this delivery too
            self.pending.append(body)
        number = self.race.start(lambda s3: self._answer(s3, body))
        self._answers[number] = body
        if self.generator.random() < 0.7:
            self._busiest = number
        self._collect(number)
        return number

    def waiting(self) -> list[str]:
        """Return the events that no worker has answered or is about to answer."""
        return sorted(set(self.pending) - set(self._answers.values()))

    def _answer(self, s3: Any, body: str) -> None:
        batch = Batch([Message("1", body)], self._runtime, BucketStore(s3, "results"), Deadline(CONTEXT))
        batch.answer(f"batch-{next(scores)}")
        self.failures += batch.reasons

    def step(self, kills: float = 0) -> None:
        """Let one of the workers make its next request, or die.

        Mostly it is the worker of the step before, so that others stand still while it does all of its work.
        """
        number = self._busiest
        if number not in self.race.running or self.generator.random() < 0.15:
            number = self._busiest = self.generator.choice(sorted(self.race.running))
        self.step_one(number, kill=self.generator.random() < kills)

    def step_one(self, number: int, kill: bool = False) -> None:
        """Let a worker make its next request, or die; does nothing if it has ended."""
        if number in self.race.running:
            self.race.step(number, kill)
            self._collect(number)

    def _collect(self, number: int) -> None:
        if number not in self.race.running:
            body = self._answers.pop(number)
            if number not in self.race.unfinished and body in self.pending:
                self.pending.remove(body)

    def settle(self, beside: int | None = None) -> None:
        """Deliver each event until it is answered, beside the workers that still run.

        Args:
            beside: number of a worker that stands still all the while; its own event stays with it.
        """
        while True:
            others = self.race.running - {beside}
            if self.waiting() and (not others or self.generator.random() < 0.3):
                self.deliver(again=False)
            elif others and beside is not None:
                self.step_one(min(others))
            elif others:
                self.step()
            else:
                return


@pytest.fixture(scope="module", autouse=True)
def quick_scores() -> Iterator[None]:
    with mock.patch.object(batches, "score", score), mock.patch.object(batches, "logger"):
        yield


def check(laboratory: Laboratory) -> None:
    """Check that result and flag are of the current version, or that there are none."""
    assert not laboratory.failures
    image = laboratory.s3.current("images").get(KEY)
    documents = {key: version.body for key, version in laboratory.s3.current("results").items() if "ledger" not in key}
    if image is None:
        assert documents == {}
        return
    result = json.loads(documents[f"results/{KEY}.json"])
    version_id = image.version_id if laboratory.s3.keeps_versions else None
    assert (result["image"]["version_id"], result["image"]["etag"]) == (version_id, image.etag.strip('"'))
    assert result["review"]["required"] == image.body.startswith(b"review")
    flags = {f"review/{KEY}.json": documents[f"results/{KEY}.json"]} if result["review"]["required"] else {}
    assert documents == {f"results/{KEY}.json": documents[f"results/{KEY}.json"]} | flags


@pytest.mark.parametrize("keeps_versions", [True, False])
@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32), length=st.integers(10, 100), kills=st.sampled_from([0, 0.05, 0.2]))
def test_once_all_events_are_answered_result_and_flag_are_of_the_current_version_or_there_is_none(
    keeps_versions: bool, seed: int, length: int, kills: float
) -> None:
    generator = random.Random(seed)
    laboratory = Laboratory(generator, keeps_versions)
    laboratory.change("upload")
    for _ in range(length):
        action = generator.random()
        if action < 0.12:
            laboratory.change(generator.choice(CHANGES))
        elif action < 0.25 and len(laboratory.race.running) < 5:
            laboratory.deliver(again=not laboratory.waiting() or generator.random() < 0.3)
        elif laboratory.race.running:
            laboratory.step(kills)
    laboratory.settle()
    check(laboratory)


@pytest.mark.parametrize("fate", ["goes on", "dies", "dies after one more request"])
@pytest.mark.parametrize("keeps_versions", [True, False])
@pytest.mark.parametrize(("before", "change"), list(product([(), ("upload",), ("upload", "delete")], CHANGES)))
def test_a_worker_may_stand_still_or_die_at_any_request_while_other_changes_are_answered(
    before: tuple[str, ...], change: str, keeps_versions: bool, fate: str
) -> None:
    for requests, later, seed in product(range(9), CHANGES, range(2)):
        laboratory = Laboratory(random.Random(seed), keeps_versions)
        for earlier in ("upload", *before):
            laboratory.change(earlier)
            laboratory.settle()
        laboratory.change(change)
        slow = laboratory.deliver(again=False)
        for _ in range(requests):
            laboratory.step_one(slow)
        if fate == "dies":
            laboratory.step_one(slow, kill=True)
        laboratory.change(later)
        laboratory.settle(beside=slow)
        if fate == "dies after one more request":
            laboratory.step_one(slow)
            laboratory.step_one(slow, kill=True)
        laboratory.settle()
        check(laboratory)
