"""Listing a bucket and reading its objects."""

import pytest

from infra.deployed_stack import DeployedStack
from infra.tools.objects import list_keys, list_pages, read_bytes, read_json
from tests.infra.fakes import RESULTS


def put(stack: DeployedStack, key: str, body: bytes = b"") -> None:
    stack.s3.put_object(Bucket=RESULTS, Key=key, Body=body)


def test_more_keys_than_one_page_holds_are_listed_in_order_and_no_others(stack: DeployedStack) -> None:
    keys = [f"results/{number:04}.json" for number in range(1001)]
    for key in (*keys, "review/0000.json"):
        put(stack, key)
    assert list(list_keys(stack.s3, RESULTS, "results/")) == keys
    assert [len(page) for page in list_pages(stack.s3, RESULTS, "results/")] == [1000, 1]


def test_a_prefix_without_objects_has_no_keys(stack: DeployedStack) -> None:
    assert list(list_keys(stack.s3, RESULTS, "results/")) == []


def test_an_object_is_read_as_bytes_or_as_json(stack: DeployedStack) -> None:
    put(stack, "a.json", b'{"key": "\xc3\xa4"}')
    assert read_bytes(stack.s3, RESULTS, "a.json") == b'{"key": "\xc3\xa4"}'
    assert read_json(stack.s3, RESULTS, "a.json") == {"key": "ä"}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff"])
def test_an_object_without_json_is_a_value_error(stack: DeployedStack, body: bytes) -> None:
    put(stack, "a.json", body)
    with pytest.raises(ValueError):
        read_json(stack.s3, RESULTS, "a.json")


def test_a_missing_object_is_no_such_key(stack: DeployedStack) -> None:
    with pytest.raises(stack.s3.exceptions.NoSuchKey):
        read_json(stack.s3, RESULTS, "none.json")
