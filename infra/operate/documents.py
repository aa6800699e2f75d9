"""Reads result documents, from the results bucket or from a folder, with few in memory at a time."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from infra.deployed_stack import PARALLEL_READS, DeployedStack
from infra.operate.conditions import Condition
from infra.operate.parallel import in_parallel
from infra.tools.objects import list_pages, read_json
from lambda_fn.decisions import Decision
from lambda_fn.keys import RESULTS, REVIEW
from lambda_fn.results import SCHEMA, ResultDocument


@dataclass(frozen=True)
class Selection:
    """Conditions that a result must meet. Without any, every result is selected.

    Attributes:
        prefix: the image's key begins with it.
        since: the result was written then or later.
        decisions: the decision is one of these; empty for any decision.
        model: the model has this version, or a digest that begins with it.
        flagged: a person should look at the image.
        rejected: the image could not be scored.
        conditions: conditions on the result's numbers; all must hold.
    """

    prefix: str = ""
    since: datetime | None = None
    decisions: tuple[Decision, ...] = ()
    model: str | None = None
    flagged: bool = False
    rejected: bool = False
    conditions: tuple[Condition, ...] = ()

    def selects(self, document: ResultDocument) -> bool:
        """Whether a document meets all conditions on its content; prefix and time are not checked here."""
        model = document["model"]
        return (
            (not self.decisions or document["decision"] in self.decisions)
            and (not self.model or model["version"] == self.model or model["sha256"].startswith(self.model))
            and (not self.flagged or document["review"]["required"])
            and (not self.rejected or document["status"] == "rejected")
            and all(condition.holds(document) for condition in self.conditions)
        )


def read_documents(
    stack: DeployedStack,
    selection: Selection,
    show: Callable[[int, int], None] = lambda read, listed: None,
    on_odd: Callable[[str], None] = lambda key: None,
) -> Iterator[ResultDocument]:
    """The selected documents in the order of their keys.

    A review flag holds the same document as its result, so a selection of flagged images reads the flags alone.

    Args:
        stack: the deployment.
        selection: the conditions.
        show: called with the numbers of documents read and listed so far.
        on_odd: called with the key of each object that is no result document. It is left out.

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
        except stack.s3.exceptions.NoSuchKey:  # a flag that was removed meanwhile
            return None
        except ValueError:
            on_odd(key)
            return None
        if not _is_result(document):
            on_odd(key)
            return None
        return document

    for count, document in enumerate(in_parallel(read, keys(), PARALLEL_READS), 1):
        show(count, total)
        if document and selection.selects(document):
            yield document


def read_documents_below(
    folder: Path,
    selection: Selection,
    show: Callable[[int, int], None] = lambda read, listed: None,
    on_odd: Callable[[str], None] = lambda key: None,
) -> Iterator[ResultDocument]:
    """The selected documents that ``cellflag score`` wrote to a folder, as ``read_documents`` gives a deployment's.

    Raises:
        OSError: a document cannot be read.
    """
    root = folder / (REVIEW if selection.flagged else RESULTS)
    keys = (path.relative_to(root).as_posix() for path in root.rglob("*.json") if path.is_file())
    listed = sorted(key for key in keys if key.startswith(selection.prefix))
    for count, key in enumerate(listed, 1):
        show(count, len(listed))
        path = root / key
        if selection.since and datetime.fromtimestamp(path.stat().st_mtime, UTC) < selection.since:
            continue
        try:
            document: ResultDocument = json.loads(path.read_bytes())
        except ValueError:
            on_odd(str(path))
            continue
        if not _is_result(document):
            on_odd(str(path))
        elif selection.selects(document):
            yield document


def _is_result(document: object) -> bool:
    """Whether JSON has the fields of a result. Others may write to the bucket too, so an object may hold anything."""
    return (
        isinstance(document, dict)
        and document.get("schema") == SCHEMA
        and document.keys() >= ResultDocument.__required_keys__
    )
