"""List prices of AWS in US East (N. Virginia), in USD, without free tiers, taxes and discounts.

One place for every estimate: the backfill's summary, the simulation in docs/backfill.md, the dashboard. The page that
lists a price stands above it; prices move, so an estimate says that it is one.
"""

# The month for which these prices are stated.
PRICES_AS_OF = "2026-11"

# https://aws.amazon.com/lambda/pricing/
LAMBDA_GB_SECOND_ARM64 = 0.0000133334
LAMBDA_GB_SECOND_X86_64 = 0.0000166667
LAMBDA_REQUEST = 0.20 / 1e6

# https://aws.amazon.com/s3/pricing/, S3 Standard
# PUT, COPY, POST or LIST.
S3_WRITE_REQUEST = 0.005 / 1e3
# GET, HEAD and all others; DELETE is free.
S3_READ_REQUEST = 0.0004 / 1e3
S3_GB_MONTH = 0.023

# https://aws.amazon.com/sqs/pricing/, standard queues; sending, receiving and deleting are a request each
SQS_REQUEST = 0.40 / 1e6
# Are received or deleted at most:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html
SQS_MESSAGES_A_REQUEST = 10

# https://aws.amazon.com/step-functions/pricing/
# Of a Standard workflow, retries included.
STANDARD_TRANSITION = 0.025 / 1e3
EXPRESS_REQUEST = 1.00 / 1e6
EXPRESS_GB_SECOND = 0.00001667
# Duration is rounded up to 100 ms, memory to 64 MB.
EXPRESS_STEP_SECONDS = 0.1
EXPRESS_STEP_GB = 64 / 1024

# https://aws.amazon.com/cloudwatch/pricing/
LOGS_GB_INGESTED = 0.50
# A metric of one's own, in hours in which it is sent.
METRIC_MONTH = 0.30
# For each metric that an alarm reads.
ALARM_METRIC_MONTH = 0.10
DASHBOARD_MONTH = 3.00

# https://aws.amazon.com/kms/pricing/
KMS_KEY_MONTH = 1.00

# https://aws.amazon.com/athena/pricing/; a query pays for 10 MB at least
ATHENA_TB_SCANNED = 5.00


def lambda_cost(seconds: float, memory_mb: int, architecture: str, requests: int = 0) -> float:
    """Computing for `seconds` in all calls together, and the calls themselves, in USD."""
    gb_second = LAMBDA_GB_SECOND_ARM64 if architecture == "arm64" else LAMBDA_GB_SECOND_X86_64
    return seconds * memory_mb / 1024 * gb_second + requests * LAMBDA_REQUEST
