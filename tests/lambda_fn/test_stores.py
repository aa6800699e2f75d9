"""Conditional writes and reads against an emulated S3, and documents in a folder."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError, FlexibleChecksumError, IncompleteReadError
from botocore.httpchecksum import Crc32Checksum, StreamingChecksumBody
from botocore.response import StreamingBody

from lambda_fn.errors import ImageGoneError, ImageUnchangedError
from lambda_fn.events import ImageReference
from lambda_fn.precedence import ImageVersion
from lambda_fn.preprocessing import LIMITS, Limits
from lambda_fn.stores import BucketStore, current_version, read_from_bucket, read_from_folder, write_to_folder

from ..fake_s3 import FakeS3, client_error

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


@pytest.fixture
def s3(aws: "S3Client") -> "S3Client":
    aws.create_bucket(Bucket="bucket")
    return aws


def test_only_the_first_of_two_creations_succeeds(s3: "S3Client") -> None:
    store = BucketStore(s3, "bucket")
    etag = store.create("a", b"one", {"model": "m"})
    assert etag
    assert store.create("a", b"two", {}) is None
    current = store.get("a")
    assert current
    assert (current.body, current.etag, current.metadata) == (b"one", etag, {"model": "m"})


def test_an_object_is_replaced_only_if_it_is_still_the_current_one(s3: "S3Client") -> None:
    store = BucketStore(s3, "bucket")
    first = store.create("a", b"one", {})
    assert first
    second = store.replace("a", b"two", {}, first)
    assert second
    assert store.replace("a", b"three", {}, first) is None
    store.delete("a")
    assert store.replace("a", b"three", {}, second) is None
    assert store.get("a") is None


def test_an_object_is_deleted_only_if_it_is_still_the_one_that_was_read(s3: "S3Client") -> None:
    client: Any = FakeS3()  # the emulated S3 does not know conditional deletions
    store = BucketStore(client, "bucket")
    first = store.create("a", b"one", {})
    assert first
    second = store.replace("a", b"two", {}, first)
    assert second
    assert not store.delete_if("a", first)
    assert store.get("a")
    assert store.delete_if("a", second)
    assert not store.delete_if("a", second)
    assert store.get("a") is None


def test_the_current_version_is_none_for_a_deleted_image_but_an_error_for_a_deleted_bucket(s3: "S3Client") -> None:
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    assert current_version(s3, "bucket", "a") is None
    uploaded = s3.put_object(Bucket="bucket", Key="a", Body=b"one")
    assert current_version(s3, "bucket", "a") == ImageVersion(uploaded["VersionId"], uploaded["ETag"].strip('"'))
    s3.delete_object(Bucket="bucket", Key="a")
    assert current_version(s3, "bucket", "a") is None
    with pytest.raises(ClientError, match="NoSuchBucket"):
        current_version(s3, "no-such-bucket", "a")


def test_an_image_that_may_not_be_looked_at_is_an_error_and_not_gone() -> None:
    def refuse(name: str, operation: Callable[[], Any]) -> Any:
        raise client_error(name, "403", 403)

    client: Any = FakeS3(refuse)
    with pytest.raises(ClientError, match="403"):
        current_version(client, "bucket", "a")


def test_a_known_version_is_not_mistaken_for_another_one_of_the_same_bytes(s3: "S3Client") -> None:
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    first, second = (s3.put_object(Bucket="bucket", Key="a", Body=b"one") for _ in range(2))
    known = ImageVersion(first["VersionId"], first["ETag"].strip('"'))
    assert read_from_bucket(s3, ImageReference("bucket", "a"), known).version_id == second["VersionId"]


def test_a_missing_bucket_is_an_error_and_not_a_refused_condition(s3: "S3Client") -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        BucketStore(s3, "no-such-bucket").create("a", b"one", {})


class AnsweringS3:
    """Answers each GET with a new body."""

    class exceptions:  # noqa: N801 - boto3's name
        NoSuchKey = ClientError

    def __init__(self, body: Callable[[], StreamingBody]) -> None:
        self._body = body

    def get_object(self, **_: str) -> dict[str, Any]:
        now = datetime.now(UTC)
        return {"Body": self._body(), "ContentLength": 7, "ETag": '"e"', "LastModified": now, "Metadata": {}}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (lambda: StreamingBody(BytesIO(b"the"), 7), IncompleteReadError),
        (lambda: StreamingChecksumBody(BytesIO(b"the end"), 7, Crc32Checksum(), "AAAAAA=="), FlexibleChecksumError),
    ],
    ids=["shorter than announced", "another checksum"],
)
def test_a_body_that_was_damaged_in_transit_is_an_error_and_neither_image_nor_result(
    body: Callable[[], StreamingBody], error: type[Exception]
) -> None:
    client: Any = AnsweringS3(body)
    with pytest.raises(error):
        read_from_bucket(client, ImageReference("bucket", "a"))
    with pytest.raises(error):
        BucketStore(client, "bucket").get("results/a.json")


def test_an_image_of_a_known_version_is_not_read_again(s3: "S3Client") -> None:
    known = ImageVersion(None, s3.put_object(Bucket="bucket", Key="a", Body=b"one")["ETag"].strip('"'))
    with pytest.raises(ImageUnchangedError):
        read_from_bucket(s3, ImageReference("bucket", "a"), known)
    s3.put_object(Bucket="bucket", Key="a", Body=b"two")
    assert read_from_bucket(s3, ImageReference("bucket", "a"), known).data == b"two"


@pytest.mark.parametrize("version_id", [None, "11111111-1111-1111-1111-111111111111"])
def test_a_missing_object_or_version_is_reported_as_gone(version_id: str | None, s3: "S3Client") -> None:
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    if version_id:
        s3.put_object(Bucket="bucket", Key="a", Body=b"x")
    with pytest.raises(ImageGoneError):
        read_from_bucket(s3, ImageReference("bucket", "a", version_id))


def test_an_object_that_is_too_large_is_not_downloaded(s3: "S3Client") -> None:
    s3.put_object(Bucket="bucket", Key="a", Body=bytes(LIMITS.file_bytes + 1))
    image = read_from_bucket(s3, ImageReference("bucket", "a"))
    assert (image.byte_count, image.data) == (LIMITS.file_bytes + 1, b"")


def test_a_file_larger_than_the_limit_is_not_read(s3: "S3Client", tmp_path: Path) -> None:
    s3.put_object(Bucket="bucket", Key="a", Body=b"12345")
    (tmp_path / "a").write_bytes(b"12345")
    for file_bytes, data in ((4, b""), (5, b"12345")):
        limits = Limits(file_bytes=file_bytes)
        assert read_from_bucket(s3, ImageReference("bucket", "a"), limits=limits).data == data
        assert read_from_folder(tmp_path, tmp_path / "a", limits).data == data


class EndlessObject(BaseHTTPRequestHandler):
    """Sends up to 5 GB, and counts the bytes that were sent."""

    sent = 0

    def do_GET(self) -> None:
        self.send_response(200)
        for name, value in {"Content-Length": "5000000000", "ETag": '"e"', "Last-Modified": formatdate()}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(ConnectionError):
            while EndlessObject.sent < 5_000_000_000:
                EndlessObject.sent += self.wfile.write(bytes(1_000_000))

    def log_message(self, *_: object) -> None:
        pass


def test_of_an_object_of_5_gb_only_the_bytes_in_transit_are_received(aws: "S3Client") -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), EndlessObject)
    threading.Thread(target=server.serve_forever).start()
    try:
        client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{server.server_port}")
        image = read_from_bucket(client, ImageReference("bucket", "a"))
    finally:
        server.shutdown()
        server.server_close()
    assert (image.byte_count, image.data) == (5_000_000_000, b"")
    assert EndlessObject.sent < 2 * LIMITS.file_bytes


def test_a_file_is_read_under_its_path_below_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "plate 7" / "ü.bmp"
    path.parent.mkdir()
    path.write_bytes(b"12345")
    image = read_from_folder(tmp_path, path)
    assert (image.key, image.data, image.byte_count, image.bucket) == ("plate 7/ü.bmp", b"12345", 5, None)


def document(review: bool) -> Any:
    return {"image": {"key": "plate 7/ü.bmp"}, "review": {"required": review}}


def test_a_flag_in_a_folder_is_deleted_if_the_new_result_needs_no_review(tmp_path: Path) -> None:
    result, flag = (tmp_path / part / "plate 7/ü.bmp.json" for part in ("results", "review"))
    write_to_folder(tmp_path, document(review=True))
    assert result.read_bytes() == flag.read_bytes()
    write_to_folder(tmp_path, document(review=False))
    assert not flag.exists()
    assert json.loads(result.read_text("utf-8")) == document(review=False)


@pytest.mark.parametrize(
    ("seconds", "time"),
    [(-1, "1970-01-01T00:00:00Z"), (1e9, "2001-09-09T01:46:40Z"), (1e12, "9999-12-31T23:59:59Z")],
)
def test_the_time_of_a_file_is_within_years_of_four_digits(
    seconds: float, time: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bmp"
    path.write_bytes(b"image")
    status = SimpleNamespace(st_mtime=seconds, st_size=5)
    monkeypatch.setattr(Path, "stat", lambda *_, **__: status)
    assert read_from_folder(tmp_path, path).last_modified == time


def test_a_result_that_asks_for_review_is_never_without_its_flag(tmp_path: Path) -> None:
    (tmp_path / "review").touch()
    with pytest.raises(OSError, match=r"File exists|Not a directory"):
        write_to_folder(tmp_path, document(review=True))
    assert not (tmp_path / "results").exists()


def test_a_folder_has_no_flag_for_pixels_that_a_person_has_answered(tmp_path: Path) -> None:
    answered: Any = document(review=True)
    answered["image"] |= {"sha256": "digest", "etag": None, "version_id": None}
    label = tmp_path / "labels" / f"{answered['image']['key']}.json"
    label.parent.mkdir(parents=True)
    label.write_text(json.dumps({"label": "ALL", "labelled_at": "", "image": {"sha256": "digest"}}), "utf-8")
    write_to_folder(tmp_path, answered)
    assert not (tmp_path / "review").exists()
    answered["image"]["sha256"] = "digest of other pixels"
    write_to_folder(tmp_path, answered)
    assert len(list((tmp_path / "review").rglob("*.json"))) == 1
