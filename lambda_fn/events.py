"""Read the images that an event names, from any of the shapes that it may have.

``infra`` reads this module too, so it imports the standard library alone.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import unquote_plus

from lambda_fn.errors import UnknownEventError


@dataclass(frozen=True)
class ImageReference:
    """One version of an image in S3.

    Attributes:
        bucket: the bucket's name.
        key: the object's key as S3 knows it, not URL-encoded.
        version_id: the version; None if the bucket keeps no versions or the event names none.
        sequencer: orders the uploads of one key, see ``publishing.Precedence``; None if the event has none.
        backfill: ``missing`` or ``all`` for an image of a backfill, which answers either the images without a current
            result of this model, or all images; None for a new upload.
    """

    bucket: str
    key: str
    version_id: str | None = None
    sequencer: str | None = None
    backfill: Literal["missing", "all"] | None = None


@dataclass(frozen=True)
class Message:
    """A message, which leaves the queue or goes back to it as a whole.

    Attributes:
        id: the queue's message id; empty for an event that came without a queue.
        body: the notification. It is not parsed yet, so that an unreadable message does not fail its neighbours.
    """

    id: str
    body: str | Mapping[str, Any]


def messages(event: Mapping[str, Any]) -> list[Message]:
    """Split an event into its messages: those of a batch from SQS, or the event itself as a single one."""
    records = event.get("Records")
    if isinstance(records, list) and records and all(record.get("eventSource") == "aws:sqs" for record in records):
        return [Message(record["messageId"], record["body"]) for record in records]
    return [Message("", event)]


def is_backfill(event: Mapping[str, Any]) -> bool:
    """Return whether a backfill sent the event. A backfill counts the images that fail and does not send them again."""
    return "Items" in event or "Backfill" in event


def image_references(message: Message) -> list[ImageReference]:
    """Return the images that a message names.

    Reads notifications from S3, directly or through SNS, "Object Created" events from EventBridge, and the items of a
    backfill, in batches or one by one. Folders name no image. Neither does the test event that S3 sends when
    notifications are set up.

    Raises:
        UnknownEventError: the message has none of these shapes.
    """
    body: object = message.body
    try:
        body = json.loads(message.body) if isinstance(message.body, str) else message.body
        return _read(cast(Any, body))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnknownEventError(f"neither S3, SNS, EventBridge nor Step Functions, but {_outline(body)}") from error


def _outline(body: object) -> str:
    """Describe the shape of a body without its values, which may hold names of patients."""
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
    # Keys are form-encoded in S3's own notifications, but not in EventBridge's events:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    key = unquote_plus(entity["key"])
    if _is_folder(key, entity.get("size")):
        return []
    return [ImageReference(record["s3"]["bucket"]["name"], key, entity.get("versionId"), entity.get("sequencer"))]


def _is_folder(key: str, size: object) -> bool:
    """Whether this is the empty object that S3's console makes for a folder. An object of unknown size is an image."""
    return key.endswith("/") and size == 0


def _from_item(item: Mapping[str, Any]) -> list[ImageReference]:
    """Return an item's image. A listing holds all keys; a key whose upload would not be scored is left out."""
    if item["Backfill"] not in ("missing", "all"):
        raise UnknownEventError(f"Backfill is {item['Backfill']!r}; it must be missing or all")
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
