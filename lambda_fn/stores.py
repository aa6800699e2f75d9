"""Where images come from and documents go to: S3, or a folder of this machine."""

import json
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lambda_fn.errors import ImageGoneError, ImageUnchangedError
from lambda_fn.events import ImageReference
from lambda_fn.images import StoredImage
from lambda_fn.keys import flag_key, result_key
from lambda_fn.manifest import LIMITS, Limits
from lambda_fn.publishing import StoredDocument
from lambda_fn.results import ResultDocument

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


def read_from_bucket(
    client: "S3Client", reference: ImageReference, known_etag: str | None = None, limits: Limits = LIMITS
) -> StoredImage:
    """Read the version of an image that an event names, unless its entity tag is ``known_etag``.

    Raises:
        ImageGoneError: the object, or this version of it, is no longer there.
        ImageUnchangedError: it has the entity tag ``known_etag``.
        ClientError: S3 refuses or fails; the message should come back.
    """
    started = perf_counter()
    parameters: dict[str, Any] = {}
    if reference.version_id:
        parameters["VersionId"] = reference.version_id
    if known_etag:
        parameters["IfNoneMatch"] = f'"{known_etag}"'
    try:
        response = client.get_object(Bucket=reference.bucket, Key=reference.key, **parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchVersion"):
            raise ImageGoneError from error
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 304:
            raise ImageUnchangedError from error
        raise
    byte_count = response["ContentLength"]
    # Not the body's own "with": that hands out the bare stream, which checks neither length nor checksum.
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
    """Read a file below ``folder``; raises ``OSError`` where it cannot be read."""
    started = perf_counter()
    status = path.stat()
    data = path.read_bytes() if status.st_size <= limits.file_bytes else b""
    return StoredImage(
        bucket=None,
        key=path.relative_to(folder).as_posix(),
        version_id=None,
        etag=None,
        last_modified=_to_the_second(datetime.fromtimestamp(status.st_mtime, UTC)),
        byte_count=status.st_size,
        data=data,
        read_ms=(perf_counter() - started) * 1000,
    )


def _to_the_second(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_to_folder(folder: Path, document: ResultDocument) -> None:
    """Write a result, and its flag while a person should look, under the paths that would be their keys in a bucket.

    Raises:
        OSError: the disk refuses.
    """
    key = document["image"]["key"]
    result, flag = folder / result_key(key), folder / flag_key(key)
    for path in (result, flag):
        path.parent.mkdir(parents=True, exist_ok=True)
    body = json.dumps(document, ensure_ascii=False, indent=1).encode()
    result.write_bytes(body)
    if document["review"]["required"]:
        flag.write_bytes(body)
    else:
        flag.unlink(missing_ok=True)


class BucketStore:
    """Documents in an S3 bucket; every method raises ``ClientError`` where S3 refuses or fails."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        """Write to ``bucket`` through ``client``."""
        self._client = client
        self._bucket = bucket

    def get(self, key: str) -> StoredDocument | None:
        """What lies under a key, None where nothing does."""
        try:
            response = self._client.get_object(Bucket=self._bucket, Key=key)
        except self._client.exceptions.NoSuchKey:
            return None
        with closing(response["Body"]) as body:
            return StoredDocument(body.read(), response["ETag"], response["Metadata"])

    def create(self, key: str, body: bytes, metadata: Mapping[str, str]) -> str | None:
        """Write where nothing lies, and return the new entity tag; None where something does."""
        return self._put_if(key, body, metadata, {"IfNoneMatch": "*"})

    def replace(self, key: str, body: bytes, metadata: Mapping[str, str], etag: str) -> str | None:
        """Write where ``etag`` still lies, and return the new entity tag; None where it no longer does."""
        return self._put_if(key, body, metadata, {"IfMatch": etag})

    def put(self, key: str, body: bytes, content_type: str = "application/json") -> None:
        """Write, whatever lies there."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)

    def delete(self, key: str) -> None:
        """Remove; S3 answers alike where nothing lies."""
        self._client.delete_object(Bucket=self._bucket, Key=key)

    def _put_if(self, key: str, body: bytes, metadata: Mapping[str, str], condition: dict[str, Any]) -> str | None:
        try:
            response = self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType="application/json",
                Metadata=metadata,
                **condition,
            )
        except ClientError as error:
            # 412: the condition does not hold; 409: another write is under way; 404: nothing is left to replace.
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (404, 409, 412) and (
                error.response["Error"]["Code"] != "NoSuchBucket"
            ):
                return None
            raise
        return response["ETag"]
