"""Finds and erases all versions of objects. A version that is erased is gone for good."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote_plus

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# The most versions that S3 deletes in one request.
_MOST_DELETIONS = 1000

Page = TypeVar("Page")


@dataclass(frozen=True)
class Version:
    """A version of an object, a delete marker, or an unfinished upload.

    Attributes:
        bucket: name of its bucket.
        key: key of its object.
        id: its version id; ``null`` in a bucket that keeps no versions. Of an unfinished upload, the upload's id.
        size: bytes; 0 for a delete marker, and for an unfinished upload, whose size is unknown.
    """

    bucket: str
    key: str
    id: str
    size: int


@dataclass
class Erased:
    """What was erased of one kind.

    Attributes:
        count: number of versions, lines or messages.
        size: bytes.
        left: by reason, the number of those that could not be erased.
    """

    count: int = 0
    size: int = 0
    left: Counter[str] = field(default_factory=Counter)


def find_versions(s3: "S3Client", bucket: str, prefix: str, selects: Callable[[str], bool]) -> Iterator[Version]:
    """The versions and delete markers of all selected keys that begin with ``prefix``.

    Raises:
        ClientError: S3 refuses or fails.
    """
    for page in _ahead(s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)):
        entries: list[Any] = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        for entry in entries:
            if selects(entry["Key"]):
                yield Version(bucket, entry["Key"], entry.get("VersionId") or "null", entry.get("Size", 0))


def find_unfinished_uploads(
    s3: "S3Client", bucket: str, prefix: str, selects: Callable[[str], bool]
) -> Iterator[Version]:
    """The multipart uploads of selected keys that were begun and not completed. Their parts hold pixels, too.

    Raises:
        ClientError: S3 refuses or fails.
    """
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix, EncodingType="url")
    for page in _ahead(pages):
        # The XML of an answer cannot hold every key. Unlike listings of objects, boto3 does not decode this one.
        encoded = page.get("EncodingType") == "url"
        for upload in page.get("Uploads", []):
            key = unquote_plus(upload["Key"]) if encoded else upload["Key"]
            if selects(key):
                yield Version(bucket, key, upload["UploadId"], 0)


def _ahead(pages: Iterable[Page]) -> Iterator[Page]:
    """Yield each page after the next one was read, because a listing goes on from an entry that must still be there."""
    last: Page | None = None
    for page in pages:
        if last is not None:
            yield last
        last = page
    if last is not None:
        yield last


def erase_versions(s3: "S3Client", versions: Iterable[Version], show: Callable[[int], None]) -> Erased:
    """Erase versions, and go on after those that cannot be erased, such as ones under S3 Object Lock.

    Args:
        s3: a client of S3.
        versions: of one bucket.
        show: called with the number of versions that were tried.
    """
    erased, tried = Erased(), 0
    remaining = iter(versions)
    while batch := list(islice(remaining, _MOST_DELETIONS)):
        reasons = _delete(s3, batch)
        for version, reason in zip(batch, reasons, strict=True):
            if reason:
                erased.left[reason] += 1
            else:
                erased.count, erased.size = erased.count + 1, erased.size + version.size
        tried += len(batch)
        show(tried)
    return erased


def abort_uploads(s3: "S3Client", uploads: Iterable[Version]) -> Erased:
    """Abort multipart uploads, which erases their parts."""
    erased = Erased()
    for upload in uploads:
        try:
            s3.abort_multipart_upload(Bucket=upload.bucket, Key=upload.key, UploadId=upload.id)
            erased.count += 1
        except s3.exceptions.NoSuchUpload:
            pass  # it was completed or aborted meanwhile
        except ClientError as error:
            erased.left[reason_of(error.response["Error"])] += 1
    return erased


def _delete(s3: "S3Client", batch: list[Version]) -> list[str | None]:
    """Delete versions; the reason for each that remains, else None."""
    together = [version for version in batch if _fits_xml(version.key)]
    reasons: dict[tuple[str, str | None], str] = {}
    if together:
        objects: list[Any] = [{"Key": version.key, "VersionId": version.id} for version in together]
        try:
            answer = s3.delete_objects(Bucket=batch[0].bucket, Delete={"Objects": objects, "Quiet": True})
            for error in answer.get("Errors", []):
                reasons[error.get("Key", ""), error.get("VersionId") or None] = reason_of(error)
        except ClientError as error:
            reason = reason_of(error.response["Error"])
            reasons |= {(version.key, version.id): reason for version in together}
    for version in batch:
        if not _fits_xml(version.key):
            try:
                s3.delete_object(Bucket=version.bucket, Key=version.key, VersionId=version.id)
            except ClientError as error:
                reasons[version.key, version.id] = reason_of(error.response["Error"])
    # An answer without a version id is about every version of the key.
    return [reasons.get((version.key, version.id)) or reasons.get((version.key, None)) for version in batch]


def _fits_xml(key: str) -> bool:
    """Whether the XML of a request for many objects can hold a key; it cannot hold control characters."""
    return all(character >= " " and character not in "\ufffe\uffff" for character in key)


def reason_of(error: Any) -> str:  # noqa: ANN401 - ``Code`` and ``Message`` of a refusal, as S3 or SQS gives them
    """Why something was not erased, in one line, from an answer of AWS."""
    return f"{error.get('Code', 'no code')}: {error.get('Message', 'no reason given')}".rstrip(".")
