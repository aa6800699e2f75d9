"""All traces of images in a deployment: counts them for a dry run, and erases them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from botocore.exceptions import ClientError

from infra import names
from infra.deployed_stack import DeployedStack
from infra.operate.erasure.ledger_lines import LedgerFile, erase_ledger_lines, find_ledger_files
from infra.operate.erasure.messages import count_messages, erase_messages
from infra.operate.erasure.selection import DOCUMENTS, ImageSelection
from infra.operate.erasure.versions import (
    Erased,
    Version,
    abort_uploads,
    erase_versions,
    find_unfinished_uploads,
    find_versions,
    reason_of,
)

IMAGES: Final = "image versions"
UPLOADS: Final = "unfinished uploads"
LEDGER_LINES: Final = "ledger lines"
DEAD_LETTERS: Final = "dead letters"
WAITING: Final = "waiting messages"

# Called with a kind of trace and the number of items that were looked at so far.
Show = Callable[[str, int], None]


@dataclass
class Count:
    """How much there is of a kind: number of items, and bytes."""

    items: int = 0
    size: int = 0


@dataclass
class Traces:
    """The traces of images.

    Attributes:
        counts: by kind, how much there is.
        ledger_files: the versions of ledger files with lines about the images.
        hidden: by kind, why it could not be looked for.
    """

    counts: dict[str, Count] = field(default_factory=dict)
    ledger_files: list[LedgerFile] = field(default_factory=list)
    hidden: dict[str, str] = field(default_factory=dict)

    def is_empty(self) -> bool:
        """Whether there is no trace, and every place could be looked at."""
        return not self.hidden and not any(count.items for count in self.counts.values())


def find_traces(stack: DeployedStack, selection: ImageSelection, show: Show) -> Traces:
    """Count all traces of the selected images, and change nothing.

    Waiting messages are not counted, because the function could not receive them meanwhile. Dead letters are hidden
    from other commands for some seconds.
    """
    traces = Traces()
    for kind, versions in _versions(stack, selection).items():
        with _refusals_into(traces.hidden, kind):
            count = traces.counts[kind] = Count()
            for version in versions:
                count.items, count.size = count.items + 1, count.size + version.size
                show(kind, count.items)
    with _refusals_into(traces.hidden, LEDGER_LINES):
        traces.ledger_files = list(find_ledger_files(stack, selection, lambda read: show(LEDGER_LINES, read)))
        lines, size = sum(file.lines for file in traces.ledger_files), sum(file.size for file in traces.ledger_files)
        traces.counts[LEDGER_LINES] = Count(lines, size)
    with _refusals_into(traces.hidden, DEAD_LETTERS):
        traces.counts[DEAD_LETTERS] = Count(count_messages(stack, names.DEAD_LETTER_QUEUE_OUTPUT, selection))
    return traces


def erase_traces(stack: DeployedStack, selection: ImageSelection, traces: Traces, show: Show) -> dict[str, Erased]:
    """Erase all traces of the selected images, and go on after those that cannot be erased.

    Messages go first and images second, so that no result is written again after it was erased.

    Args:
        stack: the deployment.
        selection: the images.
        traces: their traces.
        show: called with a kind and the number of its items that were tried.

    Returns:
        What was erased, and what was not, by kind.
    """
    outcome: dict[str, Erased] = {}
    hidden: dict[str, str] = {}
    for kind, output in ((WAITING, names.QUEUE_OUTPUT), (DEAD_LETTERS, names.DEAD_LETTER_QUEUE_OUTPUT)):
        with _refusals_into(hidden, kind):
            outcome[kind] = erase_messages(stack, output, selection, lambda done, kind=kind: show(kind, done))  # type: ignore[misc]
    for kind, versions in _versions(stack, selection).items():
        with _refusals_into(hidden, kind):
            outcome[kind] = (
                abort_uploads(stack.s3, versions)
                if kind == UPLOADS
                else erase_versions(stack.s3, versions, lambda done, kind=kind: show(kind, done))  # type: ignore[misc]
            )
    with _refusals_into(hidden, LEDGER_LINES):
        outcome[LEDGER_LINES] = erase_ledger_lines(
            stack, selection, traces.ledger_files, lambda done: show(LEDGER_LINES, done)
        )
    for kind, reason in {**traces.hidden, **hidden}.items():
        outcome.setdefault(kind, Erased()).left[reason] += 1
    return outcome


def _versions(stack: DeployedStack, selection: ImageSelection) -> dict[str, Iterator[Version]]:
    """The versions of all objects of the selected images, by kind; each is listed once it is read."""
    beginning = selection.beginning
    versions = {
        IMAGES: find_versions(stack.s3, stack.images, beginning, selection.has),
        UPLOADS: find_unfinished_uploads(stack.s3, stack.images, beginning, selection.has),
    }
    for prefix, kind in DOCUMENTS.items():
        versions[kind] = _documents(stack, selection, prefix)
    return versions


def _documents(stack: DeployedStack, selection: ImageSelection, prefix: str) -> Iterator[Version]:
    return find_versions(
        stack.s3, stack.results, prefix + selection.beginning, lambda key: selection.has_document(key, prefix)
    )


@contextmanager
def _refusals_into(reasons: dict[str, str], kind: str) -> Iterator[None]:
    """Note that AWS refused something for a kind, and go on with the next."""
    try:
        yield
    except ClientError as error:
        reasons[kind] = f"{error.operation_name} answered {reason_of(error.response['Error'])}"
