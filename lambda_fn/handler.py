"""The door for AWS: any batch of events in, the messages to deliver again out."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from lambda_fn.events import Message, UnknownEventError, image_references, messages
from lambda_fn.model import Model
from lambda_fn.results import write
from lambda_fn.scoring import score
from lambda_fn.stores import BucketStore, ImageGoneError, StoredImage, read_from_bucket

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# Reads and writes wait for S3, not for the processor: enough of them at once hide that wait behind inference.
PARALLEL_REQUESTS = 16

logger = Logger()
model = Model()
requests = ThreadPoolExecutor(PARALLEL_REQUESTS)
s3: "S3Client" = boto3.client(
    "s3", config=Config(max_pool_connections=PARALLEL_REQUESTS, retries={"mode": "standard", "total_max_attempts": 4})
)


class ScoringFailedError(Exception):
    """An event that came without a queue could not be answered in full; Lambda delivers it again."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Score every image of a batch and write its documents.

    Args:
        event: a batch of SQS messages that hold S3 notifications, or one S3 notification.
        context: Lambda's, unused.

    Returns:
        A partial batch response, https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html: the
        messages that failed and should be delivered again. Rejected images are answers, not failures.

    Raises:
        ScoringFailedError: a notification that came without a queue failed.
    """
    batch = messages(event)
    failed = _score_batch(batch, BucketStore(s3, os.environ["RESULTS_BUCKET"]))
    logger.info("batch", extra={"messages": len(batch), "failed": len(failed), "model": model.manifest.version})
    if failed and not batch[0].id:
        raise ScoringFailedError("the notification could not be answered; the log says why")
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _score_batch(batch: list[Message], store: BucketStore) -> list[str]:
    """Read ahead, score one after the other, write behind; returns the ids of the messages that failed."""
    failed: set[str] = set()
    reads: list[tuple[str, Future[StoredImage]]] = []
    writes: list[tuple[str, Future[None]]] = []
    for message in batch:
        try:
            references = image_references(message)
        except UnknownEventError as error:
            _fail(failed, message.id, error)
        else:
            reads += [(message.id, requests.submit(read_from_bucket, s3, reference)) for reference in references]
    for message_id, reading in reads:
        try:
            document = score(model, reading.result())
            writes.append((message_id, requests.submit(write, store, document)))
        except ImageGoneError:
            logger.info("image deleted before it was read", extra={"message_id": message_id})
        except Exception as error:  # noqa: BLE001 - one message must never fail its neighbours
            _fail(failed, message_id, error)
    for message_id, writing in writes:
        try:
            writing.result()
        except Exception as error:  # noqa: BLE001 - one message must never fail its neighbours
            _fail(failed, message_id, error)
    return sorted(failed)


def _fail(failed: set[str], message_id: str, error: Exception) -> None:
    failed.add(message_id)
    logger.error("message failed", extra={"message_id": message_id, "reason": f"{type(error).__name__}: {error}"})
