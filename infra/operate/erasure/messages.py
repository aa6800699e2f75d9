"""Finds and erases messages about images, in the queue and among the dead letters."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from infra.deployed_stack import DeployedStack
from infra.operate.dead_letters import depth, keys_of
from infra.operate.erasure.selection import ImageSelection
from infra.operate.erasure.versions import Erased, reason_of

if TYPE_CHECKING:
    from types_boto3_sqs.type_defs import MessageTypeDef

# Messages that SQS accepts or returns in one request, at most.
_MOST_MESSAGES = 10
# Time for which a received message is hidden from the function, and from other commands.
_HIDDEN_SECONDS = 60
# With a wait SQS asks every server of the queue, without one only some.
_WAIT_SECONDS = 1
_MIXED = "a message names other images too: send it back with `cellflag redrive`, or delete it by hand"


@dataclass
class _Seen:
    """Messages of one queue.

    Attributes:
        naming: those about selected images alone.
        mixed: number of those about selected images and others.
        receipts: handles of all others.
    """

    naming: "dict[str, MessageTypeDef]" = field(default_factory=dict)
    mixed: int = 0
    receipts: dict[str, str] = field(default_factory=dict)


def count_messages(stack: DeployedStack, output: str, selection: ImageSelection) -> int:
    """The number of messages about selected images in the queue of an output. All messages stay.

    Raises:
        ClientError: SQS refuses or fails.
    """
    seen = _look(stack, output, selection)
    _show_again(
        stack, output, [*seen.receipts.values(), *(message["ReceiptHandle"] for message in seen.naming.values())]
    )
    return len(seen.naming) + seen.mixed


def erase_messages(stack: DeployedStack, output: str, selection: ImageSelection, show: Callable[[int], None]) -> Erased:
    """Delete the messages about selected images from the queue of an output. The others are visible again at once.

    Messages that the function holds at the moment are not seen. It finds no image to score for them.

    Args:
        stack: the deployment.
        output: the output that names the queue.
        selection: the images.
        show: called with the number of messages that were deleted.

    Raises:
        ClientError: SQS refuses or fails.
    """
    seen = _look(stack, output, selection)
    _show_again(stack, output, list(seen.receipts.values()))
    erased = Erased()
    if seen.mixed:
        erased.left[_MIXED] = seen.mixed
    messages = list(seen.naming.values())
    for start in range(0, len(messages), _MOST_MESSAGES):
        batch = messages[start : start + _MOST_MESSAGES]
        entries: list[Any] = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(batch)
        ]
        answer = stack.sqs.delete_message_batch(QueueUrl=stack.output(output), Entries=entries)
        failures = answer.get("Failed", [])
        erased.left.update(map(reason_of, failures))
        erased.count += len(batch) - len(failures)
        erased.size += sum(len(message["Body"].encode()) for message in batch)
        show(erased.count)
    return erased


def _look(stack: DeployedStack, output: str, selection: ImageSelection) -> _Seen:
    """Receive the visible messages of a queue once; they stay hidden for a minute."""
    seen, most = _Seen(), depth(stack, output)["visible"]
    received = 0
    while received < most:
        messages = stack.sqs.receive_message(
            QueueUrl=stack.output(output),
            MaxNumberOfMessages=_MOST_MESSAGES,
            VisibilityTimeout=_HIDDEN_SECONDS,
            WaitTimeSeconds=_WAIT_SECONDS,
        ).get("Messages", [])
        if not messages:
            break
        received += len(messages)
        for message in messages:
            selected = [selection.has(key) for key in keys_of(message["Body"])]
            if selected and all(selected):
                seen.naming[message["MessageId"]] = message
            else:
                seen.mixed += any(selected)
                seen.receipts[message["MessageId"]] = message["ReceiptHandle"]
    return seen


def _show_again(stack: DeployedStack, output: str, receipts: list[str]) -> None:
    rest = iter(receipts)
    while batch := list(islice(rest, _MOST_MESSAGES)):
        entries: list[Any] = [
            {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
            for number, receipt in enumerate(batch)
        ]
        stack.sqs.change_message_visibility_batch(QueueUrl=stack.output(output), Entries=entries)
