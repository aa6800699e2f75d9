"""A storm: thousands of shuffled and repeated events, an S3 that fails, and workers that die."""

import copy
import json
import random
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_plus

import pytest

from lambda_fn.decisions import Policy
from lambda_fn.images import StoredImage
from lambda_fn.model import Model
from lambda_fn.runtime import Runtime
from lambda_fn.scoring import score

from ..brightest_red import cell
from ..fake_s3 import FakeS3, client_error
from ..faults import BROKEN_BODIES, BROKEN_LINES, REFUSALS

EVENTS, KEYS, DUPLICATES, FAULTS, DEATHS, BATCH, WORKERS, TRIES = 10_000, 2_000, 0.2, 0.05, 0.001, 10, 6, 5
ERRORS: list[Callable[[], Exception]] = [
    *(partial(client_error, "GetObject", code, status) for code, status in REFUSALS),
    *BROKEN_LINES,
    *BROKEN_BODIES,
]


class DeathError(BaseException):
    """Ends a worker without an answer."""


class Weather:
    """Makes some requests fail, before or after they had their effect, and kills some workers during a request."""

    def __init__(self, seed: int) -> None:
        self.generator = random.Random(seed)
        self.fair = False

    def __call__(self, name: str, operation: Callable[[], Any]) -> Any:
        fate = self.generator.random()
        if self.fair or fate >= FAULTS + DEATHS:
            return operation()
        if self.generator.random() < 0.5:
            operation()
        raise self.generator.choice(ERRORS)() if fate < FAULTS else DeathError


def scoring_each_image_once() -> Callable[..., Any]:
    """``score``, which looks at the pixels of an image once: a storm is about what becomes of documents."""
    known: dict[bytes, Any] = {}

    def score_once(model: Model, image: StoredImage, policy: Policy) -> dict[str, Any]:
        document = known.get(image.data) or known.setdefault(image.data, score(model, image, policy))
        own = {"bucket": image.bucket, "key": image.key, "version_id": image.version_id, "etag": image.etag}
        scored_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {**copy.deepcopy(document), "image": {**document["image"], **own}, "scored_at": scored_at}

    return score_once


def test_after_a_storm_every_key_has_the_result_of_its_newest_version_and_no_other_flag(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lambda_fn import batches, handler

    weather = Weather(seed=1)
    s3 = FakeS3(weather)
    client: Any = s3
    monkeypatch.setattr(handler, "runtime", Runtime(model, Policy(model.manifest.thresholds), client))
    monkeypatch.setattr(batches, "score", scoring_each_image_once())
    monkeypatch.setattr(batches, "report_failure", lambda *arguments: None)
    monkeypatch.setattr(handler, "report_batch", lambda *arguments: None)
    monkeypatch.setenv("RESULTS_BUCKET", "results")
    generator = random.Random(2)

    weather.fair = True
    images = [cell(red) for red in (30, 128, 250)]  # normal, to review, ALL
    newest: dict[str, str] = {}
    bodies: list[str] = []
    for number in range(EVENTS):
        key = f"plate {number % 7}/cell+{generator.randrange(KEYS)}.bmp"
        version = s3.put_object(Bucket="images", Key=key, Body=generator.choice(images))["VersionId"]
        newest[key] = version
        entity = {"key": quote_plus(key, safe="/"), "versionId": version, "sequencer": f"{number:010X}"}
        s3_part = {"bucket": {"name": "images"}, "object": entity}
        record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3_part}
        bodies.append(json.dumps({"Records": [record]}))
    bodies += generator.sample(bodies, int(EVENTS * DUPLICATES))
    generator.shuffle(bodies)
    weather.fair = False

    queue = [(str(number), body) for number, body in enumerate(bodies)]
    deliveries: defaultdict[str, int] = defaultdict(int)
    dead: list[tuple[str, str]] = []
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                batch = [queue.pop() for _ in range(min(BATCH, len(queue)))]
            if not batch:
                return
            records = [{"eventSource": "aws:sqs", "messageId": name, "body": body} for name, body in batch]
            context: Any = SimpleNamespace(aws_request_id=batch[0][0], get_remaining_time_in_millis=lambda: 60_000)
            try:
                answer = handler.handler({"Records": records}, context)
                failed_ids = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            except DeathError:
                failed_ids = {name for name, _ in batch}
            with lock:
                for message in batch:
                    deliveries[message[0]] += 1
                    if message[0] in failed_ids and deliveries[message[0]] < TRIES:
                        queue.insert(0, message)
                    elif message[0] in failed_ids:
                        dead.append(message)

    def run() -> None:
        with ThreadPoolExecutor(WORKERS) as workers:
            for worker in [workers.submit(work) for _ in range(WORKERS)]:
                worker.result()

    run()
    assert all(deliveries[name] == TRIES for name, _ in dead)
    assert len(dead) < EVENTS * 0.01
    weather.fair = True  # S3 is healthy again, and an operator sends the dead letters back
    queue, dead = dead, []
    deliveries.clear()
    run()
    assert dead == []

    results = {key: json.loads(value.body) for key, value in s3.current("results").items() if key[:7] != "ledger/"}
    expected = {f"results/{key}.json": version for key, version in newest.items()}
    flags = {f"review/{key[8:]}" for key in expected if results[key]["review"]["required"]}
    assert {key for key in results if key.startswith("results/")} == set(expected)
    assert {key: results[key]["image"]["version_id"] for key in expected} == expected
    assert {key for key in results if key.startswith("review/")} == flags
    assert all(results[key] == results[f"results/{key[7:]}"] for key in flags)
