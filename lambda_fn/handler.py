"""The door for AWS: any batch of events in, the messages to deliver again out."""

import json
import os
import random
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import numpy as np
from botocore.config import Config

from lambda_fn.deadline import SILENT_SECONDS, Deadline, OutOfTimeError
from lambda_fn.events import ImageReference, Message, UnknownEventError, image_references, is_backfill, messages
from lambda_fn.images import StoredImage
from lambda_fn.keys import ledger_key
from lambda_fn.model import Model
from lambda_fn.publishing import Outcome, Precedence, publish, standing_precedence
from lambda_fn.reporting import Answer, logger, report_batch, report_failure, tally
from lambda_fn.results import ResultDocument, ledger
from lambda_fn.scoring import score
from lambda_fn.settings import RESULTS_BUCKET
from lambda_fn.settings import policy as policy_of
from lambda_fn.stores import BucketStore, ImageGoneError, ImageUnchangedError, read_from_bucket

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from types_boto3_s3 import S3Client

# Reads and writes wait for S3, not for the processor: enough of them at once hide that wait behind inference. Each of
# the images read ahead may take ``Limits.file_bytes`` of memory.
READ_AHEAD = 8
PARALLEL_WRITES = 16

T = TypeVar("T")

model = Model()
policy = policy_of(os.environ, model.manifest)


def _hire() -> tuple[ThreadPoolExecutor, ThreadPoolExecutor]:
    """Workers that read, and workers that write."""
    return ThreadPoolExecutor(READ_AHEAD, "read"), ThreadPoolExecutor(PARALLEL_WRITES, "write")


def _connect() -> "S3Client":
    return boto3.client(
        "s3",
        config=Config(
            max_pool_connections=READ_AHEAD + PARALLEL_WRITES,
            connect_timeout=SILENT_SECONDS,
            read_timeout=SILENT_SECONDS,
            retries={"mode": "standard", "total_max_attempts": 4},
        ),
    )


readers, writers = _hire()
s3 = _connect()


def before_snapshot() -> None:
    """Do what only the first image would else pay for, so that SnapStart's snapshot holds it done."""
    side = model.manifest.preprocessing.size
    model.predict(np.zeros((side, side, 3), np.uint8))


def after_restore() -> None:
    """Replace what must not be shared by all that start from one snapshot: connections, credentials, randomness.

    https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
    """
    global s3
    s3 = _connect()
    random.seed()  # botocore spreads its retries by it


with suppress(ImportError):  # comes with Lambda's runtime
    from snapshot_restore_py import register_after_restore, register_before_snapshot

    register_before_snapshot(before_snapshot)
    register_after_restore(after_restore)


class ScoringFailedError(Exception):
    """A notification that came without a queue could not be answered in full; whoever sent it delivers it again.

    Its text is the same JSON that a full answer returns.
    """


@dataclass
class Batch:
    """What became of a batch.

    Attributes:
        answers: the documents that were published.
        failed: the ids of the messages to deliver again.
        reasons: how many images failed for which reason.
        unchanged: images whose result of this model stands already, as a backfill asks.
        gone: images that were deleted before they were read.
        late: whether something was given up that may still be under way.
    """

    answers: list[Answer] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    reasons: Counter[str] = field(default_factory=Counter)
    unchanged: int = 0
    gone: int = 0
    late: bool = False

    def fail(self, message_ids: Iterable[str], error: Exception, images: int = 1, key: str | None = None) -> None:
        """Have messages delivered again for one error, for the sake of the image ``key`` or of so many images."""
        failed = sorted(set(message_ids))
        self.failed.update(failed)
        self.late |= isinstance(error, OutOfTimeError)
        self.reasons[report_failure(failed, error, key)] += images


def handler(event: dict[str, Any], context: "LambdaContext") -> Mapping[str, Any]:
    """Score every image of a batch and publish its documents.

    Args:
        event: a batch of SQS messages that hold notifications, or one notification; ``events`` knows the shapes.
        context: Lambda's, asked for the request's id and the time that is left.

    Returns:
        A partial batch response, https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html: the
        messages that failed and should be delivered again. Rejected images are answers, not failures. To who sends
        without a queue, as the backfill does: ``reporting.tally``.

    Raises:
        ScoringFailedError: a notification that came without a queue failed. A backfill's batch never does: an image
            that cannot be read is not a crash of the function, of which an alarm would tell.
    """
    started = perf_counter()
    received = messages(event)
    store = BucketStore(s3, os.environ[RESULTS_BUCKET])
    deadline = Deadline(context)
    batch = _answer(received, store, deadline)
    if batch.answers:
        lines = ledger((answer.document, answer.outcome) for answer in batch.answers)
        writing = writers.submit(
            store.put, ledger_key(context.aws_request_id, datetime.now(UTC).date()), lines, "application/jsonl"
        )
        try:
            _in_time(writing, deadline.for_ledger())
        except Exception as error:  # noqa: BLE001 - whatever S3 raises, the batch comes back and writes its ledger then
            answered, batch.answers = len(batch.answers), []
            batch.fail((message.id for message in received), error, answered)
    if batch.late:
        _replace_workers()
    queued = bool(received[0].id)
    report_batch(len(received), len(batch.failed), batch.answers, model.manifest.version, queued)
    if queued:
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(batch.failed)]}
    counts = tally(batch.answers, batch.reasons, batch.unchanged, batch.gone, perf_counter() - started)
    if batch.failed and not is_backfill(event):
        raise ScoringFailedError(json.dumps(counts))
    return counts


def _answer(received: list[Message], store: BucketStore, deadline: Deadline) -> Batch:
    """Read ahead, score one after the other, write behind."""
    batch = Batch()
    work: list[tuple[str, ImageReference]] = []
    for message in received:
        try:
            work += [(message.id, reference) for reference in image_references(message)]
        except UnknownEventError as error:
            batch.fail([message.id], error)
    writes: list[tuple[str, ResultDocument, Precedence, Future[Outcome]]] = []
    for index, (message_id, reference, reading) in enumerate(_read_ahead(work, store)):
        if not deadline.for_images():
            late = work[index:]
            batch.fail((late_id for late_id, _ in late), OutOfTimeError("no time was left in this batch"), len(late))
            break
        try:
            image, has_result = _in_time(reading, deadline.for_images())
            document = score(model, image, policy)
            precedence = Precedence(reference.sequencer, image.last_modified, model.manifest.sha256, image.etag)
            again = reference.backfill == "all"
            writing = writers.submit(publish, store, document, precedence, look_first=has_result, replace_own=again)
            writes.append((message_id, document, precedence, writing))
        except ImageUnchangedError:
            batch.unchanged += 1
        except ImageGoneError:
            batch.gone += 1
            logger.info("image deleted before it was read", extra={"message_id": message_id})
        except Exception as error:  # noqa: BLE001 - one message must never fail its neighbours
            batch.fail([message_id], error, key=reference.key)
    for message_id, document, precedence, writing in writes:
        try:
            outcome = _in_time(writing, deadline.for_writes())
            batch.answers.append(Answer(document, outcome, precedence.last_modified))
        except Exception as error:  # noqa: BLE001 - one message must never fail its neighbours
            batch.fail([message_id], error, key=document["image"]["key"])
    return batch


def _in_time(work: Future[T], seconds: float) -> T:
    """What comes of some work; what is under way and goes on does no harm, no more than another worker's would."""
    try:
        return work.result(seconds)
    except TimeoutError as error:
        work.cancel()
        raise OutOfTimeError("S3 did not answer before the batch had to end") from error


def _replace_workers() -> None:
    """Give up what is not begun, and leave behind what S3 keeps hanging: the next batch must not wait for either."""
    global readers, writers
    for workers in (readers, writers):
        workers.shutdown(wait=False, cancel_futures=True)
    readers, writers = _hire()


def _read_ahead(
    work: list[tuple[str, ImageReference]], store: BucketStore
) -> Iterator[tuple[str, ImageReference, Future[tuple[StoredImage, bool]]]]:
    """Each image with its reading under way, never more than ``READ_AHEAD`` of them."""
    reading: deque[tuple[str, ImageReference, Future[tuple[StoredImage, bool]]]] = deque()
    for message_id, reference in work:
        if len(reading) == READ_AHEAD:
            yield reading.popleft()
        reading.append((message_id, reference, readers.submit(_read, store, reference)))
    yield from reading


def _read(store: BucketStore, reference: ImageReference) -> tuple[StoredImage, bool]:
    """Read an image, but not one whose result a backfill would only repeat; tell whether it seems to have a result."""
    if reference.backfill != "missing":
        return read_from_bucket(s3, reference, limits=model.manifest.limits), reference.backfill == "all"
    standing = standing_precedence(store, reference.key)
    known = standing.etag if standing and standing.model == model.manifest.sha256 else None
    return read_from_bucket(s3, reference, known, model.manifest.limits), standing is not None
