"""Objects of a bucket are listed over all pages, and read whole."""

import pytest
from botocore.exceptions import ClientError

from infra.deployed_stack import DeployedStack
from infra.tools.objects import list_keys, read_bytes, read_json

PAGE = 1000  # keys that S3 lists at once


def test_keys_are_listed_over_all_pages_in_order(stack: DeployedStack) -> None:
    keys = [f"results/{number:04}.json" for number in range(PAGE + 2)]
    for key in [*reversed(keys), "review/0000.json"]:
        stack.s3.put_object(Bucket=stack.results, Key=key)
    assert list(list_keys(stack.s3, stack.results, "results/")) == keys
    assert list(list_keys(stack.s3, stack.results, "ledger/")) == []


def test_an_object_is_read_whole(stack: DeployedStack) -> None:
    stack.s3.put_object(Bucket=stack.images, Key="cell ü.json", Body=b'{"a": 1}')
    assert read_bytes(stack.s3, stack.images, "cell ü.json") == b'{"a": 1}'
    assert read_json(stack.s3, stack.images, "cell ü.json") == {"a": 1}
    with pytest.raises(ClientError, match="NoSuchKey"):
        read_bytes(stack.s3, stack.images, "another.json")
