"""Messages that failed too often: what they were about, why they failed, and their way back to the queue."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from botocore.exceptions import ClientError

from infra import names
from infra.deployed_stack import DeployedStack
from infra.errors import InfraError

if TYPE_CHECKING:
    from types_boto3_sqs.type_defs import MessageTypeDef

_LOOK_SECONDS = 60
_WAIT_SECONDS = 1  # asks every server of the queue, not some
_BATCH = 10
_UNKNOWN_OPERATION = {"InvalidAction", "UnknownOperationException", "AWS.SimpleQueueService.UnsupportedOperation"}
UNKNOWN_REASON = "the log does not say: the function was ended (time, memory), or the line is no longer kept"


@dataclass(frozen=True)
class DeadLetter:
    """A message in the dead-letter queue.

    Attributes:
        id: the message's, which it keeps from the queue.
        keys: of the images that it names; empty where its body is of no known shape.
        sent: when it was first sent, in milliseconds since 1970.
        receipt: with which it is made visible again.
    """

    id: str
    keys: tuple[str, ...]
    sent: int
    receipt: str


def keys_of(body: str) -> tuple[str, ...]:
    """Keys of the images that a message names: from S3 itself, or through SNS or EventBridge."""
    try:
        return tuple(_keys(json.loads(body)))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()


def _keys(event: Mapping[str, Any]) -> Iterator[str]:
    if "detail" in event:
        yield event["detail"]["object"]["key"]
    elif "Message" in event:
        yield from _keys(json.loads(event["Message"]))
    else:
        for record in event["Records"]:
            yield unquote_plus(record["s3"]["object"]["key"])


@contextmanager
def looked_at(stack: DeployedStack, most: int) -> Iterator[list[DeadLetter]]:
    """Up to `most` dead letters; others do not see them while the `with` block lasts, a minute at most."""
    found: dict[str, DeadLetter] = {}
    receipts: dict[str, str] = {}
    try:
        while len(found) < most:
            messages = _receive(stack, _LOOK_SECONDS)
            if not messages:
                break
            for message in messages:
                sent = int(message["Attributes"]["SentTimestamp"])
                keys = keys_of(message["Body"])
                found[message["MessageId"]] = DeadLetter(message["MessageId"], keys, sent, message["ReceiptHandle"])
                receipts[message["MessageId"]] = message["ReceiptHandle"]
        yield list(found.values())
    finally:
        for some in _in_tens(receipts.values()):
            entries = [
                {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                for number, receipt in enumerate(some)
            ]
            url = stack.output(names.DEAD_LETTER_QUEUE_OUTPUT)
            stack.sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)  # type: ignore[arg-type] # dicts


def reasons(stack: DeployedStack, letters: Iterable[DeadLetter]) -> dict[str, str]:
    """Why each message failed last, by its id, as the function logged it; what the log does not know is left out."""
    wanted = {letter.id for letter in letters}
    since = min((letter.sent for letter in letters), default=0)
    function = stack.functions.get_function_configuration(FunctionName=stack.output(names.FUNCTION_OUTPUT))
    group = function.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{function['FunctionName']}"
    pages = stack.logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, startTime=since, filterPattern='"message failed"'
    )
    found: dict[str, tuple[int, str]] = {}
    try:
        for page in pages:
            for event in page["events"]:
                line = _line(event["message"])
                said = event["timestamp"], line.get("reason", "")
                for message_id in wanted.intersection(line.get("message_ids", ())):
                    if found.get(message_id, said)[0] <= said[0]:
                        found[message_id] = said
    except stack.logs.exceptions.ResourceNotFoundException:
        pass  # a function that never ran has no log
    return {message_id: reason for message_id, (_, reason) in found.items()}


def _line(text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}


def depth(stack: DeployedStack, output: str) -> dict[str, int]:
    """Messages of a queue that is named by an output: `visible`, `in_flight` and `delayed`, each about."""
    attributes = stack.sqs.get_queue_attributes(QueueUrl=stack.output(output), AttributeNames=["All"])["Attributes"]
    return {
        "visible": int(attributes["ApproximateNumberOfMessages"]),
        "in_flight": int(attributes["ApproximateNumberOfMessagesNotVisible"]),
        "delayed": int(attributes["ApproximateNumberOfMessagesDelayed"]),
    }


def send_back(stack: DeployedStack, show: Callable[[int], None], wait: Callable[[], None]) -> int:
    """Move all dead letters back to the queue; returns how many were moved.

    SQS does it itself; an emulator that cannot is helped out: a message is deleted from the one queue only after the
    other has it, so that one may come twice, which the function bears, but none is lost.

    Args:
        stack: the deployment.
        show: told how many were moved so far.
        wait: called between two looks at SQS's own task.

    Raises:
        ClientError: SQS refuses or fails.
    """
    url = stack.output(names.DEAD_LETTER_QUEUE_OUTPUT)
    arn = stack.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    try:
        stack.sqs.start_message_move_task(SourceArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _UNKNOWN_OPERATION:
            raise
        return _carry_back(stack, show)
    while True:
        (task, *_) = stack.sqs.list_message_move_tasks(SourceArn=arn, MaxResults=1)["Results"]
        moved = task.get("ApproximateNumberOfMessagesMoved", 0)
        show(moved)
        if task["Status"] in ("FAILED", "CANCELLED"):
            raise MoveFailedError(f"SQS ended the move as {task['Status']}: {task.get('FailureReason', 'no reason')}")
        if task["Status"] == "COMPLETED":
            return moved
        wait()


class MoveFailedError(InfraError):
    """SQS gave up moving messages; those that were not moved are still dead letters."""


def _carry_back(stack: DeployedStack, show: Callable[[int], None]) -> int:
    moved, most = 0, sum(depth(stack, names.DEAD_LETTER_QUEUE_OUTPUT).values())
    dead, queue = stack.output(names.DEAD_LETTER_QUEUE_OUTPUT), stack.output(names.QUEUE_OUTPUT)
    while moved < most and (messages := _receive(stack, _LOOK_SECONDS)):  # what dies again meanwhile stays
        entries: list[Any] = [
            {
                "Id": str(number),
                "MessageBody": message["Body"],
                "MessageAttributes": message.get("MessageAttributes", {}),
            }
            for number, message in enumerate(messages)
        ]
        sent = stack.sqs.send_message_batch(QueueUrl=queue, Entries=entries).get("Successful", [])
        gone: list[Any] = [
            {"Id": one["Id"], "ReceiptHandle": messages[int(one["Id"])]["ReceiptHandle"]} for one in sent
        ]
        if not gone:
            raise MoveFailedError("the queue took none of the messages")
        stack.sqs.delete_message_batch(QueueUrl=dead, Entries=gone)
        moved += len(gone)
        show(moved)
    return moved


def _receive(stack: DeployedStack, visibility: int) -> "list[MessageTypeDef]":
    return stack.sqs.receive_message(
        QueueUrl=stack.output(names.DEAD_LETTER_QUEUE_OUTPUT),
        MaxNumberOfMessages=_BATCH,
        VisibilityTimeout=visibility,
        WaitTimeSeconds=_WAIT_SECONDS,
        AttributeNames=["SentTimestamp"],
        MessageAttributeNames=["All"],
    ).get("Messages", [])


def _in_tens(values: Iterable[str]) -> Iterator[list[str]]:
    listed = list(values)
    return (listed[start : start + _BATCH] for start in range(0, len(listed), _BATCH))
