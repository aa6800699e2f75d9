"""List prices of AWS in US East (N. Virginia), in USD, without free tiers, taxes and discounts.

Every estimate reads them here: the summary of a backfill, the simulation in docs/backfill.md, and the dashboard. The
comment above a price links to its page. Prices change, so estimates are marked as such.
"""

# The month in which these prices were read.
PRICES_AS_OF = "2026-11"

# https://aws.amazon.com/lambda/pricing/
LAMBDA_GB_SECOND_ARM64 = 0.0000133334
LAMBDA_GB_SECOND_X86_64 = 0.0000166667
LAMBDA_REQUEST = 0.20 / 1e6

# https://aws.amazon.com/s3/pricing/, S3 Standard
# A PUT, COPY, POST or LIST request.
S3_WRITE_REQUEST = 0.005 / 1e3
# A GET, HEAD or any other request; DELETE is free.
S3_READ_REQUEST = 0.0004 / 1e3
S3_GB_MONTH = 0.023

# https://aws.amazon.com/sqs/pricing/, standard queues; sending, receiving and deleting cost one request each
SQS_REQUEST = 0.40 / 1e6
# Messages that one request receives or deletes, at most:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html
SQS_MESSAGES_A_REQUEST = 10

# https://aws.amazon.com/step-functions/pricing/
# A state transition of a Standard workflow; a retry counts as one.
STANDARD_TRANSITION = 0.025 / 1e3
EXPRESS_REQUEST = 1.00 / 1e6
EXPRESS_GB_SECOND = 0.00001667
# Duration is rounded up to steps of 100 ms, memory to steps of 64 MB.
EXPRESS_STEP_SECONDS = 0.1
EXPRESS_STEP_GB = 64 / 1024

# https://aws.amazon.com/cloudwatch/pricing/
LOGS_GB_INGESTED = 0.50
# A custom metric, for the hours in which it is sent.
METRIC_MONTH = 0.30
# One metric that an alarm reads.
ALARM_METRIC_MONTH = 0.10
DASHBOARD_MONTH = 3.00

# https://aws.amazon.com/kms/pricing/
KMS_KEY_MONTH = 1.00

# https://aws.amazon.com/athena/pricing/; a query costs at least 10 MB
ATHENA_TB_SCANNED = 5.00


def lambda_cost(seconds: float, memory_mb: int, architecture: str, requests: int = 0) -> float:
    """The cost in USD of ``requests`` calls that run for ``seconds`` in total, with ``memory_mb`` of memory."""
    gb_second = LAMBDA_GB_SECOND_ARM64 if architecture == "arm64" else LAMBDA_GB_SECOND_X86_64
    return seconds * memory_mb / 1024 * gb_second + requests * LAMBDA_REQUEST
