"""Dead letters: the reasons of their failures, and their way back to the queue."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_plus

import pytest
from botocore.exceptions import ClientError
from click.testing import Result

from infra.commands import redrive
from infra.deployed_stack import DeployedStack
from infra.operate import dead_letters
from infra.operate.dead_letters import depth, keys_of
from infra.operate.redrive import MoveFailedError, send_back
from tests.infra.fakes import IMAGES, FakePaginator, with_client

Run = Callable[..., Result]


def notification(*keys: str) -> str:
    """S3's notification of new objects."""
    event = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
    entities = [{"bucket": {"name": IMAGES}, "object": {"key": quote_plus(key)}} for key in keys]
    return json.dumps({"Records": [event | {"s3": entity} for entity in entities]})


THROUGH_SNS = {"Type": "Notification", "Message": notification("a b.bmp")}
THROUGH_EVENT_BRIDGE = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "detail": {"bucket": {"name": IMAGES}, "object": {"key": "a+b %41.bmp"}},
}


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        (notification("plate 7/a+b.bmp", "患.bmp"), ("plate 7/a+b.bmp", "患.bmp")),
        (json.dumps(THROUGH_SNS), ("a b.bmp",)),
        (json.dumps(THROUGH_EVENT_BRIDGE), ("a+b %41.bmp",)),
        ("hello", ()),
        ("[]", ()),
        ('{"Records": [{}]}', ()),
        ('{"Records": 7}', ()),
    ],
)
def test_the_images_of_a_message_are_named_whatever_way_it_came(body: str, keys: tuple[str, ...]) -> None:
    assert keys_of(body) == keys


class Logs:
    """The function's log, with lines about failed messages."""

    class exceptions:  # noqa: N801 - boto3's name
        ResourceNotFoundException = KeyError

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.request: dict[str, Any] = {}

    def say(self, message_id: str, reason: str, timestamp: int) -> None:
        line = {"message": "message failed", "message_ids": [message_id, "another"], "reason": reason}
        self.events.append({"message": json.dumps(line), "timestamp": timestamp})

    def get_paginator(self, name: str) -> FakePaginator:
        def page(**request: Any) -> dict[str, Any]:
            self.request = request
            return {"events": self.events}

        return FakePaginator(page)


@pytest.fixture
def logs(stack: DeployedStack) -> Logs:
    log = Logs()
    vars(stack)["logs"] = log
    with_client(
        stack,
        "functions",
        get_function_configuration=lambda **_: {"FunctionName": "f", "LoggingConfig": {"LogGroup": "the log"}},
    )
    return log


@pytest.fixture(autouse=True)
def emulator(stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQS that cannot move messages itself."""

    def unknown(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "InvalidAction", "Message": "?"}}, "StartMessageMoveTask")

    monkeypatch.setattr(stack.sqs, "start_message_move_task", unknown)
    monkeypatch.setattr(dead_letters, "_WAIT_SECONDS", 0)


def die(stack: DeployedStack, body: str) -> str:
    url = stack.output("DeadLetterQueueUrl")
    sent = stack.sqs.send_message(
        QueueUrl=url, MessageBody=body, MessageAttributes={"from": {"DataType": "String", "StringValue": "test"}}
    )
    return sent["MessageId"]


def bodies(stack: DeployedStack, output: str) -> list[str]:
    texts: list[str] = []
    while messages := stack.sqs.receive_message(
        QueueUrl=stack.output(output), MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages"):
        assert all(message["MessageAttributes"]["from"]["StringValue"] == "test" for message in messages)
        texts += [message["Body"] for message in messages]
    return sorted(texts)


def test_reasons_are_shown_by_how_many_messages_they_have_then_all_go_back(
    run: Run, stack: DeployedStack, logs: Logs
) -> None:
    sent = [notification(f"plate 7/[b]{number}.bmp") for number in range(4)]
    ids = [die(stack, body) for body in sent]
    for message_id in ids:
        logs.say(message_id, "an earlier try", 1)
    for message_id in ids[:3]:
        logs.say(message_id, "GetObject answered AccessDenied: [the function] may not", 2)
    silent = die(stack, "hello")
    logs.events.append({"message": "no JSON: message failed", "timestamp": 3})

    result = run(redrive.redrive, answer="y\n")

    assert result.exit_code == 0, result.output
    assert silent not in result.output
    rows = [line.split()[0] for line in result.stdout.splitlines() if line[:10].strip().isdigit()]
    assert rows == ["3", "1", "1"]
    assert "GetObject answered AccessDenied: [the function] may not" in result.stdout
    assert "the log does not say" in result.stdout
    assert "plate 7/[b]0.bmp" in result.stdout
    assert "a message of no known shape" in result.stdout
    assert "5 back in the queue" in result.stdout
    assert logs.request["logGroupName"] == "the log"
    assert bodies(stack, "QueueUrl") == sorted([*sent, "hello"])
    assert bodies(stack, "DeadLetterQueueUrl") == []


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_without_a_yes_all_stay_and_can_be_seen_at_once(
    run: Run, stack: DeployedStack, logs: Logs, answer: str
) -> None:
    die(stack, notification("a.bmp"))
    assert run(redrive.redrive, answer=answer).exit_code == 1
    assert bodies(stack, "QueueUrl") == []
    assert bodies(stack, "DeadLetterQueueUrl") == [notification("a.bmp")]


def test_yes_asks_no_question(run: Run, stack: DeployedStack, logs: Logs) -> None:
    die(stack, notification("a.bmp"))
    result = run(redrive.redrive, "--yes")
    assert result.exit_code == 0
    assert "[y/N]" not in result.output


def test_there_may_be_no_dead_letters(run: Run, stack: DeployedStack) -> None:
    assert "There are no dead letters." in run(redrive.redrive).stdout


def test_a_message_is_deleted_only_after_the_queue_has_it(
    stack: DeployedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(25):
        die(stack, str(number))
    send = stack.sqs.send_message_batch

    def takes_half(**request: Any) -> Any:
        return send(**request | {"Entries": request["Entries"][::2]})

    monkeypatch.setattr(stack.sqs, "send_message_batch", takes_half)
    shown: list[int] = []
    moved = send_back(stack, shown.append, lambda: None)
    assert moved == shown[-1] == depth(stack, "QueueUrl")["visible"] == 13  # 5, 5 and 3 of 10, 10 and 5
    assert sum(depth(stack, "DeadLetterQueueUrl").values()) == 12


def test_a_queue_that_accepts_nothing_keeps_the_dead_letters_and_is_reported(
    run: Run, stack: DeployedStack, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    die(stack, "a")
    monkeypatch.setattr(stack.sqs, "send_message_batch", lambda **_: {"Failed": [{}]})
    result = run(redrive.redrive, "--yes")
    assert (result.exit_code, "took none of the messages" in result.output) == (1, True)
    assert sum(depth(stack, "DeadLetterQueueUrl").values()) == 1


class MovingSqs:
    """SQS that moves messages itself, in steps."""

    def __init__(self, *steps: dict[str, Any]) -> None:
        self.steps, self.started = list(steps), ""

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        return {"Attributes": {"QueueArn": "the dead letters"}}

    def start_message_move_task(self, *, SourceArn: str) -> None:  # noqa: N803 - boto3's name
        self.started = SourceArn

    def list_message_move_tasks(self, **_: Any) -> dict[str, Any]:
        return {"Results": [self.steps.pop(0), {"Status": "COMPLETED"}]}


def test_sqs_moves_messages_itself_where_it_can(stack: DeployedStack) -> None:
    sqs = MovingSqs(
        {"Status": "RUNNING"},
        {"Status": "RUNNING", "ApproximateNumberOfMessagesMoved": 7},
        {"Status": "COMPLETED", "ApproximateNumberOfMessagesMoved": 12},
    )
    vars(stack)["sqs"] = sqs
    shown: list[int] = []
    waits: list[None] = []
    assert send_back(stack, shown.append, lambda: waits.append(None)) == 12
    assert (sqs.started, shown, len(waits)) == ("the dead letters", [0, 7, 12], 2)


def test_a_move_that_sqs_gives_up_is_reported(stack: DeployedStack) -> None:
    vars(stack)["sqs"] = MovingSqs({"Status": "FAILED", "FailureReason": "AccessDenied"})
    with pytest.raises(MoveFailedError, match="FAILED: AccessDenied"):
        send_back(stack, lambda _: None, lambda: None)


def test_a_move_that_is_not_allowed_is_not_done_by_hand(stack: DeployedStack) -> None:
    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "StartMessageMoveTask")

    vars(stack)["sqs"] = SimpleNamespace(
        get_queue_attributes=MovingSqs().get_queue_attributes, start_message_move_task=refuse
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        send_back(stack, lambda _: None, lambda: None)
