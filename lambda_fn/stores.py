"""Read images and write documents, in S3 or in a folder on disk."""

from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lambda_fn import conditional_writes
from lambda_fn.errors import ImageGoneError, ImageUnchangedError
from lambda_fn.events import ImageReference
from lambda_fn.files import write_whole
from lambda_fn.images import StoredImage
from lambda_fn.keys import flag_key, label_key, result_key
from lambda_fn.labels import is_answer
from lambda_fn.precedence import ImageVersion
from lambda_fn.preprocessing import LIMITS, Limits
from lambda_fn.publishing import StoredDocument
from lambda_fn.results import ResultDocument, to_json

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# The end of the last year of four digits, in seconds since 1970. A file on a damaged disk may be older or younger than
# any year that a date can have.
_LATEST = 253_402_300_799


def current_version(client: "S3Client", bucket: str, key: str) -> ImageVersion | None:
    """Return the current version of an image; None if the image is gone.

    Raises:
        ClientError: S3 refuses or fails, or the bucket is gone.
    """
    try:
        response: Any = client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        # The answer to HEAD has no body. Only GET distinguishes a missing object from a missing bucket.
        try:
            response = client.get_object(Bucket=bucket, Key=key)
        except ClientError as missing:
            if missing.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        response["Body"].close()
    return ImageVersion(response.get("VersionId"), response["ETag"].strip('"'))


def read_from_bucket(
    client: "S3Client", reference: ImageReference, known: ImageVersion | None = None, limits: Limits = LIMITS
) -> StoredImage:
    """Read an image from S3, in the version that the event names, or else in the current one.

    Args:
        client: the S3 client.
        reference: the image.
        known: the version that need not be read again, if it is still the current one.
        limits: the largest image to read; of a larger one only the size is known.

    Raises:
        ImageGoneError: the object or this version of it was deleted.
        ImageUnchangedError: the current version is ``known``.
        ClientError: S3 refuses or fails.
    """
    started = perf_counter()
    parameters: dict[str, Any] = {}
    if reference.version_id:
        parameters["VersionId"] = reference.version_id
    # A conditional GET would compare entity tags alone; two versions of the same bytes have the same.
    if known:
        current = current_version(client, reference.bucket, reference.key)
        if current and known.is_same(current):
            raise ImageUnchangedError
    try:
        response = client.get_object(Bucket=reference.bucket, Key=reference.key, **parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchVersion"):
            raise ImageGoneError from error
        raise
    byte_count = response["ContentLength"]
    # ``with response["Body"]`` would give the bare stream, which checks neither length nor checksum.
    with closing(response["Body"]) as body:
        data = body.read() if byte_count <= limits.file_bytes else b""
    return StoredImage(
        bucket=reference.bucket,
        key=reference.key,
        version_id=response.get("VersionId", reference.version_id),
        etag=response["ETag"].strip('"'),
        last_modified=_to_the_second(response["LastModified"]),
        byte_count=byte_count,
        data=data,
        read_ms=(perf_counter() - started) * 1000,
    )


def read_from_folder(folder: Path, path: Path, limits: Limits = LIMITS) -> StoredImage:
    """Read an image file below ``folder``; of one larger than the limit only the size is read.

    Raises:
        OSError: the file cannot be read.
    """
    started = perf_counter()
    status = path.stat()
    data = path.read_bytes() if status.st_size <= limits.file_bytes else b""
    return StoredImage(
        bucket=None,
        key=path.relative_to(folder).as_posix(),
        version_id=None,
        etag=None,
        last_modified=_to_the_second(datetime.fromtimestamp(min(max(status.st_mtime, 0), _LATEST), UTC)),
        byte_count=status.st_size,
        data=data,
        read_ms=(perf_counter() - started) * 1000,
    )


def _to_the_second(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_to_folder(folder: Path, document: ResultDocument) -> None:
    """Write a result and its review flag below a folder; their paths are the keys that they would have in a bucket.

    If nobody needs to look at the image, or a person has labelled these very pixels, its flag is deleted.

    Raises:
        OSError: a file cannot be written.
    """
    key = document["image"]["key"]
    result, flag = folder / result_key(key), folder / flag_key(key)
    body = to_json(document)
    flagged = document["review"]["required"] and not _is_answered(folder / label_key(key), document)
    # The flag comes first and goes last: whatever fails in between, no result that asks for review is without it.
    if flagged:
        write_whole(flag, body)
    write_whole(result, body)
    if not flagged:
        flag.unlink(missing_ok=True)


def _is_answered(label: Path, document: ResultDocument) -> bool:
    return label.is_file() and is_answer(label.read_bytes(), document["image"])


class BucketStore:
    """Documents in an S3 bucket. Every method raises ``ClientError`` if S3 refuses or fails."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        """Use a bucket through an S3 client."""
        self._client = client
        self._bucket = bucket

    def get(self, key: str) -> StoredDocument | None:
        """Return the document of a key; None if there is none."""
        try:
            response = self._client.get_object(Bucket=self._bucket, Key=key)
        except self._client.exceptions.NoSuchKey:
            return None
        with closing(response["Body"]) as body:
            return StoredDocument(body.read(), response["ETag"], response["Metadata"])

    def create(self, key: str, body: bytes, metadata: Mapping[str, str]) -> str | None:
        """Write a new object, and return its entity tag; None if the key is taken."""
        return conditional_writes.create(self._client, self._bucket, key, body, metadata)

    def replace(self, key: str, body: bytes, metadata: Mapping[str, str], etag: str) -> str | None:
        """Replace the object of this ``etag``, and return the new entity tag; None if the key now has another."""
        return conditional_writes.replace(self._client, self._bucket, key, body, etag, metadata)

    def put(self, key: str, body: bytes, content_type: str = "application/json") -> None:
        """Write an object, whether or not the key is taken."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)

    def delete(self, key: str) -> None:
        """Delete an object; does nothing if there is none."""
        self._client.delete_object(Bucket=self._bucket, Key=key)

    def delete_if(self, key: str, etag: str) -> bool:
        """Delete the object of this ``etag``; returns False if the key now has another, or none."""
        return conditional_writes.delete_if(self._client, self._bucket, key, etag)
