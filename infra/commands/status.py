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
from infra.operate.notifications import announces_uploads
from infra.operate.recent import read_recent
from infra.promise.promised import thresholds_in_force
from infra.promise.state import LASTS, PromiseCounts, last_state
from lambda_fn.manifest import ERROR_RATES
from lambda_fn.results import DecisionOrRejected
from lambda_fn.terminal import printable

_DECISIONS = get_args(DecisionOrRejected)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
@on_a_stack
def status(stack: DeployedStack, as_json: bool) -> None:
    """Show the notification, queue, dead letters, results of the last hour, model in service, and running backfill.

    The promise is what `cellflag promise`, or the page of `cellflag review`, found last.
    """
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
    function = _function(stack)
    return {
        "stack": stack.name,
        "uploads_announced": announces_uploads(stack),
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
        "function": function,
        "promise": _promise(stack, function["description"]),
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


def _promise(stack: DeployedStack, description: str | None) -> dict[str, Any] | None:
    """Return the last judgement of the model in service and its thresholds; None if there was none lately."""
    model = (description or "").rpartition(", sha256 ")[0]
    counts = last_state(stack, model, thresholds_in_force(stack)) if model else None
    if counts is None:
        return None
    return {"broken": counts.broken, "held": counts.held, "judged_at": counts.judged_at.isoformat()}


def _promise_line(promise: dict[str, Any] | None) -> Text:
    if promise is None:
        return Text(f"not judged in {LASTS.days} days: `cellflag promise` does it")
    counts = PromiseCounts(promise["broken"], promise["held"], datetime.fromisoformat(promise["judged_at"]))
    rates = f"of {len(ERROR_RATES)} error rates, {counts.words}; judged {counts.judged_at:%Y-%m-%d %H:00} UTC"
    if counts.broken:
        return Text(f"{rates}: `cellflag promise` says which", "bold red")
    return Text(rates)


def _backfill(stack: DeployedStack) -> dict[str, Any] | None:
    newest = executions.newest(stack)
    if newest is None or not newest.running:
        return None
    counts = executions.progress(stack, newest.arn)
    return {"total": counts.total, "done": counts.done, "failed": counts.failed}


def _unannounced(announced: bool | None) -> Text:
    """A line for people if uploads are not announced (False), or if nobody may ask (None)."""
    if announced is None:
        return Text("unknown: reading the bucket's notifications needs s3:GetBucketNotification", "yellow")
    return Text(
        "the images bucket does not announce them to the queue, so none is scored: somebody removed or changed its "
        "notification. Send all object creation and removal events to the queue again, then run `cellflag backfill`",
        "bold red",
    )


def _table(report: dict[str, Any]) -> Table:
    queue, hour, function = report["queue"], report["last_hour"], report["function"]
    oldest = "" if queue["oldest_seconds"] is None else f", the oldest for {queue['oldest_seconds']:,.0f} s"
    decided = [f"{hour[name]:,} {name}" for name in _DECISIONS]
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("stack", Text(report["stack"]))
    if report["uploads_announced"] is not True:
        table.add_row("uploads", _unannounced(report["uploads_announced"]))
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
    table.add_row("model", Text(printable(report["model"] or "nothing was answered in the last hour")))
    if len(hour["models"]) > 1:
        models = ", ".join(f"{count:,} by {name}" for name, count in hour["models"].items())
        table.add_row("", Text(printable(models)))
    version = f"version {function['version']}, changed {function['changed']}"
    description = f"{version}: {function['description']}" if function["description"] else version
    table.add_row("function", Text(printable(description)))
    table.add_row("promise", _promise_line(report["promise"]))
    if report["backfill"]:
        done, total = report["backfill"]["done"], report["backfill"]["total"]
        table.add_row("backfill", f"{done:,} of {total:,} done, {report['backfill']['failed']:,} in failed batches")
    return table
