"""Answer a batch: read images ahead, score one after another, and write documents while the next image is scored."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from lambda_fn.deadline import Deadline
from lambda_fn.errors import ImageGoneError, ImageUnchangedError, OutOfTimeError, UnknownEventError
from lambda_fn.events import ImageReference, Message, image_references
from lambda_fn.images import StoredImage
from lambda_fn.keys import ledger_key
from lambda_fn.publishing import Precedence, current_precedence, publish
from lambda_fn.reporting import ImageAnswer, logger, report_failure
from lambda_fn.results import ResultDocument, WriteOutcome, ledger
from lambda_fn.runtime import READ_AHEAD, Runtime
from lambda_fn.scoring import score
from lambda_fn.stores import BucketStore, read_from_bucket

T = TypeVar("T")


@dataclass(frozen=True)
class _PendingRead:
    """An image that is being read. The future returns the image, and whether it probably has a result already."""

    message_id: str
    reference: ImageReference
    future: Future[tuple[StoredImage, bool]]


@dataclass(frozen=True)
class _PendingWrite:
    """A document that is being written."""

    message_id: str
    document: ResultDocument
    uploaded_at: str
    future: Future[WriteOutcome]


class Batch:
    """A batch of messages, and what happened to the images that they name.

    Attributes:
        messages: the messages of the batch.
        answers: the answers to images, one for each published document.
        failed_ids: ids of the messages to deliver again.
        reasons: how many images failed, by reason.
        unchanged: number of images that a backfill left out, because they have a current result of this model.
        gone: number of images that were deleted before they were read.
    """

    def __init__(self, messages: Sequence[Message], runtime: Runtime, store: BucketStore, deadline: Deadline) -> None:
        """Prepare a batch; nothing is read yet.

        Args:
            messages: the messages of the batch.
            runtime: model, policy, S3 client and threads.
            store: the results bucket.
            deadline: the time that is left for images, documents and the ledger.
        """
        self.messages = messages
        self.answers: list[ImageAnswer] = []
        self.failed_ids: set[str] = set()
        self.reasons: Counter[str] = Counter()
        self.unchanged = 0
        self.gone = 0
        self._runtime = runtime
        self._store = store
        self._deadline = deadline
        self._gave_up = False

    def answer(self, batch_id: str) -> None:
        """Publish the documents of all images, then write the batch's ledger.

        Failures are not raised, but recorded in ``failed_ids`` and ``reasons``.

        Args:
            batch_id: a name that no other batch has, for the ledger's file.
        """
        self._finish_writes(self._score_images(self._references()))
        if self.answers:
            self._write_ledger(batch_id)
        if self._gave_up:
            self._runtime.replace_workers()

    def _references(self) -> list[tuple[str, ImageReference]]:
        """Return the images of all messages, each with the id of its message."""
        references: list[tuple[str, ImageReference]] = []
        for message in self.messages:
            try:
                references += [(message.id, reference) for reference in image_references(message)]
            except UnknownEventError as error:
                self._fail([message.id], error)
        return references

    def _score_images(self, references: list[tuple[str, ImageReference]]) -> list[_PendingWrite]:
        """Score images in order, start to write their documents, and return the pending writes."""
        writes: list[_PendingWrite] = []
        for index, read in enumerate(self._read_ahead(references)):
            if not self._deadline.for_images():
                rest = references[index:]
                error = OutOfTimeError("no time was left in this batch")
                self._fail((message_id for message_id, _ in rest), error, len(rest))
                break
            try:
                image, has_result = _wait_for(read.future, self._deadline.for_images())
                writes.append(self._score_image(read, image, has_result))
            except ImageUnchangedError:
                self.unchanged += 1
            except ImageGoneError:
                self.gone += 1
                logger.info("image deleted before it was read", extra={"message_id": read.message_id})
            except Exception as error:  # noqa: BLE001 - one message must never fail its neighbours
                self._fail([read.message_id], error, key=read.reference.key)
        return writes

    def _score_image(self, read: _PendingRead, image: StoredImage, has_result: bool) -> _PendingWrite:
        runtime, reference = self._runtime, read.reference
        document = score(runtime.model, image, runtime.policy)
        precedence = Precedence(reference.sequencer, image.last_modified, runtime.model.manifest.sha256, image.etag)
        again = reference.backfill == "all"
        future = runtime.writers.submit(
            publish, self._store, document, precedence, look_first=has_result, replace_own=again
        )
        return _PendingWrite(read.message_id, document, image.last_modified, future)

    def _finish_writes(self, writes: Iterable[_PendingWrite]) -> None:
        for write in writes:
            try:
                outcome = _wait_for(write.future, self._deadline.for_writes())
                self.answers.append(ImageAnswer(write.document, outcome, write.uploaded_at))
            except Exception as error:  # noqa: BLE001 - one message must never fail its neighbours
                self._fail([write.message_id], error, key=write.document["image"]["key"])

    def _write_ledger(self, batch_id: str) -> None:
        """Write the ledger. If that fails, all messages are delivered again, and the ledger is written then."""
        lines = ledger((answer.document, answer.outcome) for answer in self.answers)
        key = ledger_key(batch_id, datetime.now(UTC).date())
        future = self._runtime.writers.submit(self._store.put, key, lines, "application/jsonl")
        try:
            _wait_for(future, self._deadline.for_ledger())
        except Exception as error:  # noqa: BLE001 - S3 may raise anything
            count, self.answers = len(self.answers), []
            self._fail((message.id for message in self.messages), error, count)

    def _read_ahead(self, references: Iterable[tuple[str, ImageReference]]) -> Iterator[_PendingRead]:
        """Start to read images, at most ``READ_AHEAD`` at a time, and yield them in order."""
        reads: deque[_PendingRead] = deque()
        for message_id, reference in references:
            if len(reads) == READ_AHEAD:
                yield reads.popleft()
            future = self._runtime.readers.submit(self._read, reference)
            reads.append(_PendingRead(message_id, reference, future))
        yield from reads

    def _read(self, reference: ImageReference) -> tuple[StoredImage, bool]:
        """Read an image; returns it, and whether it probably has a result already.

        Raises:
            ImageGoneError: it was deleted.
            ImageUnchangedError: a backfill asks for missing results, and the image has a current one of this model.
        """
        s3, manifest = self._runtime.s3, self._runtime.model.manifest
        if reference.backfill != "missing":
            return read_from_bucket(s3, reference, limits=manifest.limits), reference.backfill == "all"
        current = current_precedence(self._store, reference.key)
        etag = current.etag if current and current.model == manifest.sha256 else None
        return read_from_bucket(s3, reference, etag, manifest.limits), current is not None

    def _fail(self, message_ids: Iterable[str], error: Exception, images: int = 1, key: str | None = None) -> None:
        """Record an error, and have messages delivered again because of it.

        Args:
            message_ids: ids of the messages.
            error: the error.
            images: number of images that get no answer.
            key: key of the image, if it is a single one.
        """
        unique_ids = sorted(set(message_ids))
        self.failed_ids.update(unique_ids)
        self._gave_up |= isinstance(error, OutOfTimeError)
        self.reasons[report_failure(unique_ids, error, key)] += images


def _wait_for(future: Future[T], seconds: float) -> T:
    """Wait for a result, at most ``seconds``. A running task is left to finish; that is safe.

    Raises:
        OutOfTimeError: there is no result after ``seconds``.
    """
    try:
        return future.result(seconds)
    except TimeoutError as error:
        future.cancel()
        raise OutOfTimeError("S3 did not answer before the batch had to end") from error
