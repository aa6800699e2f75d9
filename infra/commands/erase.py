"""``cellflag erase``: erases images and all that was written about them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.filesize import decimal
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from infra import names
from infra.deployed_stack import DeployedStack
from infra.errors import InfraError
from infra.operate.access import on_a_stack
from infra.operate.dead_letters import depth
from infra.operate.erasure.selection import ImageSelection
from infra.operate.erasure.traces import IMAGES, Show, Traces, erase_traces, find_traces
from infra.operate.erasure.versions import Erased
from lambda_fn.folders import name_fault
from lambda_fn.terminal import printable

# The word that confirms an erasure.
_CONFIRMATION = "erase"
# The function answers the deletion of an image: it withdraws the result and writes a line of the ledger. The command
# waits until the queue is empty, at least and at most this many seconds, and then erases these traces as well.
LEAST_WAIT_SECONDS, MOST_WAIT_SECONDS = 10.0, 90.0
_LOOK_SECONDS = 1.0


class NotErasedError(InfraError):
    """Something could not be erased."""


@click.command()
@click.argument("key", required=False)
@click.option("--prefix", help="Erase all images whose keys begin with this.")
@click.option("--yes", is_flag=True, help="Erase without asking.")
@on_a_stack
def erase(stack: DeployedStack, key: str | None, prefix: str | None, yes: bool) -> None:
    """Erase the image KEY, or all below a prefix, and all that was written about them.

    \b
    This covers, in every version:
      the images and unfinished uploads of them
      their results, review flags and labels
      their lines in the ledger
      messages about them, in the queue and among the dead letters

    First counts them all and changes nothing. To erase them for good, confirm, or add --yes. Repeating the command is
    safe. The exit code is 1 if something could not be erased.
    """  # noqa: D301 - the backspace tells click to keep the lines as they are
    selection = _selection(stack, key, prefix)
    shown_name = printable(selection.beginning)
    with _progress("Looking at") as show:
        traces = find_traces(stack, selection, show)
    if traces.is_empty() and not yes:
        click.echo(f"There is no trace of {shown_name}.")
        return
    Console(highlight=False).print(_counts(traces))
    if not yes and not _confirmed():
        click.echo("Nothing was erased. To erase without a question, add --yes.")
        return
    images = traces.counts.get(IMAGES)
    _erase(stack, selection, traces)
    if images and images.items:
        _wait_for_answers(stack)
        with _progress("Looking at") as show:
            traces = find_traces(stack, selection, show)
        if not traces.is_empty():
            _erase(stack, selection, traces)
    click.echo(
        f"{shown_name} is erased. If images came in meanwhile, repeat the command in some minutes: "
        "one that was being scored may have left a result."
    )


def _erase(stack: DeployedStack, selection: ImageSelection, traces: Traces) -> None:
    """Erase the traces and print what was erased.

    Raises:
        NotErasedError: something could not be erased.
    """
    with _progress("Erasing") as show:
        outcome = erase_traces(stack, selection, traces, show)
    Console(highlight=False).print(_outcome(outcome))
    if any(erased.left for erased in outcome.values()):
        name = printable(selection.beginning)
        raise NotErasedError(f"not all of {name} was erased: remove the causes above, then repeat the command.")


def _wait_for_answers(stack: DeployedStack) -> None:
    """Wait until the function has answered the deletions, as far as the queue shows it."""
    start = time.monotonic()
    with Console(stderr=True).status("Waiting until the function has answered the deletion"):
        while (waited := time.monotonic() - start) < MOST_WAIT_SECONDS:
            if waited >= LEAST_WAIT_SECONDS and not any(depth(stack, names.QUEUE_OUTPUT).values()):
                return
            time.sleep(_LOOK_SECONDS)


def _selection(stack: DeployedStack, key: str | None, prefix: str | None) -> ImageSelection:
    """The images that the user names.

    Raises:
        click.UsageError: neither or both of key and prefix, one that no image has, or one of images of others.
    """
    beginning = key or prefix
    if not beginning or (key and prefix is not None):
        raise click.UsageError("name either the KEY of one image, or a --prefix that is not empty")
    if fault := name_fault(beginning):
        raise click.UsageError(f"{beginning} is the key of no image, because {fault}")
    configured = stack.outputs.get(names.IMAGES_PREFIX_OUTPUT, "")
    if not beginning.startswith(configured):
        raise click.UsageError(
            f"{stack.name} scores only keys that begin with {configured}: other objects of the bucket are not its own"
        )
    return ImageSelection(beginning, is_prefix=key is None)


def _confirmed() -> bool:
    """Whether the user types the word. The end of the input counts as no."""
    try:
        answer: str = click.prompt(f"Type {_CONFIRMATION} to erase all this for good", default="", show_default=False)
    except click.Abort:
        click.echo()
        return False
    return answer.strip().lower() == _CONFIRMATION


@contextmanager
def _progress(verb: str) -> Iterator[Show]:
    columns = (SpinnerColumn("line"), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(verb, total=None)
        yield lambda kind, number: progress.update(task, description=f"{verb} {kind}: {number:,}")


def _counts(traces: Traces) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("to erase", justify="right")
    table.add_column("")
    table.add_column("size", justify="right")
    for kind, count in traces.counts.items():
        if count.items:
            table.add_row(f"{count.items:,}", kind, decimal(count.size))
    for kind, reason in traces.hidden.items():
        table.add_row("?", Text(printable(f"{kind}: {reason}"), "red"))
    return table


def _outcome(outcome: dict[str, Erased]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("erased", justify="right")
    table.add_column("", overflow="fold")
    table.add_column("size", justify="right")
    for kind, erased in outcome.items():
        if erased.count:
            table.add_row(f"{erased.count:,}", kind, decimal(erased.size))
        for reason, count in erased.left.items():
            table.add_row("0", Text(printable(f"{kind}: {count:,} left, {reason}"), "red"))
    return table
