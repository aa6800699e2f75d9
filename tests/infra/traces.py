"""Images with all that is written about them in a deployment of buckets, ledger and queues, and what is left of it."""

import json
from typing import Any
from urllib.parse import quote_plus

from infra.deployed_stack import DeployedStack
from lambda_fn.keys import flag_key, image_key, label_key, result_key
from tests.infra.fakes import IMAGES, RESULTS

KEY = "plate 7/a.bmp"
# Keys that begin as KEY does, or that are hostile to XML, URLs and terminals. The emulator lists no keys with control
# characters, so tests/infra/operate/erasure has these.
OTHERS = (
    "plate 7/a.bmp.bmp",
    "plate 7/a.bmp.json",
    "plate 7/a.bmp/b.bmp",
    "plate 7/a",
    "plate 7/A.bmp",
    "plate+7/a.bmp",
    "plate%207/a.bmp",
    "a.bmp",
    "ü 患/\u202e&amp;<>'\"\\.bmp",
)
LEDGER = "ledger/dt=2026-11-22/batch.jsonl"


def line(key: str) -> bytes:
    return json.dumps({"image": {"key": key}, "note": "a\u2028b"}, ensure_ascii=False).encode()


def notification(*keys: str) -> str:
    entities = [{"bucket": {"name": IMAGES}, "object": {"key": quote_plus(key), "size": 1}} for key in keys]
    event = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
    return json.dumps({"Records": [event | {"s3": entity} for entity in entities]})


def put(stack: DeployedStack, bucket: str, key: str, *bodies: bytes) -> None:
    for body in bodies:
        stack.s3.put_object(Bucket=bucket, Key=key, Body=body)


def fill(stack: DeployedStack, *keys: str) -> None:
    """Images of two versions and a delete marker, with all that is written about them."""
    for key in keys:
        put(stack, IMAGES, key, b"first", b"second")
        stack.s3.delete_object(Bucket=IMAGES, Key=key)
        put(stack, IMAGES, key, b"third")
        for document in (result_key(key), flag_key(key), label_key(key)):
            put(stack, RESULTS, document, b"1", b"2")
        stack.s3.delete_object(Bucket=RESULTS, Key=flag_key(key))
        for output in ("QueueUrl", "DeadLetterQueueUrl"):
            stack.sqs.send_message(QueueUrl=stack.output(output), MessageBody=notification(key))


def versions(stack: DeployedStack) -> list[tuple[str, str, str]]:
    """Bucket, key and version of every version and delete marker."""
    found = []
    for bucket in (IMAGES, RESULTS):
        for page in stack.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            entries: list[Any] = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            found += [(bucket, entry["Key"], entry["VersionId"]) for entry in entries]
    return found


def owner(bucket: str, key: str) -> str | None:
    """The image that an object belongs to; None for a ledger file."""
    if bucket == IMAGES:
        return key
    if key.startswith("ledger/"):
        return None
    return image_key(key)


def of_images(stack: DeployedStack, *keys: str) -> list[tuple[str, str, str]]:
    return [one for one in versions(stack) if owner(one[0], one[1]) in keys]


def ledger_texts(stack: DeployedStack) -> list[bytes]:
    return [
        stack.s3.get_object(Bucket=RESULTS, Key=key, VersionId=version)["Body"].read()
        for _, key, version in versions(stack)
        if key.startswith("ledger/")
    ]


def message_texts(stack: DeployedStack, output: str) -> list[str]:
    texts: list[str] = []
    while received := stack.sqs.receive_message(QueueUrl=stack.output(output), MaxNumberOfMessages=10).get("Messages"):
        texts += [message["Body"] for message in received]
    return texts
