"""An S3 without a network."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws
from types_boto3_s3 import S3Client

from training.data.locations import s3_client


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        s3_client.cache_clear()
        yield boto3.client("s3")
    s3_client.cache_clear()
