"""Write and delete objects of S3 only if nobody else did meanwhile.

The function writes results so, and the review page labels. All three packages read this module, so it imports the
standard library alone: errors are known by the client that raised them.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


def create(
    client: "S3Client", bucket: str, key: str, body: bytes, metadata: Mapping[str, str] | None = None
) -> str | None:
    """Write a new object of JSON, and return its entity tag; None if the key is taken.

    Raises:
        ClientError: S3 refuses for another reason, or fails.
    """
    return _put(client, bucket, key, body, metadata, {"IfNoneMatch": "*"})


def replace(
    client: "S3Client", bucket: str, key: str, body: bytes, etag: str, metadata: Mapping[str, str] | None = None
) -> str | None:
    """Replace the object of this ``etag``, and return the new entity tag; None if the key has another.

    Raises:
        ClientError: S3 refuses for another reason, or fails.
    """
    return _put(client, bucket, key, body, metadata, {"IfMatch": etag})


def delete_if(client: "S3Client", bucket: str, key: str, etag: str) -> bool:
    """Delete the object of this ``etag``; returns False if the key has another, or none.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html

    Raises:
        ClientError: S3 refuses for another reason, or fails.
    """
    try:
        client.delete_object(Bucket=bucket, Key=key, IfMatch=etag)
    except client.exceptions.ClientError as error:
        if _is_refused_condition(error.response):
            return False
        raise
    return True


def _put(
    client: "S3Client",
    bucket: str,
    key: str,
    body: bytes,
    metadata: Mapping[str, str] | None,
    condition: dict[str, Any],
) -> str | None:
    described: dict[str, Any] = {} if metadata is None else {"Metadata": metadata}
    try:
        response = client.put_object(
            Bucket=bucket, Key=key, Body=body, ContentType="application/json", **described, **condition
        )
    except client.exceptions.ClientError as error:
        if _is_refused_condition(error.response):
            return None
        raise
    return response["ETag"]


def _is_refused_condition(response: Mapping[str, Any]) -> bool:
    """Whether S3 refused a conditional request because of its condition.

    412: the condition does not hold; 409: another write is in progress; 404: the object of the condition is gone.
    """
    status, code = response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]
    return status in (404, 409, 412) and code != "NoSuchBucket"
