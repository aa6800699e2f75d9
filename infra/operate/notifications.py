"""The notification with which the bucket of images announces uploads to the queue."""

from botocore.exceptions import ClientError

from infra import names
from infra.deployed_stack import DeployedStack

# Reading notifications is a right of its own, which an operator may lack.
_FORBIDDEN = ("AccessDenied", "AccessDeniedException", "AllAccessDisabled")
_UPLOADS = "s3:ObjectCreated:*"


def announces_uploads(stack: DeployedStack) -> bool | None:
    """Whether the bucket of images sends the event of every upload to the queue; None if it may not be asked.

    Raises:
        BotoCoreError, ClientError: AWS refuses or fails otherwise.
    """
    try:
        configured = stack.s3.get_bucket_notification_configuration(Bucket=stack.images)
        queue = stack.sqs.get_queue_attributes(QueueUrl=stack.output(names.QUEUE_OUTPUT), AttributeNames=["QueueArn"])[
            "Attributes"
        ]["QueueArn"]
    except ClientError as error:
        if error.response["Error"]["Code"] in _FORBIDDEN:
            return None
        raise
    return any(
        one["QueueArn"] == queue and _UPLOADS in one["Events"] for one in configured.get("QueueConfigurations", [])
    )
