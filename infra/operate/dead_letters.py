"""Dead letters, which are messages that failed too often: the images that they name, and why they failed."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from infra import names
from infra.deployed_stack import DeployedStack
from lambda_fn.errors import UnknownEventError
from lambda_fn.events import Message, image_references

if TYPE_CHECKING:
    from types_boto3_sqs.type_defs import MessageTypeDef

# Messages that SQS accepts or returns in one request, at most.
_MOST_MESSAGES = 10
# Time for which a received message is hidden from other receivers.
_HIDDEN_SECONDS = 60
# With a wait SQS asks every server of the queue, without one only some.
_WAIT_SECONDS = 1

UNKNOWN_REASON = "the log does not say: the function was ended (time, memory), or the line is no longer kept"


@dataclass(frozen=True)
class DeadLetter:
    """A message in the dead-letter queue.

    Attributes:
        id: the message's id, the same as in the queue that it came from.
        keys: keys of the images that it names; empty if its body has no known shape.
        sent: time of its first sending, in milliseconds since 1970.
        receipt: handle that makes the message visible again.
    """

    id: str
    keys: tuple[str, ...]
    sent: int
    receipt: str


def keys_of(body: str) -> tuple[str, ...]:
    """Keys of the images that a message names; empty for a body that the function cannot read either."""
    try:
        return tuple(reference.key for reference in image_references(Message("", body)))
    except UnknownEventError:
        return ()


def depth(stack: DeployedStack, output: str) -> dict[str, int]:
    """Approximate numbers of ``visible``, ``in_flight`` and ``delayed`` messages in the queue of an output."""
    attributes = stack.sqs.get_queue_attributes(QueueUrl=stack.output(output), AttributeNames=["All"])["Attributes"]
    return {
        "visible": int(attributes["ApproximateNumberOfMessages"]),
        "in_flight": int(attributes["ApproximateNumberOfMessagesNotVisible"]),
        "delayed": int(attributes["ApproximateNumberOfMessagesDelayed"]),
    }


def receive(stack: DeployedStack) -> "list[MessageTypeDef]":
    """Receive up to ten dead letters and hide them from other receivers for a minute; empty if none is visible."""
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
    """Up to ``most`` dead letters, which stay in their queue.

    They are hidden from other receivers while the ``with`` block lasts, for a minute at most.
    """
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
    """The reason of each message's latest failure, by message id, from the function's log.

    Messages without a line in the log are left out.
    """
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
    """Log lines about failed messages from ``time`` on, each with its own time, in milliseconds since 1970."""
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
    """The JSON object in a log line; empty if there is none."""
    try:
        line = json.loads(text)
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}
