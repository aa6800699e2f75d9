"""Lists of images in place of a listing of the bucket: S3 Inventory knows the keys of a large bucket already.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
"""

import csv
import gzip
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

import click

from infra.deployed_stack import DeployedStack
from lambda_fn.keys import BACKFILLS


def list_of_inventory(stack: DeployedStack, manifest_url: str, prefix: str, show: Callable[[int], None]) -> str:
    """Write the keys of an inventory as a list that the backfill reads; returns its key in the results bucket.

    Args:
        stack: the deployment.
        manifest_url: `s3://BUCKET/.../manifest.json` of an inventory of the images bucket, in CSV.
        prefix: only keys that begin with it.
        show: told how many keys were read so far.

    Raises:
        click.UsageError: it is no such manifest, or of another bucket or format, or names no image.
        ClientError: S3 refuses or fails.
    """
    bucket, key = _parts(manifest_url)
    manifest = _manifest(stack, bucket, key)
    if manifest["sourceBucket"] != stack.images:
        raise click.UsageError(f"the inventory is of the bucket {manifest['sourceBucket']}, not of {stack.images}")
    if manifest["fileFormat"] != "CSV":
        raise click.UsageError(f"the inventory is in {manifest['fileFormat']}: only CSV can be read")
    destination = manifest["destinationBucket"].rpartition(":")[2]
    columns = [name.strip() for name in manifest["fileSchema"].split(",")]
    total = 0
    with tempfile.TemporaryFile() as listed:
        for file in manifest["files"]:
            body = stack.s3.get_object(Bucket=destination, Key=file["key"])["Body"]
            with gzip.open(body, "rt", encoding="utf-8", newline="") as rows:
                for image_key in _current_keys(rows, columns):
                    if image_key.startswith(prefix):
                        listed.write(json.dumps({"Key": image_key}).encode() + b"\n")
                        total += 1
            show(total)
        if not total:
            raise click.UsageError(f"the inventory names no image{f' below {prefix}' if prefix else ''}")
        listed.seek(0)
        list_key = f"{BACKFILLS}lists/{datetime.now(UTC):%Y-%m-%dT%H-%M-%S.%f}.jsonl"
        stack.s3.upload_fileobj(listed, stack.results, list_key)
    return list_key


def _parts(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not url.startswith("s3://") or not bucket or not key.endswith("manifest.json"):
        raise click.UsageError(f"{url} is not s3://BUCKET/.../manifest.json, as S3 Inventory writes it")
    return bucket, key


def _manifest(stack: DeployedStack, bucket: str, key: str) -> dict[str, Any]:
    try:
        body = stack.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except (stack.s3.exceptions.NoSuchKey, stack.s3.exceptions.NoSuchBucket) as error:
        raise click.UsageError(f"there is no s3://{bucket}/{key}") from error
    try:
        manifest: dict[str, Any] = json.loads(body)
        missing = {"sourceBucket", "destinationBucket", "fileFormat", "fileSchema", "files"} - manifest.keys()
    except (ValueError, AttributeError) as error:
        raise click.UsageError(f"s3://{bucket}/{key} is not the manifest of an inventory") from error
    if missing:
        raise click.UsageError(f"s3://{bucket}/{key} is not the manifest of an inventory: no {min(missing)}")
    return manifest


def _current_keys(rows: Iterable[str], columns: list[str]) -> Iterator[str]:
    """Keys in a CSV inventory are URL-encoded; one of all versions marks the current ones."""
    for row in csv.reader(rows):
        entry = dict(zip(columns, row, strict=False))
        if entry.get("IsLatest", "true") == "true" and entry.get("IsDeleteMarker", "false") == "false":
            yield unquote_plus(entry["Key"])
