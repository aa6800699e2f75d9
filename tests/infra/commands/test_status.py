"""The output of ``cellflag status``."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import Result

from infra.commands.status import status
from infra.deployed_stack import DeployedStack
from infra.operate import recent
from infra.operate.recent import read_recent
from tests.infra.fakes import IMAGES, RESULTS, with_client

Run = Callable[..., Result]
NOW = datetime.now(UTC)


def line(
    decision: str, *, minutes: float = 5, outcome: str = "written", model: str = "m1", status: str = "scored"
) -> str:
    scored_at = (NOW - timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    facts = {"decision": decision, "scored_at": scored_at, "outcome": outcome, "status": status}
    return json.dumps(facts | {"model": {"version": model}})


def put_ledger(stack: DeployedStack, name: str, *lines: str) -> None:
    key = f"ledger/dt={NOW:%Y-%m-%d}/{name}.jsonl"
    stack.s3.put_object(Bucket=RESULTS, Key=key, Body="".join(f"{one}\n" for one in lines).encode())


class Function:
    """A Lambda function with the alias ``live``, or without it."""

    class exceptions:  # noqa: N801 - boto3's name
        ResourceNotFoundException = KeyError

    def __init__(self, alias: bool) -> None:
        self._alias = alias

    def get_function_configuration(self, *, FunctionName: str, Qualifier: str = "$LATEST") -> dict[str, Any]:  # noqa: N803
        if Qualifier == "live" and not self._alias:
            raise KeyError(Qualifier)
        number = "7" if Qualifier == "live" else Qualifier
        return {"Version": number, "Description": "m2, sha256 0d319bb4", "LastModified": "2026-11-22T12:00:00"}


def announce(stack: DeployedStack, events: str = "s3:ObjectCreated:*", queue: str = "QueueUrl") -> None:
    """Let the bucket of images send events to a queue."""
    arn = f"arn:aws:sqs:us-east-1:123456789012:{stack.output(queue).rpartition('/')[2]}"
    event: Any = events
    stack.s3.put_bucket_notification_configuration(
        Bucket=IMAGES, NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": [event]}]}
    )
    url = stack.output(queue)
    for message in stack.sqs.receive_message(QueueUrl=url).get("Messages", []):  # S3 sends a test event
        stack.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


@pytest.fixture
def observed(stack: DeployedStack) -> DeployedStack:
    vars(stack)["functions"] = Function(alias=True)
    announce(stack)
    with_client(stack, "stepfunctions", list_executions=lambda **_: {"executions": []})
    points = [{"Timestamp": NOW - timedelta(minutes=age), "Maximum": float(age)} for age in (9, 3, 5)]
    with_client(stack, "cloudwatch", get_metric_statistics=lambda **_: {"Datapoints": points})
    return stack


def test_queues_results_model_and_function_are_shown_to_people_and_programs(run: Run, observed: DeployedStack) -> None:
    for body in ("a", "b"):
        observed.sqs.send_message(QueueUrl=observed.output("QueueUrl"), MessageBody=body)
    observed.sqs.send_message(QueueUrl=observed.output("DeadLetterQueueUrl"), MessageBody="c")
    put_ledger(observed, "1", line("ALL"), line("normal"), line("review", status="rejected"))
    put_ledger(observed, "2", line("review", minutes=1, model="m2"), line("ALL", outcome="duplicate"))

    report = json.loads(run(status, "--json").stdout)
    assert report["queue"] == {"visible": 2, "in_flight": 0, "delayed": 0, "oldest_seconds": 3.0}
    assert report["dead_letters"] == 1
    assert report["last_hour"] == {
        "answered": 4,
        "ALL": 1,
        "normal": 1,
        "review": 1,
        "rejected": 1,
        "repeated": 1,
        "models": {"m2": 1, "m1": 3},
        "complete": True,
    }
    assert report["model"] == "m2"
    assert report["function"]["version"] == "7"
    assert report["backfill"] is None

    shown = run(status).stdout
    for words in (
        "2 waiting, the oldest for 3 s, 0 being scored",
        "1: `cellflag redrive` shows why",
        "4 answered: 1 ALL, 1 normal, 1 review, 1 rejected",
        "3 by m1",
        "version 7, changed 2026-11-22T12:00:00: m2, sha256 0d319bb4",
    ):
        assert words in shown


@pytest.mark.parametrize(
    ("broken", "held", "words"),
    [
        (
            1,
            0,
            "of 2 error rates, 1 broken, 1 cannot be said yet; judged 2026-11-22 12:00 UTC: `cellflag promise` says",
        ),
        (0, 2, "of 2 error rates, 2 held; judged 2026-11-22 12:00 UTC"),
        (None, None, "not judged in 30 days: `cellflag promise` does it"),
    ],
)
def test_the_last_verdict_on_the_promise_of_the_model_and_thresholds_in_service_is_shown(
    run: Run, observed: DeployedStack, broken: int | None, held: int | None, words: str
) -> None:
    asked: list[dict[str, str]] = []
    figures = {"PromisesBroken": broken, "PromisesHeld": held}
    time = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def statistics(*, MetricName: str, Dimensions: Any, **_: Any) -> Any:  # noqa: N803 - boto3's names
        figure = figures.get(MetricName)
        if MetricName in figures:
            asked.append({one["Name"]: one["Value"] for one in Dimensions})
        return {"Datapoints": [] if figure is None else [{"Timestamp": time, "Maximum": float(figure)}]}

    with_client(observed, "cloudwatch", get_metric_statistics=statistics)
    observed.outputs["Settings"] = json.dumps({"all_decided_normal": 0.02, "audit_share": 0.02})
    assert words in run(status).stdout
    assert asked
    thresholds = "manifest, all_decided_normal 0.02"
    assert all(one == {"service": "cellflag-test", "model": "m2", "thresholds": thresholds} for one in asked)


def test_a_cloud_without_age_and_alias_and_a_quiet_hour_are_shown_as_well(run: Run, observed: DeployedStack) -> None:
    vars(observed)["functions"] = Function(alias=False)
    with_client(observed, "cloudwatch", get_metric_statistics=lambda **_: {"Datapoints": []})
    shown = run(status).stdout
    assert "0 waiting, 0 being scored" in shown
    assert "nothing was answered in the last hour" in shown
    assert "version $LATEST" in shown


def test_announced_uploads_are_shown_to_programs_and_not_worth_a_line_to_people(
    run: Run, observed: DeployedStack
) -> None:
    assert json.loads(run(status, "--json").stdout)["uploads_announced"] is True
    assert "uploads" not in run(status).stdout


@pytest.mark.parametrize(
    "choices", [{"events": "s3:ObjectRemoved:*"}, {"events": "s3:ObjectCreated:Put"}, {"queue": "DeadLetterQueueUrl"}]
)
def test_a_notification_that_somebody_removed_or_narrowed_is_shown(
    run: Run, observed: DeployedStack, choices: dict[str, str]
) -> None:
    announce(observed, **choices)
    assert json.loads(run(status, "--json").stdout)["uploads_announced"] is False
    assert "does not announce them to the queue" in " ".join(run(status).stdout.split())


def test_who_may_not_read_notifications_sees_the_rest_of_the_status(run: Run, observed: DeployedStack) -> None:
    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "GetBucketNotificationConfiguration")

    vars(observed.s3)["get_bucket_notification_configuration"] = refuse
    assert json.loads(run(status, "--json").stdout)["uploads_announced"] is None
    shown = run(status).stdout
    assert "needs s3:GetBucketNotification" in shown
    assert "0 waiting" in shown


def test_a_running_backfill_is_shown_with_its_counts(run: Run, observed: DeployedStack) -> None:
    counts = {"total": 1000, "succeeded": 400, "failed": 2, "timedOut": 0, "aborted": 0}
    with_client(
        observed,
        "stepfunctions",
        list_executions=lambda **_: {"executions": [{"executionArn": "e", "status": "RUNNING"}]},
        list_map_runs=lambda **_: {"mapRuns": [{"mapRunArn": "m"}]},
        describe_map_run=lambda **_: {"itemCounts": counts},
    )
    assert "402 of 1,000 done, 2 in failed batches" in run(status).stdout


def test_what_is_older_than_the_time_asked_for_does_not_count(stack: DeployedStack) -> None:
    put_ledger(stack, "1", line("ALL", minutes=61), line("ALL", minutes=59))
    assert read_recent(stack, timedelta(hours=1), NOW).decisions == {"ALL": 1}
    assert read_recent(stack, timedelta(hours=1), NOW + timedelta(hours=2)).decisions == {}


def test_a_withdrawn_result_is_no_answer_and_a_key_that_is_too_long_is_a_rejected_image(stack: DeployedStack) -> None:
    gone, unwritten = line("review", outcome="withdrawn"), line("review", outcome="unwritten", status="rejected")
    put_ledger(stack, "1", line("ALL"), gone, unwritten)
    recent = read_recent(stack, timedelta(hours=1), NOW)
    assert (recent.decisions, recent.repeated) == ({"ALL": 1, "rejected": 1}, 0)


def test_of_very_many_ledgers_the_newest_count_and_the_rest_is_said_to_be_missing(
    stack: DeployedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "MOST_BATCHES", 2)
    for name in "123":
        put_ledger(stack, name, line("ALL"))
    answers = read_recent(stack, timedelta(hours=1))
    assert (answers.decisions.total(), answers.complete) == (2, False)


def test_a_version_of_a_model_that_would_control_the_terminal_is_escaped(run: Run, observed: DeployedStack) -> None:
    put_ledger(observed, "1", line("ALL", model="m\x1b[2J"), line("ALL", model="m2\u202e"))
    shown = run(status).stdout
    assert r"1 by m\x1b[2J" in shown
    assert not {"\x1b", "\u202e"} & set(shown)


def test_only_a_line_feed_ends_a_line_of_the_ledger(stack: DeployedStack) -> None:
    text = json.dumps(json.loads(line("ALL", model="m\u2028\x85")), ensure_ascii=False)
    put_ledger(stack, "1", text, text)
    assert read_recent(stack, timedelta(hours=1)).models == {"m\u2028\x85": 2}
