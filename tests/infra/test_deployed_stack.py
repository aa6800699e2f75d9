"""How commands read the buckets of a deployed stack."""

import pytest
from botocore.exceptions import ClientError

from infra.deployed_stack import DeployedStack

PAGE = 1000  # keys that S3 lists at once


def test_objects_are_listed_over_all_pages_in_the_order_of_their_keys(stack: DeployedStack) -> None:
    keys = [f"results/{number:04}.json" for number in range(PAGE + 2)]
    for key in [*reversed(keys), "review/0000.json"]:
        stack.s3.put_object(Bucket=stack.results, Key=key)
    assert [entry["Key"] for entry in stack.objects(stack.results, "results/")] == keys
    assert list(stack.objects(stack.results, "ledger/")) == []


def test_the_content_of_an_object_is_read_whole(stack: DeployedStack) -> None:
    stack.s3.put_object(Bucket=stack.images, Key="cell ü.bmp", Body=b"BM")
    assert stack.read(stack.images, "cell ü.bmp") == b"BM"
    with pytest.raises(ClientError, match="NoSuchKey"):
        stack.read(stack.images, "another.bmp")
