"""The entry point of the function on AWS Lambda."""

import json
import os
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from lambda_fn.batches import Batch
from lambda_fn.deadline import Deadline
from lambda_fn.errors import IncompleteBatchError
from lambda_fn.events import is_backfill, messages
from lambda_fn.reporting import report_batch, tally
from lambda_fn.runtime import Runtime
from lambda_fn.settings import RESULTS_BUCKET
from lambda_fn.stores import BucketStore

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

runtime = Runtime.start(os.environ)
runtime.register_snapshot_hooks()


def handler(event: dict[str, Any], context: "LambdaContext") -> Mapping[str, Any]:
    """Score the images of a batch and publish their documents.

    Args:
        event: a batch of SQS messages, a single notification, or a batch of a backfill. ``events`` reads all shapes.
        context: Lambda's context, with the request's id and the time that is left.

    Returns:
        For a batch from a queue, a partial batch response with the ids of the messages to deliver again:
        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html. A rejected image has an answer,
        so its message is not among them. For any other event, the counts of ``reporting.tally``.

    Raises:
        IncompleteBatchError: an image of a notification without a queue failed. A backfill's failed images are only
            counted, because an exception would raise the alarm for crashes of the function.
    """
    started = perf_counter()
    store = BucketStore(runtime.s3, os.environ[RESULTS_BUCKET])
    batch = Batch(messages(event), runtime, store, Deadline(context))
    batch.answer(context.aws_request_id)
    queued = bool(batch.messages[0].id)
    report_batch(len(batch.messages), len(batch.failed_ids), batch.answers, runtime.model.manifest.version, queued)
    if queued:
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(batch.failed_ids)]}
    counts = tally(batch.answers, batch.reasons, batch.unchanged, batch.gone, perf_counter() - started)
    if batch.failed_ids and not is_backfill(event):
        raise IncompleteBatchError(json.dumps(counts))
    return counts
