"""A storm over real processes: they run the zip's code, talk to S3 over sockets, and are killed at random moments.

What it proves beyond the storm in memory (tests/lambda_fn/test_faults.py): that notifications, versions, sequencers and
conditional requests over HTTP do what the rules of order take for granted; that botocore's retries do no harm, also
where the first try had its effect; and that a process may end anywhere, half-sent requests included, since the queue
alone brings its messages back. The queue is the local cloud's, with a visibility timeout and a dead-letter queue; what
Lambda does between queue and function is done by `Pollers`, because Lambda would not have its workers killed.

`CELLFLAG_STORM_EVENTS=10000` makes it as large as the one in memory, and `-s` shows what became of the deliveries.
"""

import json
import os
import random
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.config import Config

from infra.local_cloud import emulator
from infra.local_cloud.isolation import environment, session
from infra.packaging.bundle import build, local_target
from infra.tools.objects import list_keys, read_bytes
from lambda_fn.manifest import MODEL_FOLDER
from tests.brightest_red import cell, write_brightest_red
from tests.end_to_end.storm_pollers import Pollers, Worker, delete

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

EVENTS = int(os.environ.get("CELLFLAG_STORM_EVENTS", "300"))
# A fault is of one request. A flagged image takes about twenty of them, those that look for a label among them.
KEYS, DUPLICATES, FAULTS, KILLED, WORKERS, TRIES = EVENTS // 5, 0.2, 0.03, 0.15, 4, 5
# No message is offered again while a worker may still be at it, as on AWS: a multiple of the function's timeout.
VISIBILITY_SECONDS = 120
TESTS = Path(__file__).parents[1]
DECISIONS = {cell(30): "normal", cell(128): "review", cell(250): "ALL", b"no image": "review"}
POISON = ("not an event", json.dumps({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectRemoved:Delete"}]}))


@dataclass(frozen=True)
class Cloud:
    endpoint: str
    sqs: "SQSClient"
    announced: str
    queue: str
    dead_letters: str


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """Two buckets and three queues on a local cloud of their own: what is announced is shuffled on its way."""
    try:
        endpoint = emulator.start(tmp_path / "home").endpoint
        sqs = session().client("sqs", endpoint_url=endpoint, config=Config(max_pool_connections=WORKERS + 1))
        announced, dead_letters = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("announced", "dead"))
        redrive = {"deadLetterTargetArn": _arn(sqs, dead_letters), "maxReceiveCount": TRIES}
        queue = sqs.create_queue(
            QueueName="queue",
            Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS), "RedrivePolicy": json.dumps(redrive)},
        )["QueueUrl"]
        s3 = session().client("s3", endpoint_url=endpoint)
        for bucket in ("images", "results"):
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        s3.put_bucket_notification_configuration(
            Bucket="images",
            NotificationConfiguration={
                "QueueConfigurations": [
                    {
                        "QueueArn": _arn(sqs, announced),
                        "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
                    }
                ]
            },
        )
        yield Cloud(endpoint, sqs, announced, queue, dead_letters)
    finally:
        emulator.stop(tmp_path / "home")


def _arn(sqs: "SQSClient", queue: str) -> str:
    return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """The function's code as Lambda lays it out, with a model whose answers are known."""
    with zipfile.ZipFile(build(local_target()).code) as archive:
        archive.extractall(tmp_path / "task")
    write_brightest_red(tmp_path / "task" / "lambda_fn" / MODEL_FOLDER.name)
    return tmp_path / "task"


def upload(cloud: Cloud, generator: random.Random) -> dict[str, list[tuple[str, str]]]:
    """Versions of each key in the order of their upload, each with the decision that it will get."""
    s3 = session().client("s3", endpoint_url=cloud.endpoint)
    plan = Counter(f"plate {number % 7}/cell+{generator.randrange(KEYS)} é.bmp" for number in range(EVENTS))
    bodies = {key: generator.choices(list(DECISIONS), k=times) for key, times in plan.items()}

    def upload_one(key: str) -> list[tuple[str, str]]:
        put = partial(s3.put_object, Bucket="images", Key=key)
        return [(put(Body=body)["VersionId"], DECISIONS[body]) for body in bodies[key]]

    with ThreadPoolExecutor(8) as pool:
        return dict(zip(bodies, pool.map(upload_one, bodies), strict=True))


def delete_some(cloud: Cloud, generator: random.Random, keys: list[str]) -> int:
    """Delete some images, and of others the newest version; restore some. Returns the number of changes."""
    s3 = session().client("s3", endpoint_url=cloud.endpoint)
    deletions = 0
    for key in keys:
        kind = generator.choice([*["none"] * 6, "delete", "newest version", "restore"])
        if kind in ("delete", "restore"):
            marker = s3.delete_object(Bucket="images", Key=key)["VersionId"]
            deletions += 1
            if kind == "restore":
                s3.delete_object(Bucket="images", Key=key, VersionId=marker)
                deletions += 1
        elif kind == "newest version":
            newest = s3.head_object(Bucket="images", Key=key)["VersionId"]
            s3.delete_object(Bucket="images", Key=key, VersionId=newest)
            deletions += 1
    return deletions


def current_versions(cloud: Cloud) -> dict[str, str]:
    pages = (
        session()
        .client("s3", endpoint_url=cloud.endpoint)
        .get_paginator("list_object_versions")
        .paginate(Bucket="images")
    )
    return {
        version["Key"]: version["VersionId"]
        for page in pages
        for version in page.get("Versions", [])
        if version["IsLatest"]
    }


def all_versions(cloud: Cloud) -> set[str]:
    pages = (
        session()
        .client("s3", endpoint_url=cloud.endpoint)
        .get_paginator("list_object_versions")
        .paginate(Bucket="images")
    )
    return {version["VersionId"] for page in pages for version in page.get("Versions", [])}


def drain(cloud: Cloud, queue: str) -> list[tuple[str, str]]:
    """Take all messages off a queue: their ids and bodies."""
    taken: list[tuple[str, str]] = []
    while messages := cloud.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        taken += [(message["MessageId"], message["Body"]) for message in messages]
        delete(cloud.sqs, queue, messages)
    return taken


def send(cloud: Cloud, bodies: list[str]) -> None:
    for start in range(0, len(bodies), 10):
        some = enumerate(bodies[start : start + 10])
        cloud.sqs.send_message_batch(QueueUrl=cloud.queue, Entries=[{"Id": str(n), "MessageBody": b} for n, b in some])


def documents(cloud: Cloud, prefix: str) -> dict[str, str]:
    s3 = session().client("s3", endpoint_url=cloud.endpoint)
    keys = list(list_keys(s3, "results", prefix))
    with ThreadPoolExecutor(8) as pool:
        bodies = pool.map(lambda key: read_bytes(s3, "results", key).decode(), keys)
        return {key.removeprefix(prefix): body for key, body in zip(keys, bodies, strict=True)}


def test_after_a_storm_over_processes_that_are_killed_every_key_has_the_result_of_its_current_version_or_none(
    cloud: Cloud, task: Path, tmp_path: Path
) -> None:
    generator = random.Random(1)
    versions = upload(cloud, generator)
    deletions = delete_some(cloud, generator, list(versions))
    bodies = [body for _, body in drain(cloud, cloud.announced) if "s3:TestEvent" not in body]
    assert len(bodies) == EVENTS + deletions
    bodies += [*generator.sample(bodies, int(EVENTS * DUPLICATES)), *POISON]
    generator.shuffle(bodies)
    send(cloud, bodies)

    seeds = count()
    variables = environment(cloud.endpoint, os.environ) | {"RESULTS_BUCKET": "results", "PYTHONPATH": ""}
    script = TESTS / "end_to_end" / "storm_worker.py"

    def launch(faults: float) -> Worker:
        command = [sys.executable, "-I", str(script), str(task), str(TESTS), str(faults), str(next(seeds))]
        return Worker(command, variables, tmp_path / "workers.log")

    storm = Pollers(cloud.sqs, cloud.queue, partial(launch, FAULTS), seed=2)
    storm.deliver(WORKERS, KILLED)
    assert storm.deaths
    dead = drain(cloud, cloud.dead_letters)
    for message_id, _ in dead:  # nothing lies there that did not fail each time
        assert len(storm.fates[message_id]) == TRIES
        assert "done" not in storm.fates[message_id]
    unlucky = [body for _, body in dead if body not in POISON]
    assert len(dead) == len(unlucky) + len(POISON)
    assert len(unlucky) < len(bodies) * 0.1

    send(cloud, unlucky)  # the faults are mended, and an operator sends the dead letters back
    Pollers(cloud.sqs, cloud.queue, partial(launch, 0), seed=3).deliver(WORKERS, killed=0)
    assert drain(cloud, cloud.dead_letters) == []

    results, flags, ledger = (documents(cloud, prefix) for prefix in ("results/", "review/", "ledger/"))
    answers = {key: json.loads(body) for key, body in results.items()}
    decisions = {version: decision for uploads in versions.values() for version, decision in uploads}
    current = current_versions(cloud)
    assert 0 < len(current) < len(versions)
    assert {key: (answer["image"]["version_id"], answer["decision"]) for key, answer in answers.items()} == {
        f"{key}.json": (version, decisions[version]) for key, version in current.items()
    }
    assert flags == {key: body for key, body in results.items() if answers[key]["review"]["required"]}
    lines = [json.loads(line) for body in ledger.values() for line in body.splitlines()]
    # A version that was deleted for good before its message came has no line.
    deleted_for_good = {version for version in decisions if version not in all_versions(cloud)}
    read = {line["image"]["version_id"] for line in lines} - {None} - deleted_for_good
    assert read == set(decisions) - deleted_for_good
    withdrawn = {line["image"]["key"] for line in lines if line["outcome"] == "withdrawn"}
    assert withdrawn >= set(versions) - set(current)
    fates = Counter(fate for each in storm.fates.values() for fate in each)
    print(f"{len(bodies)} messages, {storm.batches} batches, {storm.deaths} deaths, {len(unlucky)} unlucky, {fates}")
