"""The door for AWS: any batch of events in, the messages to deliver again out."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from lambda_fn.events import ImageReference, Message, UnknownEventError, image_references, messages
from lambda_fn.model import Model
from lambda_fn.publishing import Outcome, Precedence, publish
from lambda_fn.reporting import Answer, logger, report_batch, report_failure
from lambda_fn.results import Document, ledger, ledger_key
from lambda_fn.scoring import score
from lambda_fn.stores import BucketStore, ImageGoneError, StoredImage, read_from_bucket

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from types_boto3_s3 import S3Client

# Reads and writes wait for S3, not for the processor: enough of them at once hide that wait behind inference. Each of
# the images read ahead may take images.MAX_BYTES of memory.
READ_AHEAD = 8
PARALLEL_WRITES = 16
# Left for the writes under way and the ledger when a batch is broken off: S3 answers within it even after retries.
RESERVED_MS = 8_000

model = Model()
readers = ThreadPoolExecutor(READ_AHEAD, "read")
writers = ThreadPoolExecutor(PARALLEL_WRITES, "write")
s3: "S3Client" = boto3.client(
    "s3",
    config=Config(
        max_pool_connections=READ_AHEAD + PARALLEL_WRITES,
        connect_timeout=3,
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": 4},
    ),
)


class ScoringFailedError(Exception):
    """An event that came without a queue could not be answered in full; whoever sent it delivers it again."""


def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Score every image of a batch and publish its documents.

    Args:
        event: a batch of SQS messages that hold notifications, or one notification; ``events`` knows the shapes.
        context: Lambda's, asked for the request's id and the time that is left.

    Returns:
        A partial batch response, https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html: the
        messages that failed and should be delivered again. Rejected images are answers, not failures.

    Raises:
        ScoringFailedError: a notification that came without a queue failed.
    """
    batch = messages(event)
    store = BucketStore(s3, os.environ["RESULTS_BUCKET"])
    answers, failed = _answer(batch, store, context)
    if answers:
        try:
            store.put(
                ledger_key(context.aws_request_id),
                ledger((answer.document, answer.outcome) for answer in answers),
                "application/jsonl",
            )
        except Exception as error:  # noqa: BLE001 - whatever S3 raises, the batch comes back and writes its ledger then
            for message in batch:
                _fail(failed, message.id, error)
    report_batch(len(batch), len(failed), answers, model.manifest.version)
    if failed and not batch[0].id:
        raise ScoringFailedError("the notification could not be answered; the log says why")
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failed)]}


def _answer(batch: list[Message], store: BucketStore, context: "LambdaContext") -> tuple[list[Answer], set[str]]:
    """Read ahead, score one after the other, write behind; returns the answers and the ids of messages that failed."""
    failed: set[str] = set()
    work: list[tuple[str, ImageReference]] = []
    for message in batch:
        try:
            work += [(message.id, reference) for reference in image_references(message)]
        except UnknownEventError as error:
            _fail(failed, message.id, error)
    writes: list[tuple[str, Document, Precedence, Future[Outcome]]] = []
    for index, (message_id, reference, reading) in enumerate(_read_ahead(work)):
        if index and context.get_remaining_time_in_millis() < RESERVED_MS:
            for late_id in {message_id for message_id, _ in work[index:]}:
                _fail(failed, late_id, TimeoutError("no time was left in this batch"))
            break
        try:
            image = reading.result()
            document = score(model, image)
            precedence = Precedence(reference.sequencer, image.last_modified, model.manifest.sha256)
            writing = writers.submit(publish, store, document, precedence)
            writes.append((message_id, document, precedence, writing))
        except ImageGoneError:
            logger.info("image deleted before it was read", extra={"message_id": message_id})
        except Exception as error:  # noqa: BLE001 - one message must never fail its neighbours
            _fail(failed, message_id, error)
    answers: list[Answer] = []
    for message_id, document, precedence, writing in writes:
        try:
            answers.append(Answer(document, writing.result(), precedence.last_modified))
        except Exception as error:  # noqa: BLE001 - one message must never fail its neighbours
            _fail(failed, message_id, error)
    return answers, failed


def _read_ahead(work: list[tuple[str, ImageReference]]) -> Iterator[tuple[str, ImageReference, Future[StoredImage]]]:
    """Each image with its reading under way, never more than ``READ_AHEAD`` of them."""
    reading: deque[tuple[str, ImageReference, Future[StoredImage]]] = deque()
    for message_id, reference in work:
        if len(reading) == READ_AHEAD:
            yield reading.popleft()
        reading.append((message_id, reference, readers.submit(read_from_bucket, s3, reference)))
    yield from reading


def _fail(failed: set[str], message_id: str, error: Exception) -> None:
    failed.add(message_id)
    report_failure(message_id, error)
