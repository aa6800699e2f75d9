"""``cellflag backfill``: scores images that are in the bucket already."""

from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from infra import names
from infra.deployed_stack import DeployedStack
from infra.errors import InfraError
from infra.operate.access import on_a_stack
from infra.operate.backfills import executions
from infra.operate.backfills.costs import Work, backfill_cost
from infra.operate.backfills.executions import Counts, EndedExecution
from infra.operate.backfills.inventory import list_of_inventory
from infra.operate.backfills.outcomes import LEFT, BackfillTally, read_outcome
from infra.prices import PRICES_AS_OF
from infra.settings.configuration import EXPRESS_SECONDS
from lambda_fn.terminal import printable

# The exit code of a program that Ctrl-C ends.
_INTERRUPTED = 130


class BackfillFailedError(InfraError):
    """A backfill ended early, or some of its images have no answer."""


@click.command()
@click.option("--prefix", help="Score only images whose keys begin with this.")
@click.option(
    "--only-missing/--all",
    default=True,
    help="Score images without a current result of this model (default), or all, as after a change of settings.",
)
@click.option("--inventory", metavar="S3-URL", help="Take the keys from this manifest.json of an S3 Inventory in CSV.")
@click.option("--follow", is_flag=True, help="Follow the latest backfill; start none.")
@click.option("--stop", is_flag=True, help="Stop the running backfill; results so far stay.")
@click.option("--detach", is_flag=True, help="Start the backfill and do not wait for it.")
@on_a_stack
@click.pass_context
def backfill(
    context: click.Context,
    stack: DeployedStack,
    prefix: str | None,
    only_missing: bool,
    inventory: str | None,
    follow: bool,
    stop: bool,
    detach: bool,
) -> None:
    """Score images that are in the bucket already.

    By default these are images without a current result of the deployed model: images from before the deployment,
    images whose scoring failed, and all images after an update of the model. Repeating a backfill is safe.
    """
    console = Console(stderr=True, highlight=False)
    if sum((follow, stop, detach)) > 1:
        raise click.UsageError("--follow, --stop and --detach exclude each other")
    if follow or stop:
        execution = _newest(stack, must_run=stop)
    else:
        execution = _start(console, stack, prefix, only_missing, inventory)
    if stop:
        stack.stepfunctions.stop_execution(executionArn=execution, cause="cellflag backfill --stop")
    if detach:
        click.echo("Started. Follow it with --follow, stop it with --stop.")
        return
    try:
        ended = _follow(console, stack, execution)
    except KeyboardInterrupt:
        click.echo("\nThe backfill goes on. Follow it with --follow, stop it with --stop.", err=True)
        context.exit(_INTERRUPTED)
    tally = read_outcome(stack, ended.map_run_arn, ended.output) if ended.map_run_arn else BackfillTally()
    Console(highlight=False).print(summary(stack, ended, tally))
    if ended.status != "SUCCEEDED" and not stop:
        reason = ended.reason or "Step Functions gives no reason"
        raise BackfillFailedError(f"the backfill ended as {ended.status}: {reason}")
    if tally.failed:
        raise BackfillFailedError(f"{tally.failed} images failed; remove the cause, then run it again.")


def _newest(stack: DeployedStack, *, must_run: bool) -> str:
    newest = executions.newest(stack)
    if newest is None or (must_run and not newest.running):
        raise click.UsageError("no backfill is running" if must_run else "there has been no backfill yet")
    return newest.arn


def _start(
    console: Console, stack: DeployedStack, prefix: str | None, only_missing: bool, inventory: str | None
) -> str:
    newest = executions.newest(stack)
    if newest and newest.running:
        raise click.UsageError("a backfill is running: add --follow to follow it, --stop to stop it")
    prefix = _within(stack, prefix)
    request = {"backfill": "missing" if only_missing else "all", "prefix": prefix}
    if inventory:
        request["list"] = _list(console, stack, inventory, prefix)
    return executions.start(stack, request)


def _progress(console: Console, *columns: Any) -> Progress:  # noqa: ANN401 - rich's columns share no public type
    return Progress(TextColumn("{task.description}"), *columns, TimeElapsedColumn(), console=console)


def _within(stack: DeployedStack, prefix: str | None) -> str:
    """The prefix to list, within the one of the deployment, because the function may read no other keys."""
    configured = stack.outputs.get(names.IMAGES_PREFIX_OUTPUT, "")
    if prefix is not None and not prefix.startswith(configured):
        raise click.UsageError(f"{stack.name} scores only keys that begin with {configured}: change --prefix to match")
    return prefix or configured


def _list(console: Console, stack: DeployedStack, inventory: str, prefix: str) -> str:
    with _progress(console, TextColumn("{task.completed} keys")) as progress:
        task = progress.add_task("Reading the inventory", total=None)
        return list_of_inventory(stack, inventory, prefix, lambda keys: progress.update(task, completed=keys))


def _follow(console: Console, stack: DeployedStack, execution: str) -> EndedExecution:
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[note]}"))
    with _progress(console, *columns) as progress:
        task = progress.add_task("Scoring", total=None, note="")

        def show(counts: Counts) -> None:
            note = f"[red]{counts.failed} in failed batches" if counts.failed else ""
            progress.update(task, total=counts.total or None, completed=counts.done, note=note)

        return executions.follow(stack, execution, show)


def summary(stack: DeployedStack, ended: EndedExecution, tally: BackfillTally) -> Table:
    """The number of images by outcome, the duration, and the estimated cost."""
    answered = tally.scored + tally.rejected
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right")
    table.add_column()
    for number, words in (
        (tally.scored, "scored"),
        (tally.rejected, "rejected: these images cannot be scored"),
        (tally.review, "of both to review"),
        (tally.unchanged, "left as they are: their result is current"),
        (tally.stale, "left to a newer version of the image"),
        (tally.withdrawn, "deleted: their result was withdrawn"),
        (tally.gone, "deleted since they were listed"),
        (tally.failed, "failed"),
    ):
        if number or words == "scored":
            table.add_row(f"{number:,}", words)
    for reason, images in tally.reasons.most_common(10):
        table.add_row("", Text(printable(f"{images:,} times {reason}"), "red"))
    rate = answered / ended.seconds if ended.seconds else 0.0
    table.add_row(f"{ended.seconds:,.1f}", f"seconds, {rate:,.1f} images a second")
    table.add_row(f"{_cost(stack, ended, tally):,.4f}", f"USD on AWS, estimated at list prices of {PRICES_AS_OF}")
    return table


def _cost(stack: DeployedStack, ended: EndedExecution, tally: BackfillTally) -> float:
    """The estimated cost in USD. A backfill of all images is assumed to replace a result of each."""
    function = stack.functions.get_function_configuration(FunctionName=stack.output(names.FUNCTION_OUTPUT))
    looks_first = ended.request.get("backfill") == "missing"
    answered = tally.scored + tally.rejected
    work = Work(
        listed=answered + sum(getattr(tally, name) for name in LEFT) + tally.failed,
        first=answered if looks_first else 0,
        replaced=0 if looks_first else answered,
        flagged=tally.review,
        calls=tally.batches,
        ledgers=min(tally.batches, answered),
        seconds=tally.seconds,
    )
    (architecture,) = function["Architectures"]
    parts = backfill_cost(
        work,
        memory_mb=function["MemorySize"],
        architecture=architecture,
        express=function["Timeout"] <= EXPRESS_SECONDS,
        looks_first=looks_first,
    )
    return sum(parts.values())
