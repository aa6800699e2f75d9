"""The objects of an S3 bucket: listing them, and reading one as bytes or JSON."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import ObjectTypeDef


def list_pages(s3: "S3Client", bucket: str, prefix: str) -> "Iterator[list[ObjectTypeDef]]":
    """The objects whose keys begin with ``prefix``, in the order of their keys, up to 1,000 a page.

    Raises:
        ClientError: S3 refuses or fails.
    """
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield page.get("Contents", [])


def list_keys(s3: "S3Client", bucket: str, prefix: str) -> Iterator[str]:
    """The keys that begin with ``prefix``, in order.

    Raises:
        ClientError: S3 refuses or fails.
    """
    return (entry["Key"] for page in list_pages(s3, bucket, prefix) for entry in page)


def open_object(s3: "S3Client", bucket: str, key: str) -> "StreamingBody":
    """An object's bytes as a stream, for one that may not fit into memory.

    Raises:
        NoSuchKey: there is no such object; the class is an attribute of ``s3.exceptions``.
        ClientError: S3 refuses or fails.
    """
    return s3.get_object(Bucket=bucket, Key=key)["Body"]


def read_bytes(s3: "S3Client", bucket: str, key: str) -> bytes:
    """An object's bytes; raises what ``open_object`` raises."""
    return open_object(s3, bucket, key).read()


def read_version(s3: "S3Client", bucket: str, key: str, version_id: str | None) -> bytes:
    """The bytes of a version of an object; None reads the current one. Raises what ``open_object`` raises."""
    if version_id is None:
        return read_bytes(s3, bucket, key)
    return s3.get_object(Bucket=bucket, Key=key, VersionId=version_id)["Body"].read()


def read_json(s3: "S3Client", bucket: str, key: str) -> Any:  # noqa: ANN401 - any JSON
    """The JSON value that an object holds.

    Raises:
        ValueError: the object holds no JSON.
        NoSuchKey, ClientError: see ``open_object``.
    """
    return json.loads(read_bytes(s3, bucket, key))
