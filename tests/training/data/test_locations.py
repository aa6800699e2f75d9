from pathlib import Path

import pytest
from types_boto3_s3 import S3Client

from training.data.locations import list_files, read_bytes

KEYS = ("labels/a.json", "labels/plate 7/b.json", "labels_of_others/c.json", "results/a.json")


@pytest.fixture
def bucket(s3: S3Client) -> str:
    """A bucket that holds ``KEYS`` twice: at its root, and below the prefix ``of/one``."""
    s3.create_bucket(Bucket="cells")
    for key in (*KEYS, *(f"of/one/{key}" for key in KEYS)):
        s3.put_object(Bucket="cells", Key=key, Body=key.encode())
    return "s3://cells"


@pytest.mark.parametrize("root", ["", "/", "/of/one", "/of/one/"])
def test_objects_below_a_prefix_are_listed_with_their_keys_below_the_root(root: str, bucket: str) -> None:
    files = list(list_files(f"{bucket}{root}", "labels/"))
    assert [key for _, key in files] == ["labels/a.json", "labels/plate 7/b.json"]
    folder = "of/one/" if "one" in root else ""
    assert [read_bytes(location).decode() for location, _ in files] == [f"{folder}{key}" for _, key in files]


def test_files_are_listed_as_objects_are(tmp_path: Path) -> None:
    for key in KEYS:
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_text(key, "utf-8")
    files = list(list_files(str(tmp_path), "labels/"))
    assert [key for _, key in files] == ["labels/a.json", "labels/plate 7/b.json"]
    assert [read_bytes(location).decode() for location, _ in files] == [key for _, key in files]


@pytest.mark.usefixtures("s3")
def test_a_bucket_that_is_not_there_is_an_error_of_the_operating_system() -> None:
    with pytest.raises(OSError, match="NoSuchBucket"):
        list(list_files("s3://absent", "labels/"))
    with pytest.raises(OSError, match="NoSuchBucket"):
        read_bytes("s3://absent/labels/a.json")
