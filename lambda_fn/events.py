"""From the shape of an event to the images that it names."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import unquote_plus

from lambda_fn.errors import UnknownEventError


@dataclass(frozen=True)
class ImageReference:
    """One version of one object that an event speaks of.

    Attributes:
        bucket: the bucket's name.
        key: the object's key as S3 knows it, not URL-encoded.
        version_id: the version; None in a bucket without versions, or where the event does not say.
        sequencer: orders two events of one key, see ``publishing.Precedence``; None where the event does not say.
        backfill: of an image that lay there already: answer it if it is ``missing`` a result of this model, or answer
            ``all``, once more if need be; None for an upload that was announced.
    """

    bucket: str
    key: str
    version_id: str | None = None
    sequencer: str | None = None
    backfill: Literal["missing", "all"] | None = None


@dataclass(frozen=True)
class Message:
    """One unit of delivery: what returns to the queue, or leaves it, as a whole.

    Attributes:
        id: the queue's message id; empty for an event that came without a queue.
        body: the notification inside, still unread: one unreadable message must not fail its neighbours.
    """

    id: str
    body: str | Mapping[str, Any]


def messages(event: Mapping[str, Any]) -> list[Message]:
    """Split an event as Lambda delivers it: a batch from SQS, or one notification on its own."""
    records = event.get("Records")
    if isinstance(records, list) and records and all(record.get("eventSource") == "aws:sqs" for record in records):
        return [Message(record["messageId"], record["body"]) for record in records]
    return [Message("", event)]


def is_backfill(event: Mapping[str, Any]) -> bool:
    """Whether the backfill sent it: who does wants to know what became of each image, and delivers none again."""
    return "Items" in event or "Backfill" in event


def image_references(message: Message) -> list[ImageReference]:
    """The images that a message names; none for a folder, or for the test event of notifications that are set up.

    Knows S3's own notifications, the same through SNS, EventBridge's "Object Created", and what the backfill sends: a
    batch of items, or one on its own where the cloud makes no batches.

    Raises:
        UnknownEventError: none of these shapes.
    """
    body: object = message.body
    try:
        body = json.loads(message.body) if isinstance(message.body, str) else message.body
        return _read(cast(Any, body))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnknownEventError(f"neither S3, SNS, EventBridge nor Step Functions, but {_outline(body)}") from error


def _outline(body: object) -> str:
    """What something is, without what stands in it."""
    if isinstance(body, str):
        return f"{len(body):,} characters that are no JSON"
    if isinstance(body, Mapping):
        names = [repr(str(name)[:40]) for name in body]
        return f"an object of {', '.join(names[:8])}" if names else "an empty object"
    return f"a JSON {type(body).__name__}"


def _read(body: Mapping[str, Any]) -> list[ImageReference]:
    if body.get("Event") == "s3:TestEvent":
        return []
    if "detail-type" in body:
        return _from_event_bridge(body)
    if body.get("Type") == "Notification":
        return _read(json.loads(body["Message"]))
    if "Items" in body:
        return [reference for item in body["Items"] for reference in _from_item(item)]
    if "Backfill" in body:
        return _from_item(body)
    return [reference for record in body["Records"] for reference in _from_record(record)]


def _from_record(record: Mapping[str, Any]) -> list[ImageReference]:
    if record.get("EventSource") == "aws:sns":
        return _read(json.loads(record["Sns"]["Message"]))
    if record["eventSource"] != "aws:s3" or not record["eventName"].startswith("ObjectCreated:"):
        raise UnknownEventError(f"{record['eventSource']} {record['eventName']} is no creation of an object in S3")
    entity = record["s3"]["object"]
    # Keys in S3's own notifications are form-encoded, unlike EventBridge's:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    key = unquote_plus(entity["key"])
    if _is_folder(key, entity.get("size")):
        return []
    return [ImageReference(record["s3"]["bucket"]["name"], key, entity.get("versionId"), entity.get("sequencer"))]


def _is_folder(key: str, size: object) -> bool:
    """Whether this is the empty object by which S3's console makes a folder; what has no known size may be an image."""
    return key.endswith("/") and size == 0


def _from_item(item: Mapping[str, Any]) -> list[ImageReference]:
    """One image, or none: a listing names all keys, while uploads of other prefixes or suffixes are not announced."""
    if item["Backfill"] not in ("missing", "all"):
        raise UnknownEventError(f"a backfill of what is {item['Backfill']!r}; it must be missing or all")
    key: str = item["Key"]
    announced = key.startswith(item.get("Prefix", "")) and key.endswith(item.get("Suffix", ""))
    if not announced or _is_folder(key, item.get("Size")):
        return []
    return [ImageReference(item["Bucket"], key, backfill=item["Backfill"])]


def _from_event_bridge(event: Mapping[str, Any]) -> list[ImageReference]:
    if event["source"] != "aws.s3" or event["detail-type"] != "Object Created":
        raise UnknownEventError(f"{event['source']} {event['detail-type']} is no creation of an object in S3")
    entity = event["detail"]["object"]
    if _is_folder(entity["key"], entity.get("size")):
        return []
    bucket = event["detail"]["bucket"]["name"]
    return [ImageReference(bucket, entity["key"], entity.get("version-id"), entity.get("sequencer"))]
