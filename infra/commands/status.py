"""``cellflag status``: the state of a deployment, for people or for programs."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra import names
from infra.deployed_stack import DeployedStack
from infra.operate.access import on_a_stack
from infra.operate.backfills import executions
from infra.operate.dead_letters import depth
from infra.operate.recent import read_recent
from lambda_fn.results import DecisionOrRejected

_DECISIONS = get_args(DecisionOrRejected)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
@on_a_stack
def status(stack: DeployedStack, as_json: bool) -> None:
    """Show the queue, dead letters, results of the last hour, the model in service, and a running backfill."""
    with Console(stderr=True).status("Reading"):
        report = read_status(stack)
    if as_json:
        click.echo(json.dumps(report, indent=1))
    else:
        Console(highlight=False).print(_table(report))


def read_status(stack: DeployedStack) -> dict[str, Any]:
    """The state of a deployment as ``--json`` prints it; None for figures that its cloud does not have.

    Raises:
        BotoCoreError, ClientError: AWS refuses or fails.
    """
    recent = read_recent(stack, timedelta(hours=1))
    return {
        "stack": stack.name,
        "queue": depth(stack, names.QUEUE_OUTPUT) | {"oldest_seconds": _oldest_seconds(stack)},
        "dead_letters": sum(depth(stack, names.DEAD_LETTER_QUEUE_OUTPUT).values()),
        "last_hour": {
            "answered": recent.decisions.total(),
            **{name: recent.decisions[name] for name in _DECISIONS},
            "repeated": recent.repeated,
            "models": dict(recent.models),
            "complete": recent.complete,
        },
        "model": recent.newest_model,
        "function": _function(stack),
        "backfill": _backfill(stack),
    }


def _oldest_seconds(stack: DeployedStack) -> float | None:
    """Age of the oldest message in the queue, a metric of SQS that is a few minutes late."""
    now = datetime.now(UTC)
    points = stack.cloudwatch.get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": stack.output(names.QUEUE_OUTPUT).rpartition("/")[2]}],
        StartTime=now - timedelta(minutes=10),
        EndTime=now,
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    return max(points, key=lambda point: point["Timestamp"])["Maximum"] if points else None


def _function(stack: DeployedStack) -> dict[str, Any]:
    """The version in service: the one of the alias ``live`` or, without that alias, the latest."""
    name = stack.output(names.FUNCTION_OUTPUT)
    try:
        version = stack.functions.get_function_configuration(FunctionName=name, Qualifier=names.LIVE_ALIAS)
    except stack.functions.exceptions.ResourceNotFoundException:
        version = stack.functions.get_function_configuration(FunctionName=name)
    return {
        "version": version.get("Version"),
        "description": version.get("Description") or None,
        "changed": version.get("LastModified"),
    }


def _backfill(stack: DeployedStack) -> dict[str, Any] | None:
    newest = executions.newest(stack)
    if newest is None or not newest.running:
        return None
    counts = executions.progress(stack, newest.arn)
    return {"total": counts.total, "done": counts.done, "failed": counts.failed}


def _table(report: dict[str, Any]) -> Table:
    queue, hour, function = report["queue"], report["last_hour"], report["function"]
    oldest = "" if queue["oldest_seconds"] is None else f", the oldest for {queue['oldest_seconds']:,.0f} s"
    decided = [f"{hour[name]:,} {name}" for name in _DECISIONS]
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("stack", Text(report["stack"]))
    table.add_row(
        "queue",
        f"{queue['visible']:,} waiting{oldest}, {queue['in_flight']:,} being scored, {queue['delayed']:,} delayed",
    )
    dead = report["dead_letters"]
    table.add_row(
        "dead letters",
        Text(f"{dead:,}: `cellflag redrive` shows why, and sends them back", "bold red")
        if dead
        else Text("0", "green"),
    )
    at_least = "" if hour["complete"] else "at least "
    table.add_row("last hour", f"{at_least}{hour['answered']:,} answered: {', '.join(decided)}")
    if hour["repeated"]:
        table.add_row("", f"{hour['repeated']:,} arrived twice or late, and changed no result")
    table.add_row("model", Text(report["model"] or "nothing was answered in the last hour"))
    if len(hour["models"]) > 1:
        table.add_row("", Text(", ".join(f"{count:,} by {name}" for name, count in hour["models"].items())))
    version = f"version {function['version']}, changed {function['changed']}"
    table.add_row("function", Text(f"{version}: {function['description']}" if function["description"] else version))
    if report["backfill"]:
        done, total = report["backfill"]["done"], report["backfill"]["total"]
        table.add_row("backfill", f"{done:,} of {total:,} done, {report['backfill']['failed']:,} in failed batches")
    return table
