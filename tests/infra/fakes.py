"""A fake deployment in this process: S3 and SQS by moto, and stand-ins for other clients."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from moto import mock_aws

from infra.deployed_stack import DeployedStack

IMAGES, RESULTS = "cellflag-test-images", "cellflag-test-results"


class FakePaginator:
    def __init__(self, page: Any) -> None:
        self._page = page

    def paginate(self, **options: Any) -> list[Any]:
        return [self._page(**options)]


@contextmanager
def deployed_stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeployedStack]:
    """A deployment with the buckets and queues of its outputs."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        session = boto3.Session()
        s3, sqs = session.client("s3"), session.client("sqs")
        for bucket in (IMAGES, RESULTS):
            s3.create_bucket(Bucket=bucket)
        outputs = {
            "ImagesBucketName": IMAGES,
            "ResultsBucketName": RESULTS,
            "QueueUrl": sqs.create_queue(QueueName="queue")["QueueUrl"],
            "DeadLetterQueueUrl": sqs.create_queue(QueueName="dead-letters")["QueueUrl"],
            "FunctionName": "function",
            "BackfillArn": "arn:aws:states:us-east-1:1:stateMachine:backfill",
        }
        yield DeployedStack("cellflag-test", outputs, session)


def with_client(stack: DeployedStack, name: str, **answers: Any) -> SimpleNamespace:
    """Replace a client by one with these methods."""
    client = SimpleNamespace(**answers)
    cast(Any, stack).__dict__[name] = client
    return client
