"""Read the images that an event names, from any of the shapes that it may have.

``infra`` reads this module too, so it imports the standard library alone.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast
from urllib.parse import unquote_plus

from lambda_fn.errors import UnknownEventError

# A message that is received this often has failed twice, or ended its process twice together with other messages.
LATE_RECEIVES = 3
# Families of S3's event names. A lifecycle rule that deletes an image sends an event of its own:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
CREATED = "ObjectCreated"
REMOVED = ("ObjectRemoved", "LifecycleExpiration")


@dataclass(frozen=True)
class ImageReference:
    """One version of an image in S3, or the image of a deletion.

    Attributes:
        bucket: the bucket's name.
        key: the object's key as S3 knows it, not URL-encoded.
        version_id: the version; None if the bucket keeps no versions or the event names none.
        sequencer: orders the uploads of one key, see ``publishing.Precedence``; None if the event has none.
        backfill: ``missing`` or ``all`` for an image of a backfill, which answers either the images without a current
            result of this model, or all images; None for a new upload.
        removed: whether the event is a deletion of a version, or of the whole image. It names no version, because the
            one that is current now has to be answered.
        since: start of the backfill. A current result that was written later is the backfill's own.
    """

    bucket: str
    key: str
    version_id: str | None = None
    sequencer: str | None = None
    backfill: Literal["missing", "all"] | None = None
    removed: bool = False
    since: datetime | None = None


@dataclass(frozen=True)
class Message:
    """A message, which leaves the queue or goes back to it as a whole.

    Attributes:
        id: the queue's message id; empty for an event that came without a queue.
        body: the notification. It is not parsed yet, so that an unreadable message does not fail its neighbours.
        late: whether earlier deliveries failed so often that its images may be what ended their process.
    """

    id: str
    body: str | Mapping[str, Any]
    late: bool = False


def messages(event: Mapping[str, Any]) -> list[Message]:
    """Split an event into its messages: those of a batch from SQS, or the event itself as a single one."""
    records = event.get("Records")
    if isinstance(records, list) and records and all(record.get("eventSource") == "aws:sqs" for record in records):
        return [Message(record["messageId"], record["body"], _is_late(record)) for record in records]
    return [Message("", event, _crashed(event))]


def _is_late(record: Mapping[str, Any]) -> bool:
    receives = str(record.get("attributes", {}).get("ApproximateReceiveCount", ""))
    return receives.isdecimal() and int(receives) >= LATE_RECEIVES


def _crashed(event: Mapping[str, Any]) -> bool:
    """Whether a backfill hands over a batch whose earlier calls ended without an answer."""
    first = event.get("first")
    return isinstance(first, Mapping) and first.get("crashed") is True


def is_backfill(event: Mapping[str, Any]) -> bool:
    """Return whether a backfill sent the event. A backfill counts the images that fail and does not send them again."""
    return "Items" in event or "Backfill" in event


def image_references(message: Message) -> list[ImageReference]:
    """Return the images that a message names.

    Reads notifications from S3, directly or through SNS, "Object Created" and "Object Deleted" events from EventBridge,
    and the items of a backfill, in batches or one by one. Folders name no image. Neither does the test event that S3
    sends when notifications are set up.

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
        return [reference for item in body["Items"] for reference in _from_item(item, _has_ledger(body))]
    if "Backfill" in body:
        return _from_item(body, _has_ledger(body))
    return [reference for record in body["Records"] for reference in _from_record(record)]


def _from_record(record: Mapping[str, Any]) -> list[ImageReference]:
    if record.get("EventSource") == "aws:sns":
        return _read(json.loads(record["Sns"]["Message"]))
    source, name = record["eventSource"], record["eventName"]
    family = name.partition(":")[0]
    if source != "aws:s3" or family not in (CREATED, *REMOVED):
        raise UnknownEventError(f"{source} {name} is neither the creation nor the deletion of an object in S3")
    if "s3" not in record:
        raise UnknownEventError(f"{source} {name} names no object")
    entity = record["s3"]["object"]
    # Keys are form-encoded in S3's own notifications, but not in EventBridge's events:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    key = unquote_plus(entity["key"])
    if _is_folder(key, entity.get("size")):
        return []
    bucket, sequencer = record["s3"]["bucket"]["name"], entity.get("sequencer")
    if family in REMOVED:
        return [ImageReference(bucket, key, sequencer=sequencer, removed=True)]
    return [ImageReference(bucket, key, entity.get("versionId"), sequencer)]


def _is_folder(key: str, size: object) -> bool:
    """Whether this is the empty object that S3's console makes for a folder. An object of unknown size is an image."""
    return key.endswith("/") and size == 0


def _has_ledger(body: Mapping[str, Any]) -> bool:
    """Whether a backfill's first try of this batch ended with answers; it wrote their lines of the ledger then."""
    counts = body.get("first", {}).get("counts", {})
    return bool(counts.get("scored", 0) + counts.get("rejected", 0) > 0)


def _from_item(item: Mapping[str, Any], has_ledger: bool) -> list[ImageReference]:
    """Return an item's image. A listing holds all keys; a key whose upload would not be scored is left out."""
    if item["Backfill"] not in ("missing", "all"):
        raise UnknownEventError(f"Backfill is {item['Backfill']!r}; it must be missing or all")
    key: str = item["Key"]
    announced = key.startswith(item.get("Prefix", "")) and key.endswith(item.get("Suffix", ""))
    if not announced or _is_folder(key, item.get("Size")):
        return []
    since = datetime.fromisoformat(item["Since"]) if "Since" in item and not has_ledger else None
    return [ImageReference(item["Bucket"], key, backfill=item["Backfill"], since=since)]


def _from_event_bridge(event: Mapping[str, Any]) -> list[ImageReference]:
    source, kind = event["source"], event["detail-type"]
    if source != "aws.s3" or kind not in ("Object Created", "Object Deleted"):
        raise UnknownEventError(f"{source} {kind} is neither the creation nor the deletion of an object in S3")
    if "detail" not in event:
        raise UnknownEventError(f"{source} {kind} names no object")
    entity = event["detail"]["object"]
    if _is_folder(entity["key"], entity.get("size")):
        return []
    bucket = event["detail"]["bucket"]["name"]
    if kind == "Object Deleted":
        return [ImageReference(bucket, entity["key"], sequencer=entity.get("sequencer"), removed=True)]
    return [ImageReference(bucket, entity["key"], entity.get("version-id"), entity.get("sequencer"))]
