"""Messages that failed too often: which images they name, and why they failed."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from infra import names
from infra.operate.access import DeployedStack
from lambda_fn.events import Message, UnknownEventError, image_references

if TYPE_CHECKING:
    from types_boto3_sqs.type_defs import MessageTypeDef

# The most messages that SQS takes or returns in one request.
_MOST_MESSAGES = 10
# For how long messages are hidden from others once they were received.
_HIDDEN_SECONDS = 60
# Waiting asks every server of the queue; without it SQS asks some of them.
_WAIT_SECONDS = 1

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
    """Keys of the images that a message names, as the function reads them; none for a body that it cannot read."""
    try:
        return tuple(reference.key for reference in image_references(Message("", body)))
    except UnknownEventError:
        return ()


def depth(stack: DeployedStack, output: str) -> dict[str, int]:
    """Messages of a queue that is named by an output: `visible`, `in_flight` and `delayed`, each about."""
    attributes = stack.sqs.get_queue_attributes(QueueUrl=stack.output(output), AttributeNames=["All"])["Attributes"]
    return {
        "visible": int(attributes["ApproximateNumberOfMessages"]),
        "in_flight": int(attributes["ApproximateNumberOfMessagesNotVisible"]),
        "delayed": int(attributes["ApproximateNumberOfMessagesDelayed"]),
    }


def receive(stack: DeployedStack) -> "list[MessageTypeDef]":
    """Up to ten dead letters, which others do not see for a minute; none once all were received."""
    return stack.sqs.receive_message(
        QueueUrl=stack.output(names.DEAD_LETTER_QUEUE_OUTPUT),
        MaxNumberOfMessages=_MOST_MESSAGES,
        VisibilityTimeout=_HIDDEN_SECONDS,
        WaitTimeSeconds=_WAIT_SECONDS,
        AttributeNames=["SentTimestamp"],
        MessageAttributeNames=["All"],
    ).get("Messages", [])


@contextmanager
def peek(stack: DeployedStack, most: int) -> Iterator[list[DeadLetter]]:
    """Up to `most` dead letters; others do not see them while the `with` block lasts, a minute at most."""
    letters: dict[str, DeadLetter] = {}
    try:
        while len(letters) < most and (messages := receive(stack)):
            for message in messages:
                letters[message["MessageId"]] = DeadLetter(
                    id=message["MessageId"],
                    keys=keys_of(message["Body"]),
                    sent=int(message["Attributes"]["SentTimestamp"]),
                    receipt=message["ReceiptHandle"],
                )
        yield list(letters.values())
    finally:
        _show_again(stack, [letter.receipt for letter in letters.values()])


def _show_again(stack: DeployedStack, receipts: list[str]) -> None:
    url = stack.output(names.DEAD_LETTER_QUEUE_OUTPUT)
    rest = iter(receipts)
    while batch := list(islice(rest, _MOST_MESSAGES)):
        entries: list[Any] = [
            {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
            for number, receipt in enumerate(batch)
        ]
        stack.sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)


def failure_reasons(stack: DeployedStack, letters: Iterable[DeadLetter]) -> dict[str, str]:
    """Why each message failed last, by its id, as the function logged it; what the log does not know is left out."""
    letters = list(letters)
    ids = {letter.id for letter in letters}
    since = min((letter.sent for letter in letters), default=0)
    latest: dict[str, tuple[int, str]] = {}
    for timestamp, line in _failures_since(stack, since):
        for message_id in ids.intersection(line.get("message_ids", ())):
            if timestamp >= latest.get(message_id, (timestamp, ""))[0]:
                latest[message_id] = timestamp, line.get("reason", "")
    return {message_id: reason for message_id, (_, reason) in latest.items()}


def _failures_since(stack: DeployedStack, time: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """The function's log lines about failed messages, each with its time in milliseconds since 1970."""
    function = stack.functions.get_function_configuration(FunctionName=stack.output(names.FUNCTION_OUTPUT))
    group = function.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{function['FunctionName']}"
    pages = stack.logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, startTime=time, filterPattern='"message failed"'
    )
    try:
        for page in pages:
            for event in page["events"]:
                yield event["timestamp"], _json_object(event["message"])
    except stack.logs.exceptions.ResourceNotFoundException:
        return  # a function that never ran has no log


def _json_object(text: str) -> dict[str, Any]:
    """The object that a log line holds; an empty one for a line that holds none."""
    try:
        line = json.loads(text)
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}
