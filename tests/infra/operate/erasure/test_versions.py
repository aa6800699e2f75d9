"""Versions of objects whose keys no XML can hold, and listings that are read while their entries are erased."""

from typing import Any
from urllib.parse import quote_plus

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError

from infra.deployed_stack import DeployedStack
from infra.operate.erasure.versions import (
    Version,
    abort_uploads,
    erase_versions,
    find_unfinished_uploads,
    find_versions,
)
from tests.infra.fakes import IMAGES, with_client

# A key that XML cannot hold, and one that its readers change.
KEYS = ("a\x01\x1b[2J.bmp", "a\r\n+ %41&<.bmp")


class Answer(AWSResponse):
    """An answer of S3 as it comes over the network."""

    def __init__(self, text: str) -> None:
        super().__init__("https://s3", 200, HTTPHeaders(), None)
        self.text_bytes = text.encode()

    @property
    def content(self) -> bytes:
        return self.text_bytes


def encoded(key: str) -> str:
    return quote_plus(key, safe="/")


def test_a_listing_of_versions_is_asked_for_in_an_encoding_that_holds_every_key(stack: DeployedStack) -> None:
    urls: list[str] = []

    def answer(request: Any, **_: Any) -> Any:
        urls.append(request.url)
        entries = "".join(
            f"<Version><Key>{encoded(key)}</Key><VersionId>1</VersionId><Size>5</Size></Version>" for key in KEYS
        )
        return Answer(f"<ListVersionsResult><EncodingType>url</EncodingType>{entries}</ListVersionsResult>")

    stack.s3.meta.events.register_first("before-send.s3.ListObjectVersions", answer)
    found = find_versions(stack.s3, IMAGES, "a", lambda _: True)
    assert list(found) == [Version(IMAGES, key, "1", 5) for key in KEYS]
    assert "encoding-type=url" in urls[0]


def test_a_listing_of_unfinished_uploads_is_decoded(stack: DeployedStack) -> None:
    def answer(request: Any, **_: Any) -> Any:
        assert "encoding-type=url" in request.url
        entries = "".join(f"<Upload><Key>{encoded(key)}</Key><UploadId>1</UploadId></Upload>" for key in KEYS)
        return Answer(
            f"<ListMultipartUploadsResult><EncodingType>url</EncodingType>{entries}</ListMultipartUploadsResult>"
        )

    stack.s3.meta.events.register_first("before-send.s3.ListMultipartUploads", answer)
    found = find_unfinished_uploads(stack.s3, IMAGES, "a", lambda _: True)
    assert list(found) == [Version(IMAGES, key, "1", 0) for key in KEYS]


def test_versions_that_xml_cannot_name_are_erased_one_by_one(stack: DeployedStack) -> None:
    stack.s3.put_bucket_versioning(Bucket=IMAGES, VersioningConfiguration={"Status": "Enabled"})
    versions = [
        Version(IMAGES, key, stack.s3.put_object(Bucket=IMAGES, Key=key, Body=b"12345")["VersionId"], 5)
        for key in (*KEYS, "plain.bmp")
    ]
    erased = erase_versions(stack.s3, versions, lambda _: None)
    assert (erased.count, erased.size, dict(erased.left)) == (3, 15, {})
    assert "Versions" not in stack.s3.list_object_versions(Bucket=IMAGES)


def test_a_refusal_of_a_version_that_xml_cannot_name_is_counted(stack: DeployedStack) -> None:
    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "locked."}}, "DeleteObject")

    client = with_client(stack, "s3", delete_object=refuse)
    erased = erase_versions(client, [Version(IMAGES, KEYS[0], "1", 5)], lambda _: None)  # type: ignore[arg-type]
    assert (erased.count, dict(erased.left)) == (0, {"AccessDenied: locked": 1})


def test_an_error_without_a_version_is_about_all_versions_of_its_key(stack: DeployedStack) -> None:
    error = {"Key": "a", "Code": "InternalError", "Message": "again"}
    client = with_client(stack, "s3", delete_objects=lambda **_: {"Errors": [error]})
    versions = [Version(IMAGES, key, number, 1) for key in "ab" for number in "12"]
    erased = erase_versions(client, versions, lambda _: None)  # type: ignore[arg-type]
    assert (erased.count, dict(erased.left)) == (2, {"InternalError: again": 2})


@pytest.mark.parametrize("pages", [[], [["a"]], [["a", "b"], [], ["c"], ["d"]]])
def test_a_page_is_erased_only_after_the_next_was_read(pages: list[list[str]], stack: DeployedStack) -> None:
    read: list[int] = []

    def paginate(**_: Any) -> Any:
        for number, keys in enumerate(pages):
            read.append(number)
            yield {"Versions": [{"Key": key, "VersionId": "1", "Size": 1} for key in keys]}

    client: Any = with_client(stack, "s3", get_paginator=lambda _: with_client(stack, "logs", paginate=paginate))
    seen = []
    for version in find_versions(client, IMAGES, "", lambda _: True):
        (page,) = [number for number, keys in enumerate(pages) if version.key in keys]
        assert read[-1] == min(page + 1, len(pages) - 1)
        seen.append(version.key)
    assert seen == [key for keys in pages for key in keys]


def test_an_upload_that_ended_meanwhile_is_passed_over(stack: DeployedStack) -> None:
    erased = abort_uploads(stack.s3, [Version(IMAGES, "a", "no-such-upload", 0)])
    assert (erased.count, dict(erased.left)) == (0, {})
