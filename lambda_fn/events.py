"""From the shape of an event to the images that it names."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus


@dataclass(frozen=True)
class ImageReference:
    """One version of one object that an event speaks of.

    Attributes:
        bucket: the bucket's name.
        key: the object's key as S3 knows it, not URL-encoded.
        version_id: the version, None in a bucket without versioning.
        byte_count: the object's size in bytes, None where the event does not say.
        sequencer: orders two events of one key; hexadecimal, of varying length.
    """

    bucket: str
    key: str
    version_id: str | None = None
    byte_count: int | None = None
    sequencer: str | None = None


@dataclass(frozen=True)
class Message:
    """One unit of delivery: what returns to the queue, or leaves it, as a whole.

    Attributes:
        id: the queue's message id, empty for an event that came without a queue.
        body: the notification inside, still unread: one unreadable message must not fail its neighbours.
    """

    id: str
    body: str | Mapping[str, Any]


class UnknownEventError(Exception):
    """An event of a shape that this function does not know."""


def messages(event: Mapping[str, Any]) -> list[Message]:
    """Split an event as Lambda delivers it: a batch from SQS, or one S3 notification on its own."""
    records = event.get("Records")
    if isinstance(records, list) and records and all(record.get("eventSource") == "aws:sqs" for record in records):
        return [Message(record["messageId"], record["body"]) for record in records]
    return [Message("", event)]


def image_references(message: Message) -> list[ImageReference]:
    """The images that a message names; none for the test event that S3 sends when notifications are set up.

    Raises:
        UnknownEventError: the message is not an S3 notification of created objects.
    """
    try:
        notification = json.loads(message.body) if isinstance(message.body, str) else message.body
        if notification.get("Event") == "s3:TestEvent":
            return []
        return [_image_reference(record) for record in notification["Records"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnknownEventError(f"not an S3 notification ({error!r})") from error


def _image_reference(record: Mapping[str, Any]) -> ImageReference:
    if record["eventSource"] != "aws:s3" or not record["eventName"].startswith("ObjectCreated:"):
        raise ValueError(f"{record['eventSource']} {record['eventName']}")
    entity = record["s3"]["object"]
    return ImageReference(
        bucket=record["s3"]["bucket"]["name"],
        # Keys in S3 notifications are form-encoded: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
        key=unquote_plus(entity["key"]),
        version_id=entity.get("versionId"),
        byte_count=entity.get("size"),
        sequencer=entity.get("sequencer"),
    )
