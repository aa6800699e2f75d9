"""Read the image of a message, or find its answer without a score: it has a result, it is gone, or it can have none."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from lambda_fn.errors import ImageGoneError, ImageUnchangedError
from lambda_fn.events import ImageReference
from lambda_fn.images import StoredImage
from lambda_fn.keys import MAX_IMAGE_KEY_BYTES, can_have_result, result_key
from lambda_fn.manifest import Manifest
from lambda_fn.precedence import Precedence
from lambda_fn.publishing import StoredDocument, withdraw
from lambda_fn.results import ModelFacts, ResultDocument, WriteOutcome, withdrawn, without_key
from lambda_fn.stores import BucketStore, current_version, read_from_bucket

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


@dataclass(frozen=True)
class ImageToScore:
    """An image that was read.

    Attributes:
        image: the image.
        has_result: whether it probably has a result already.
    """

    image: StoredImage
    has_result: bool


@dataclass(frozen=True)
class Finding:
    """The answer to an image that needs no score. It becomes a line of the ledger.

    Attributes:
        document: the result that stands, or a document for the ledger alone.
        outcome: what happened to the image's result.
    """

    document: ResultDocument
    outcome: WriteOutcome


def read_image(
    s3: "S3Client", store: BucketStore, reference: ImageReference, manifest: Manifest
) -> ImageToScore | Finding:
    """Read an image, in the version of the event, or else in the current one.

    If there is no image, its result is withdrawn. This is for the event of an upload, too: an earlier delivery may have
    ended right after it wrote the result.

    Args:
        s3: the S3 client.
        store: the results bucket.
        reference: the image.
        manifest: the manifest of the model that is served.

    Raises:
        ImageGoneError: the image or this version of it was deleted, and no result had to be withdrawn.
        ImageUnchangedError: the image has a current result of this model.
        ContentionError: other workers kept replacing the result while it was being withdrawn.
        ClientError: S3 refuses or fails.
    """
    time = datetime.now(UTC)
    model: ModelFacts = {"version": manifest.version, "sha256": manifest.sha256}
    if not can_have_result(reference.key):
        message = f"The key is longer than {MAX_IMAGE_KEY_BYTES:,} bytes, so its result could have no key in S3."
        return Finding(without_key(reference.bucket, reference.key, message, model), "unwritten")
    try:
        if reference.backfill == "missing":
            return _read_unless_scored(s3, store, reference, manifest)
        is_first = reference.backfill is None and not reference.removed
        return ImageToScore(read_from_bucket(s3, reference, limits=manifest.limits), has_result=not is_first)
    except ImageGoneError:
        look = partial(current_version, s3, reference.bucket, reference.key)
        withdrawal = withdraw(store, reference.key, look)
        # A deletion is a line even if no result stands: an earlier delivery may have ended before its ledger.
        if withdrawal == "returned" or (withdrawal == "absent" and not reference.removed):
            raise
        return Finding(withdrawn(reference.bucket, reference.key, model, time), "withdrawn")


def _read_unless_scored(
    s3: "S3Client", store: BucketStore, reference: ImageReference, manifest: Manifest
) -> ImageToScore | Finding:
    """Read the current version of an image, unless it has a result of this model."""
    standing = store.get(result_key(reference.key))
    if standing is None:
        return ImageToScore(read_from_bucket(s3, reference, limits=manifest.limits), has_result=False)
    earlier = Precedence.from_metadata(standing.metadata)
    known = earlier.version if earlier.model == manifest.sha256 else None
    try:
        return ImageToScore(read_from_bucket(s3, reference, known, manifest.limits), has_result=True)
    except ImageUnchangedError:
        own = _own_result(standing, reference.since)
        if own is None:
            raise
        return Finding(own, "duplicate")


def _own_result(standing: StoredDocument, since: datetime | None) -> ResultDocument | None:
    """Return the result that a backfill wrote itself: its first try may have ended before the ledger was written."""
    if since is None:
        return None
    document: ResultDocument = json.loads(standing.body)
    return document if datetime.fromisoformat(document["scored_at"]) >= since else None
