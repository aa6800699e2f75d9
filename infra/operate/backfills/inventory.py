"""Makes a list of images for a backfill from an S3 Inventory, which spares listing a large bucket.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
"""

import csv
import gzip
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

import click

from infra.deployed_stack import DeployedStack
from infra.errors import InfraError
from infra.tools.objects import open_object, read_json
from lambda_fn.keys import BACKFILLS

_MANIFEST_FIELDS = {"sourceBucket", "destinationBucket", "fileFormat", "fileSchema", "files"}


class InventoryError(InfraError, click.UsageError):
    """The inventory does not exist, or a backfill cannot use it."""


def list_of_inventory(stack: DeployedStack, manifest_url: str, prefix: str, show: Callable[[int], None]) -> str:
    """Write the keys of an inventory to a list that a backfill can read.

    Args:
        stack: the deployment.
        manifest_url: ``s3://BUCKET/.../manifest.json`` of an inventory of the images bucket in CSV.
        prefix: keys that do not begin with it are left out.
        show: called with the number of keys so far.

    Returns:
        The key of the list in the results bucket.

    Raises:
        InventoryError: there is no such manifest, the inventory is of another bucket or format, or no key is left.
        ClientError: S3 refuses or fails.
    """
    manifest = _manifest(stack, manifest_url)
    if manifest["sourceBucket"] != stack.images:
        raise InventoryError(f"the inventory is of the bucket {manifest['sourceBucket']}, not of {stack.images}")
    if manifest["fileFormat"] != "CSV":
        raise InventoryError(f"the inventory is in {manifest['fileFormat']}: only CSV can be read")
    total = 0
    with tempfile.TemporaryFile() as lines:
        for file in manifest["files"]:
            for key in _current_keys(stack, manifest, file["key"]):
                if key.startswith(prefix):
                    lines.write(json.dumps({"Key": key}).encode() + b"\n")
                    total += 1
            show(total)
        if not total:
            raise InventoryError(f"the inventory names no image{f' below {prefix}' if prefix else ''}")
        lines.seek(0)
        list_key = f"{BACKFILLS}lists/{datetime.now(UTC):%Y-%m-%dT%H-%M-%S.%f}.jsonl"
        stack.s3.upload_fileobj(lines, stack.results, list_key)
    return list_key


def _manifest(stack: DeployedStack, url: str) -> dict[str, Any]:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not url.startswith("s3://") or not bucket or not key.endswith("manifest.json"):
        raise InventoryError(f"{url} is not s3://BUCKET/.../manifest.json, as S3 Inventory writes it")
    try:
        manifest: dict[str, Any] = read_json(stack.s3, bucket, key)
        missing = _MANIFEST_FIELDS - manifest.keys()
    except (stack.s3.exceptions.NoSuchKey, stack.s3.exceptions.NoSuchBucket) as error:
        raise InventoryError(f"there is no {url}") from error
    except (ValueError, AttributeError) as error:
        raise InventoryError(f"{url} is not the manifest of an inventory") from error
    if missing:
        raise InventoryError(f"{url} is not the manifest of an inventory: no {min(missing)}")
    return manifest


def _current_keys(stack: DeployedStack, manifest: Mapping[str, Any], file_key: str) -> Iterator[str]:
    """The keys of current images in one file of an inventory.

    Keys in the file are URL-encoded. An inventory of all versions marks the current version of each key.
    """
    columns = [name.strip() for name in manifest["fileSchema"].split(",")]
    body = open_object(stack.s3, manifest["destinationBucket"].rpartition(":")[2], file_key)
    with gzip.open(body, "rt", encoding="utf-8", newline="") as rows:
        for row in csv.reader(rows):
            entry = dict(zip(columns, row, strict=False))
            if entry.get("IsLatest", "true") == "true" and entry.get("IsDeleteMarker", "false") == "false":
                yield unquote_plus(entry["Key"])
