"""Reads result documents out of the results bucket: thousands of small objects, in parallel, few of them in memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from infra.operate.access import PARALLEL_READS, DeployedStack
from infra.operate.parallel import in_parallel
from infra.tools.objects import list_pages, read_json
from lambda_fn.decisions import Decision
from lambda_fn.keys import RESULTS, REVIEW
from lambda_fn.results import ResultDocument


@dataclass(frozen=True)
class Selection:
    """Which results are wanted; what is not given leaves none out.

    Attributes:
        prefix: of the images' keys.
        since: written then or later.
        decisions: one of these; empty for any.
        model: a version, or the beginning of a digest.
        flagged: only those that a person should look at.
        rejected: only images that could not be scored.
    """

    prefix: str = ""
    since: datetime | None = None
    decisions: tuple[Decision, ...] = ()
    model: str | None = None
    flagged: bool = False
    rejected: bool = False

    def wants(self, document: ResultDocument) -> bool:
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
) -> Iterator[ResultDocument]:
    """The documents that are wanted, by their keys; `show` is told how many were read of how many listed so far.

    A flag holds the same document as its result: where only flagged ones are wanted, only flags are read.

    Raises:
        ClientError: S3 refuses or fails.
    """
    prefix = (REVIEW if selection.flagged else RESULTS) + selection.prefix
    total = 0

    def keys() -> Iterator[str]:
        nonlocal total
        for page in list_pages(stack.s3, stack.results, prefix):
            recent = [
                entry["Key"] for entry in page if selection.since is None or entry["LastModified"] >= selection.since
            ]
            total += len(recent)
            yield from recent

    def read(key: str) -> ResultDocument | None:
        try:
            document: ResultDocument = read_json(stack.s3, stack.results, key)
        except stack.s3.exceptions.NoSuchKey:  # a flag that was lowered meanwhile
            return None
        return document

    for count, document in enumerate(in_parallel(read, keys(), PARALLEL_READS), 1):
        show(count, total)
        if document and selection.wants(document):
            yield document
