"""Finds and erases lines of the ledger: a file is written anew without them, and its older versions are erased."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from botocore.exceptions import ClientError

from infra.deployed_stack import PARALLEL_READS, DeployedStack
from infra.operate.erasure.selection import ImageSelection
from infra.operate.erasure.versions import Erased, Version, erase_versions, reason_of
from infra.operate.parallel import in_parallel
from lambda_fn.keys import LEDGER

# A file is tried again after somebody else wrote it meanwhile, as compaction does, this many times.
_ROUNDS = 5


@dataclass(frozen=True)
class LedgerFile:
    """A version of a ledger file that has lines of selected images.

    Attributes:
        version: the version.
        current: whether it is the current one of its key.
        lines: number of these lines.
        size: bytes of these lines.
    """

    version: Version
    current: bool
    lines: int
    size: int


def find_ledger_files(
    stack: DeployedStack, selection: ImageSelection, show: Callable[[int], None]
) -> Iterator[LedgerFile]:
    """The versions of ledger files with lines of selected images.

    Args:
        stack: the deployment.
        selection: the images.
        show: called with the number of versions that were read.

    Raises:
        ClientError: S3 refuses or fails.
    """

    def read(entry: Any) -> LedgerFile | None:  # noqa: ANN401 - a version in a listing of boto3
        version = Version(stack.results, entry["Key"], entry.get("VersionId") or "null", entry["Size"])
        try:
            body = stack.s3.get_object(Bucket=version.bucket, Key=version.key, VersionId=version.id)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchVersion"):
                return None
            raise
        lines = [line for line in body.split(b"\n") if _names(line, selection)]
        return LedgerFile(version, entry["IsLatest"], len(lines), sum(map(len, lines))) if lines else None

    pages = stack.s3.get_paginator("list_object_versions").paginate(Bucket=stack.results, Prefix=LEDGER)
    entries = (entry for page in pages for entry in page.get("Versions", []))
    for number, file in enumerate(in_parallel(read, entries, PARALLEL_READS), 1):
        show(number)
        if file:
            yield file


def erase_ledger_lines(
    stack: DeployedStack, selection: ImageSelection, files: list[LedgerFile], show: Callable[[int], None]
) -> Erased:
    """Erase the lines of selected images. The current version of a file keeps its other lines.

    Args:
        stack: the deployment.
        selection: the images.
        files: the versions with such lines, in the order of a listing.
        show: called with the number of versions that were tried.
    """
    erased, tried = Erased(), 0
    for key, group in groupby(files, key=lambda file: file.version.key):
        versions = list(group)
        lines, size = sum(file.lines for file in versions), sum(file.size for file in versions)
        new_id, reason = None, None
        if any(file.current for file in versions):
            new_id, reason = _rewrite(stack, selection, key)
        if reason is None:
            # The version that was current is an older one now, with lines that must go as well. A bucket that keeps no
            # versions has replaced it.
            older = (file.version for file in versions if file.version.id != new_id)
            reason = next(iter(erase_versions(stack.s3, older, lambda _: None).left), None)
        if reason:
            erased.left[reason] += lines
        else:
            erased.count, erased.size = erased.count + lines, erased.size + size
        tried += len(versions)
        show(tried)
    return erased


def _rewrite(stack: DeployedStack, selection: ImageSelection, key: str) -> tuple[str | None, str | None]:
    """Write the current version of a file without the selected images.

    A file without any line left is written empty, so that its key stays taken.

    Returns:
        The id of the new version, None if there is none; and the reason why the lines are still there, else None.
    """
    try:
        for _ in range(_ROUNDS):
            current = stack.s3.get_object(Bucket=stack.results, Key=key)
            lines = [line for line in current["Body"].read().split(b"\n") if not _names(line, selection)]
            if version := _put_if_unchanged(stack, key, b"\n".join(lines), current):
                return version, None
    except stack.s3.exceptions.NoSuchKey:
        return None, None
    except ClientError as error:
        return None, reason_of(error.response["Error"])
    return None, "the file was written again and again meanwhile; repeat the command"


def _put_if_unchanged(stack: DeployedStack, key: str, body: bytes, current: Any) -> str | None:  # noqa: ANN401
    """Write a file unless it changed since it was read.

    Args:
        stack: the deployment.
        key: the file's key.
        body: its new bytes.
        current: S3's answer to reading it.

    Returns:
        The id of the new version; None if the file changed.
    """
    try:
        answer = stack.s3.put_object(
            Bucket=stack.results,
            Key=key,
            Body=body,
            ContentType=current["ContentType"],
            Metadata=current["Metadata"],
            IfMatch=current["ETag"],
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"):
            return None
        raise
    return answer.get("VersionId") or "null"


def _names(line: bytes, selection: ImageSelection) -> bool:
    """Whether a line is about a selected image. A line that is no answer to an image stays."""
    try:
        return selection.has(json.loads(line)["image"]["key"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
