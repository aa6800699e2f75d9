"""`cellflag backfill`: scores what lies in the bucket already, on demand all of it once more."""

from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from infra import names
from infra.operate.access import DeployedStack, on_a_stack
from infra.operate.backfills import executions
from infra.operate.backfills.costs import Work, backfill_cost
from infra.operate.backfills.executions import Counts, Ended
from infra.operate.backfills.inventory import list_of_inventory
from infra.operate.backfills.outcomes import LEFT, Outcome, read_outcome
from infra.prices import PRICES_AS_OF
from infra.settings.configuration import EXPRESS_SECONDS

_INTERRUPTED = 130


@click.command()
@click.option("--prefix", help="Only images whose keys begin with it.")
@click.option(
    "--only-missing/--all",
    default=True,
    help="Images without a current result of this model (default), or every one, as after a change of settings.",
)
@click.option("--inventory", metavar="S3-URL", help="Take keys from this manifest.json of S3 Inventory, in CSV.")
@click.option("--follow", is_flag=True, help="Follow the newest backfill; start none.")
@click.option("--stop", is_flag=True, help="Stop the backfill that runs; what is scored stays.")
@click.option("--detach", is_flag=True, help="Start it and do not wait.")
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
    """Score images that lie in the bucket already.

    By default those without a current result of the deployed model: images from before the deployment, images whose
    scoring failed, and after an update of the model all of them. It may be repeated at any time.
    """
    console = Console(stderr=True, highlight=False)
    if sum((follow, stop, detach)) > 1:
        raise click.UsageError("--follow, --stop and --detach exclude each other")
    newest = executions.newest(stack)
    if stop or follow:
        if newest is None or (stop and not newest[1]):
            raise click.UsageError("no backfill is running" if stop else "there has been no backfill yet")
        execution = newest[0]
        if stop:
            stack.stepfunctions.stop_execution(executionArn=execution, cause="cellflag backfill --stop")
    else:
        if newest and newest[1]:
            raise click.UsageError("a backfill is running: add --follow to follow it, --stop to stop it")
        prefix = _within(stack, prefix)
        asked = {"backfill": "missing" if only_missing else "all", "prefix": prefix}
        if inventory:
            asked["list"] = _listed(console, stack, inventory, prefix)
        execution = executions.start(stack, asked)
    if detach:
        click.echo("Started. Follow it with --follow, stop it with --stop.")
        return
    try:
        ended = _follow(console, stack, execution)
    except KeyboardInterrupt:
        click.echo("\nThe backfill goes on. Follow it with --follow, stop it with --stop.", err=True)
        context.exit(_INTERRUPTED)
    outcome = read_outcome(stack, ended.map_run_arn, ended.output) if ended.map_run_arn else Outcome()
    Console(highlight=False).print(summary(stack, ended, outcome))
    if ended.status != "SUCCEEDED" and not stop:
        raise click.ClickException(
            f"the backfill ended as {ended.status}: {ended.why or 'Step Functions says no more'}"
        )
    if outcome.failed:
        raise click.ClickException(f"{outcome.failed} images failed; once the cause is mended, run it again.")


def _progress(console: Console, *columns: Any) -> Progress:  # noqa: ANN401 - rich's columns share no public type
    return Progress(TextColumn("{task.description}"), *columns, TimeElapsedColumn(), console=console)


def _within(stack: DeployedStack, prefix: str | None) -> str:
    """The prefix to list: the function may read nothing outside of the one that is configured."""
    configured = stack.outputs.get(names.IMAGES_PREFIX_OUTPUT, "")
    if prefix is not None and not prefix.startswith(configured):
        raise click.UsageError(f"{stack.name} scores only keys that begin with {configured}: so must --prefix")
    return prefix or configured


def _listed(console: Console, stack: DeployedStack, inventory: str, prefix: str) -> str:
    with _progress(console, TextColumn("{task.completed} keys")) as progress:
        task = progress.add_task("Reading the inventory", total=None)
        return list_of_inventory(stack, inventory, prefix, lambda keys: progress.update(task, completed=keys))


def _follow(console: Console, stack: DeployedStack, execution: str) -> Ended:
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[note]}"))
    with _progress(console, *columns) as progress:
        task = progress.add_task("Scoring", total=None, note="")

        def show(counts: Counts) -> None:
            note = f"[red]{counts.failed} in failed batches" if counts.failed else ""
            progress.update(task, total=counts.total or None, completed=counts.done, note=note)

        return executions.follow(stack, execution, show)


def summary(stack: DeployedStack, ended: Ended, outcome: Outcome) -> Table:
    """What became of the images, how long it took, and about what it cost."""
    answered = outcome.scored + outcome.rejected
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right")
    table.add_column()
    for number, words in (
        (outcome.scored, "scored"),
        (outcome.rejected, "rejected: no image that can be scored"),
        (outcome.review, "of both to review"),
        (outcome.unchanged, "left as they are: their result is current"),
        (outcome.stale, "left to a newer version of the image"),
        (outcome.withdrawn, "deleted: their result was withdrawn"),
        (outcome.gone, "deleted meanwhile"),
        (outcome.failed, "failed"),
    ):
        if number or words == "scored":
            table.add_row(f"{number:,}", words)
    for reason, images in outcome.reasons.most_common(10):
        table.add_row("", Text(f"{images:,} times {reason}", "red"))
    rate = answered / ended.seconds if ended.seconds else 0.0
    table.add_row(f"{ended.seconds:,.1f}", f"seconds, {rate:,.1f} images a second")
    table.add_row(f"{_cost(stack, ended, outcome):,.4f}", f"USD on AWS, estimated at list prices of {PRICES_AS_OF}")
    return table


def _cost(stack: DeployedStack, ended: Ended, outcome: Outcome) -> float:
    """About: that results replace others is assumed where all were asked for."""
    function = stack.functions.get_function_configuration(FunctionName=stack.output(names.FUNCTION_OUTPUT))
    looks_first = ended.asked.get("backfill") == "missing"
    answered = outcome.scored + outcome.rejected
    work = Work(
        listed=answered + sum(getattr(outcome, name) for name in LEFT) + outcome.failed,
        first=answered if looks_first else 0,
        replaced=0 if looks_first else answered,
        flagged=outcome.review,
        calls=outcome.batches,
        ledgers=min(outcome.batches, answered),
        seconds=outcome.seconds,
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
