"""Reads result documents out of the results bucket: thousands of small objects, in parallel, few of them in memory."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.deployed_stack import PARALLEL_READS, DeployedStack
from infra.operate.parallel import in_parallel

Document = dict[str, Any]
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Selection:
    """Which results are wanted; what is not given leaves none out.

    Attributes:
        prefix: of the images' keys.
        since: written then or later.
        decisions: of `ALL`, `normal`, `review`.
        model: a version, or the beginning of a digest.
        flagged: only those that a person should look at.
        rejected: only images that could not be scored.
    """

    prefix: str = ""
    since: datetime | None = None
    decisions: tuple[str, ...] = ()
    model: str | None = None
    flagged: bool = False
    rejected: bool = False

    def wants(self, document: Document) -> bool:
        """Whether a document, whose key and time fit already, is wanted."""
        model = document["model"]
        return (
            (not self.decisions or document["decision"] in self.decisions)
            and (not self.model or model["version"] == self.model or model["sha256"].startswith(self.model))
            and (not self.flagged or document["review"]["required"])
            and (not self.rejected or document["status"] == "rejected")
        )


def read_documents(
    stack: DeployedStack, selection: Selection, show: Callable[[int, int], None] = lambda read, listed: None
) -> Iterator[Document]:
    """The documents that are wanted, by their keys; `show` is told how many were read of how many listed so far.

    A flag holds the same document as its result: where only flagged ones are wanted, only flags are read.

    Raises:
        ClientError: S3 refuses or fails.
    """
    folder = "review/" if selection.flagged else "results/"
    listed = 0

    def keys() -> Iterator[str]:
        nonlocal listed
        pages = stack.s3.get_paginator("list_objects_v2").paginate(
            Bucket=stack.results, Prefix=f"{folder}{selection.prefix}"
        )
        for page in pages:
            recent = [
                entry["Key"]
                for entry in page.get("Contents", [])
                if selection.since is None or entry["LastModified"] >= selection.since
            ]
            listed += len(recent)
            yield from recent

    def fetch(key: str) -> Document | None:
        try:
            found: Document = json.loads(stack.s3.get_object(Bucket=stack.results, Key=key)["Body"].read())
        except stack.s3.exceptions.NoSuchKey:  # a flag that was lowered meanwhile
            return None
        return found

    for read, document in enumerate(in_parallel(fetch, keys(), PARALLEL_READS), 1):
        show(read, listed)
        if document and selection.wants(document):
            yield document


def moment(text: str, now: datetime | None = None) -> datetime:
    """A point in time: `90m`, `2h`, `3d` or `1w` ago, or an ISO 8601 date or time, UTC if it does not say.

    Raises:
        ValueError: none of these.
    """
    ago = re.fullmatch(r"(\d{1,6})([mhdw])", text)
    if ago:
        return (now or datetime.now(UTC)) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
