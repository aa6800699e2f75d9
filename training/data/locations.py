"""Files on disk and objects of S3 behind one kind of address: a path, or ``s3://<bucket>/<key>``."""

import errno
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

S3 = "s3://"


@cache
def s3_client() -> "S3Client":
    """The one client of this process; it serves many threads."""
    import boto3

    return boto3.client("s3")


def read_bytes(location: str) -> bytes:
    """Read a file, or an object of S3.

    Raises:
        OSError: there is none, it is no regular file, or it cannot be read.
    """
    if not location.startswith(S3):
        path = Path(location)
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe might never end
            raise OSError(errno.EINVAL, "It is no regular file", location)
        return path.read_bytes()
    bucket, key = _bucket_and_key(location)
    try:
        return s3_client().get_object(Bucket=bucket, Key=key)["Body"].read()
    except (ClientError, BotoCoreError) as error:
        raise OSError(0, str(error), location) from error


def list_files(root: str, prefix: str) -> Iterator[tuple[str, str]]:
    """List files below a folder, or objects of S3, in the order of their keys.

    Args:
        root: path of a folder, or ``s3://<bucket>`` with or without a prefix of its own.
        prefix: what keys begin with, up to a slash.

    Yields:
        The location of each file, and its key: its path below ``root`` with ``/`` between parts.

    Raises:
        OSError: the bucket cannot be listed.
    """
    if not root.startswith(S3):
        for path in sorted((Path(root) / prefix).rglob("*")):
            if path.is_file():
                yield str(path), path.relative_to(root).as_posix()
        return
    bucket, folder = _bucket_and_key(f"{root.rstrip('/')}/")
    try:
        for page in s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder + prefix):
            for entry in page.get("Contents", []):
                yield f"{S3}{bucket}/{entry['Key']}", entry["Key"].removeprefix(folder)
    except (ClientError, BotoCoreError) as error:
        raise OSError(0, str(error), root) from error


def _bucket_and_key(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix(S3).partition("/")
    return bucket, key
