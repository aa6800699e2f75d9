"""Log lines and metrics for operators: a line for each batch and each failure.

Keys may hold names of patients, so only lines of level DEBUG hold keys.
"""

import os
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from botocore.exceptions import ClientError

from lambda_fn import metric_names
from lambda_fn.errors import FailedMessageError
from lambda_fn.results import BatchTally, ResultDocument, WriteOutcome
from lambda_fn.settings import SERVICE_NAME

# The name of the deployment. It is a dimension of every metric, because an account may hold several deployments.
SERVICE = os.environ.get(SERVICE_NAME, "cellflag")
logger = Logger(service=SERVICE)
metrics = Metrics(namespace=metric_names.NAMESPACE, service=SERVICE)
# The variable in which Lambda gives the version of the function:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
FUNCTION_VERSION = "AWS_LAMBDA_FUNCTION_VERSION"

# Error codes of S3 that come back until somebody removes the cause:
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
REMEDIES = {
    "InvalidObjectState": "the image lies in an archive (S3 Glacier); restore it, then send the dead letter back",
    "AccessDenied": "the function may not read the image, write its result, or use the key they are encrypted with",
    "KMS.DisabledException": "the KMS key that the image is encrypted with is disabled",
    "KMS.NotFoundException": "the KMS key that the image is encrypted with is gone",
    "KMS.KMSInvalidStateException": "the KMS key that the image is encrypted with is pending deletion",
    "NoSuchBucket": "the bucket is gone",
    "KeyTooLongError": "the image's key is so long that the key of its result would pass S3's limit of 1,024 bytes",
}
KMS_REMEDY = "the function may not use the KMS key; allow its role kms:Decrypt and, for results, kms:GenerateDataKey"
PACKAGE = Path(__file__).parent


class ImageAnswer(NamedTuple):
    """The answer to one image: its published document.

    Attributes:
        document: the result, or the document of a line of the ledger.
        outcome: what happened to the image's result.
        uploaded_at: time when the scored version was uploaded, ISO 8601 in UTC; None if nothing was uploaded for it.
    """

    document: ResultDocument
    outcome: WriteOutcome
    uploaded_at: str | None


def report_failure(message_ids: Sequence[str], error: Exception, key: str | None = None) -> str:
    """Log in one line why messages go back to the queue.

    If the function's application log level is DEBUG, a second line holds the image's ``key`` and the error's own text:
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html.

    Returns:
        The reason, which names no key.
    """
    reason = _reason(error)
    logger.error("message failed", extra={"message_ids": message_ids, "reason": reason})
    logger.debug("failed for", extra={"message_ids": message_ids, "key": key, "error": repr(error)})
    return reason


def report_unwritten(message_id: str, reason: str, key: str) -> None:
    """Log in one line that an image cannot have a result. Its message does not go back to the queue."""
    logger.error("no result can be written", extra={"message_ids": [message_id], "reason": reason})
    logger.debug("none for", extra={"message_ids": [message_id], "key": key})


def _reason(error: Exception) -> str:
    """Return why something failed, without texts of other libraries: botocore's name the URL, which holds the key."""
    if isinstance(error, ClientError):
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        remedy = KMS_REMEDY if code == "AccessDenied" and "kms:" in message else REMEDIES.get(code, "S3 did not do it")
        return f"{error.operation_name} answered {code}: {remedy}"
    if isinstance(error, FailedMessageError):
        return f"{type(error).__name__}: {error}"
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if PACKAGE in Path(frame.filename).parents]
    return f"{type(error).__name__} at {Path(own[-1].filename).name}:{own[-1].lineno}" if own else type(error).__name__


def tally(
    answers: Sequence[ImageAnswer], reasons: Mapping[str, int], unchanged: int, gone: int, seconds: float
) -> BatchTally:
    """Count the images of a batch by what happened to them, for the summary of a backfill.

    Args:
        answers: the answers to images.
        reasons: number of images that failed, by reason.
        unchanged: number of images whose result was current already.
        gone: number of images that were deleted before they were read.
        seconds: time that the batch took.

    Returns:
        The counts; no text among them names a key.
    """
    outcomes = Counter(answer.outcome for answer in answers)
    documents = [answer.document for answer in answers if answer.outcome not in ("stale", "withdrawn")]
    scored = sum(document["status"] == "scored" for document in documents)
    return {
        "scored": scored,
        "rejected": len(documents) - scored,
        "review": sum(document["decision"] == "review" for document in documents),
        "stale": outcomes["stale"],
        "withdrawn": outcomes["withdrawn"],
        "unchanged": unchanged,
        "gone": gone,
        "failed": sum(reasons.values()),
        "reasons": dict(reasons),
        "seconds": round(seconds, 3),
    }


def report_batch(messages: int, failed: int, answers: Sequence[ImageAnswer], model: str, queued: bool) -> None:
    """Log a batch in one line, and send its metrics.

    Args:
        messages: number of messages in the batch.
        failed: number of messages that go back to the queue.
        answers: the answers to images. A withdrawn result is logged, but counts in no metric of images.
        model: version of the model.
        queued: whether the batch came from the queue. A backfill counts its own failures, and its images were uploaded
            long ago, so neither its failures nor the time since the upload become metrics.
    """
    documents = [answer.document for answer in answers if answer.outcome != "withdrawn"]
    decisions = Counter(document["decision"] for document in documents)
    outcomes = Counter(answer.outcome for answer in answers)
    logger.info(
        "batch",
        extra={"messages": messages, "failed": failed, "decisions": decisions, "outcomes": outcomes, "model": model},
    )
    metrics.add_dimension(metric_names.MODEL_DIMENSION, model)
    metrics.add_metric(metric_names.MESSAGES_FAILED, MetricUnit.Count, failed if queued else 0)
    if documents:
        rejected = sum(document["status"] == "rejected" for document in documents)
        metrics.add_metric(metric_names.IMAGES, MetricUnit.Count, len(documents))
        metrics.add_metric(metric_names.REJECTED, MetricUnit.Count, rejected)
        for decision, name in metric_names.OF_DECISION.items():
            metrics.add_metric(name, MetricUnit.Count, decisions[decision])
    uploads = [datetime.fromisoformat(answer.uploaded_at) for answer in answers if answer.uploaded_at]
    if uploads and queued:
        slowest = (datetime.now(UTC) - min(uploads)).total_seconds()
        metrics.add_metric(metric_names.UPLOAD_TO_RESULT, MetricUnit.Seconds, max(slowest, 0))
    metrics.flush_metrics()
    if queued and (version := os.environ.get(FUNCTION_VERSION)):
        _count_by_version(version, len(answers), failed)


def _count_by_version(version: str, images: int, failed: int) -> None:
    """Count answered images and failed messages for one version of the function."""
    by_version = EphemeralMetrics(namespace=metric_names.NAMESPACE, service=SERVICE)
    by_version.add_dimension(metric_names.VERSION_DIMENSION, version)
    by_version.add_metric(metric_names.IMAGES, MetricUnit.Count, images)
    by_version.add_metric(metric_names.MESSAGES_FAILED, MetricUnit.Count, failed)
    by_version.flush_metrics()
