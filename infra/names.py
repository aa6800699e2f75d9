"""Names that the stack gives and the commands that look after it ask for."""

from typing import Final

# The stage that is deployed if no other is named.
DEFAULT_STAGE: Final = "production"
LOCAL_STAGE: Final = "local"

# Outputs of the stack.
IMAGES_BUCKET_OUTPUT: Final = "ImagesBucketName"
RESULTS_BUCKET_OUTPUT: Final = "ResultsBucketName"
QUEUE_OUTPUT: Final = "QueueUrl"
DEAD_LETTER_QUEUE_OUTPUT: Final = "DeadLetterQueueUrl"
FUNCTION_OUTPUT: Final = "FunctionName"
BACKFILL_OUTPUT: Final = "BackfillArn"
ALARM_TOPIC_OUTPUT: Final = "AlarmTopicArn"
# Only a deployment that scores one prefix of its bucket has this one.
IMAGES_PREFIX_OUTPUT: Final = "ImagesPrefix"

# The alias of the function that the queue calls: it names the version that is in service.
LIVE_ALIAS: Final = "live"


def stack_name(stage: str) -> str:
    """Name of the CloudFormation stack of a stage."""
    return f"cellflag-{stage}"
