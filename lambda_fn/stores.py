"""Where images come from and documents go to: S3, or a folder of this machine."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lambda_fn.events import ImageReference
from lambda_fn.images import MAX_BYTES

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class ImageGoneError(Exception):
    """The image was deleted before it was read: there is nothing left to answer."""


@dataclass(frozen=True)
class StoredImage:
    """An image as it was read.

    Attributes:
        bucket: the bucket's name, None for a file of this machine.
        key: the object's key, or the file's path below its folder with ``/`` between parts.
        version_id: the version that was read, None where nothing is versioned.
        etag: S3's entity tag without its quotes, None for a file.
        byte_count: the whole object's size in bytes.
        data: the bytes; left empty where there are more than ``images.MAX_BYTES``, which nobody will decode.
        read_ms: how long reading took, in milliseconds.
    """

    bucket: str | None
    key: str
    version_id: str | None
    etag: str | None
    byte_count: int
    data: bytes
    read_ms: float


def read_from_bucket(client: "S3Client", reference: ImageReference) -> StoredImage:
    """Read the version of an image that an event names.

    Raises:
        ImageGoneError: the object, or this version of it, is no longer there.
        ClientError: S3 refuses or fails; the message should come back.
    """
    started = perf_counter()
    try:
        if reference.version_id:
            response = client.get_object(Bucket=reference.bucket, Key=reference.key, VersionId=reference.version_id)
        else:
            response = client.get_object(Bucket=reference.bucket, Key=reference.key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchVersion"):
            raise ImageGoneError from error
        raise
    byte_count = response["ContentLength"]
    with response["Body"] as body:
        data = body.read() if byte_count <= MAX_BYTES else b""
    return StoredImage(
        bucket=reference.bucket,
        key=reference.key,
        version_id=response.get("VersionId", reference.version_id),
        etag=response["ETag"].strip('"'),
        byte_count=byte_count,
        data=data,
        read_ms=(perf_counter() - started) * 1000,
    )


def read_from_folder(folder: Path, path: Path) -> StoredImage:
    """Read a file below ``folder``; raises ``OSError`` where it cannot be read."""
    started = perf_counter()
    byte_count = path.stat().st_size
    data = path.read_bytes() if byte_count <= MAX_BYTES else b""
    key = path.relative_to(folder).as_posix()
    return StoredImage(None, key, None, None, byte_count, data, (perf_counter() - started) * 1000)


class BucketStore:
    """Documents in an S3 bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        """Write to ``bucket`` through ``client``."""
        self._client = client
        self._bucket = bucket

    def put(self, key: str, body: bytes) -> None:
        """Write a document; raises ``ClientError`` where S3 refuses or fails."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")

    def delete(self, key: str) -> None:
        """Remove a document; S3 answers alike where there is none."""
        self._client.delete_object(Bucket=self._bucket, Key=key)


class FolderStore:
    """Documents in a folder, under the paths that would be their keys in a bucket."""

    def __init__(self, folder: Path) -> None:
        """Write below ``folder``, which is made when the first document comes."""
        self._folder = folder

    def put(self, key: str, body: bytes) -> None:
        """Write a document; raises ``OSError`` where the disk refuses."""
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def delete(self, key: str) -> None:
        """Remove a document if there is one."""
        (self._folder / key).unlink(missing_ok=True)
