"""Sends dead letters back to the queue."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from infra import names
from infra.deployed_stack import DeployedStack
from infra.errors import InfraError
from infra.operate.dead_letters import depth, receive

# Error codes of an emulator that cannot move messages.
_UNKNOWN_OPERATION = {"InvalidAction", "UnknownOperationException", "AWS.SimpleQueueService.UnsupportedOperation"}


class MoveFailedError(InfraError):
    """SQS stopped moving messages; the rest are still dead letters."""

    def __init__(self, reason: str) -> None:
        """Give the reason, which becomes part of the message."""
        super().__init__(f"{reason}; `cellflag status` shows how many are left.")


def send_back(stack: DeployedStack, show: Callable[[int], None], wait: Callable[[], None]) -> int:
    """Move all dead letters back to the queue.

    SQS moves them itself. For an emulator that cannot, they are sent and then deleted one batch at a time. A message is
    deleted only after the queue accepted it, so none is lost. One may arrive twice, which does not harm.

    Args:
        stack: the deployment.
        show: called with the number of messages moved so far.
        wait: called before each further look at the progress of SQS.

    Returns:
        The number of messages moved.

    Raises:
        MoveFailedError: some messages were not moved.
        ClientError: SQS refuses or fails.
    """
    url = stack.output(names.DEAD_LETTER_QUEUE_OUTPUT)
    arn = stack.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    try:
        stack.sqs.start_message_move_task(SourceArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _UNKNOWN_OPERATION:
            raise
        return _move(stack, show)
    while True:
        (task, *_) = stack.sqs.list_message_move_tasks(SourceArn=arn, MaxResults=1)["Results"]
        moved = task.get("ApproximateNumberOfMessagesMoved", 0)
        show(moved)
        if task["Status"] in ("FAILED", "CANCELLED"):
            raise MoveFailedError(f"SQS ended the move as {task['Status']}: {task.get('FailureReason', 'no reason')}")
        if task["Status"] == "COMPLETED":
            return moved
        wait()


def _move(stack: DeployedStack, show: Callable[[int], None]) -> int:
    moved, most = 0, sum(depth(stack, names.DEAD_LETTER_QUEUE_OUTPUT).values())
    while moved < most and (messages := receive(stack)):  # a message that fails again meanwhile stays
        entries: list[Any] = [
            {
                "Id": str(number),
                "MessageBody": message["Body"],
                "MessageAttributes": message.get("MessageAttributes", {}),
            }
            for number, message in enumerate(messages)
        ]
        queue = stack.output(names.QUEUE_OUTPUT)
        accepted = stack.sqs.send_message_batch(QueueUrl=queue, Entries=entries).get("Successful", [])
        if not accepted:
            raise MoveFailedError("the queue took none of the messages")
        deletions: list[Any] = [
            {"Id": entry["Id"], "ReceiptHandle": messages[int(entry["Id"])]["ReceiptHandle"]} for entry in accepted
        ]
        stack.sqs.delete_message_batch(QueueUrl=stack.output(names.DEAD_LETTER_QUEUE_OUTPUT), Entries=deletions)
        moved += len(deletions)
        show(moved)
    return moved
