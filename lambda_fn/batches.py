"""Answer a batch: read images ahead, score one after another, and write documents while the next image is scored."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from lambda_fn.deadline import Deadline
from lambda_fn.errors import ImageGoneError, ImageUnchangedError, OutOfTimeError, UnknownEventError
from lambda_fn.events import ImageReference, Message, image_references
from lambda_fn.images import StoredImage
from lambda_fn.isolation import IsolatedScoring
from lambda_fn.keys import ledger_key
from lambda_fn.precedence import Precedence
from lambda_fn.publishing import publish
from lambda_fn.reading import Finding, ImageToScore, read_image
from lambda_fn.reporting import ImageAnswer, logger, report_failure, report_unwritten
from lambda_fn.results import ResultDocument, WriteOutcome, ledger
from lambda_fn.runtime import Runtime
from lambda_fn.scoring import score
from lambda_fn.settings import READ_AHEAD
from lambda_fn.stores import BucketStore, current_version

T = TypeVar("T")


@dataclass(frozen=True)
class _PendingRead:
    """An image that is being read."""

    message_id: str
    reference: ImageReference
    future: Future[ImageToScore | Finding]


@dataclass(frozen=True)
class _PendingWrite:
    """A document that is being written."""

    message_id: str
    document: ResultDocument
    uploaded_at: str | None
    future: Future[WriteOutcome]


class Batch:
    """A batch of messages, and what happened to the images that they name.

    Attributes:
        messages: the messages of the batch.
        answers: the answers to images, one for each line of the ledger.
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
        # One late message isolates the whole batch: an image beside it may be the next to end the process.
        late = any(message.late for message in messages)
        self._isolated = IsolatedScoring(runtime.model, runtime.policy) if late else None

    def answer(self, batch_id: str) -> None:
        """Publish the documents of all images, then write the batch's ledger.

        Failures are not raised, but recorded in ``failed_ids`` and ``reasons``.

        Args:
            batch_id: a name that no other batch has, for the ledger's file.
        """
        try:
            writes = self._score_images(self._references())
        finally:
            if self._isolated:
                self._isolated.stop()
        self._finish_writes(writes)
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
                reading = _wait_for(read.future, self._deadline.for_images())
                if isinstance(reading, Finding):
                    self._record(read, reading)
                else:
                    writes.append(self._score_image(read, reading))
            except ImageUnchangedError:
                self.unchanged += 1
            except ImageGoneError:
                self.gone += 1
                logger.info("image deleted before it was read", extra={"message_id": read.message_id})
            except Exception as error:  # noqa: BLE001 - one message must never fail its neighbours
                self._fail([read.message_id], error, key=read.reference.key)
        return writes

    def _record(self, read: _PendingRead, finding: Finding) -> None:
        if finding.outcome == "unwritten":
            report_unwritten(read.message_id, finding.document["error"]["message"], read.reference.key)
        self.answers.append(ImageAnswer(finding.document, finding.outcome, None))

    def _score_image(self, read: _PendingRead, reading: ImageToScore) -> _PendingWrite:
        runtime, reference, image = self._runtime, read.reference, reading.image
        document = self._score(image)
        model = runtime.model.manifest.sha256
        precedence = Precedence(reference.sequencer, image.last_modified, model, image.etag, image.version_id)
        future = runtime.writers.submit(
            publish,
            self._store,
            document,
            precedence,
            partial(current_version, runtime.s3, reference.bucket, reference.key),
            look_first=reading.has_result,
            replace_own=reference.removed or reference.backfill == "all",
        )
        # A deletion makes an old upload current again. The time since that upload is no delay of the function.
        return _PendingWrite(read.message_id, document, None if reference.removed else image.last_modified, future)

    def _score(self, image: StoredImage) -> ResultDocument:
        if self._isolated:
            return self._isolated.score(image, self._deadline.for_images)
        return score(self._runtime.model, image, self._runtime.policy)

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
            future = self._runtime.readers.submit(
                read_image, self._runtime.s3, self._store, reference, self._runtime.model.manifest
            )
            reads.append(_PendingRead(message_id, reference, future))
        yield from reads

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
