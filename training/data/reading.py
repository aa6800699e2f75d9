"""Reads the images of labelled cells, from disk or from S3, as the function reads them."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from lambda_fn import cells, images
from lambda_fn.errors import RejectedImageError
from training.data.sources import Cell

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

S3 = "s3://"

Used = TypeVar("Used")


class UnusableImageError(Exception):
    """An image that no model can learn from; the message says why."""


@dataclass(frozen=True)
class ReadCell:
    """What an image holds.

    Attributes:
        cell: the cell on it.
        sha256: digest of the decoded pixels: two files of one image in different formats have the same.
        width: of the image, pixels.
        height: of the image, pixels.
        byte_count: of the file.
    """

    cell: cells.Cell
    sha256: str
    width: int
    height: int
    byte_count: int


@cache
def s3_client() -> "S3Client":
    """The one client of this process; it serves many threads."""
    import boto3

    return boto3.client("s3")


def split_url(url: str) -> tuple[str, str]:
    """Bucket and key, or prefix, of ``s3://<bucket>/<key>``."""
    bucket, _, key = url.removeprefix(S3).partition("/")
    return bucket, key


def read_bytes(location: str) -> bytes:
    """Read a file, or an object of S3.

    Raises:
        OSError: there is none, or it cannot be read.
    """
    if not location.startswith(S3):
        return Path(location).read_bytes()
    bucket, key = split_url(location)
    try:
        return s3_client().get_object(Bucket=bucket, Key=key)["Body"].read()
    except (ClientError, BotoCoreError) as error:
        raise OSError(0, str(error), location) from error


def read(cell: Cell) -> ReadCell:
    """Read a cell's image.

    Raises:
        UnusableImageError: it cannot be read, shows no cell, or is not the image that was indexed.
    """
    try:
        data = read_bytes(cell.location)
        decoded = images.decode(data)
        found = cells.find_cell(decoded.pixels)
    except RejectedImageError as error:
        raise UnusableImageError(error.message) from error
    except OSError as error:
        raise UnusableImageError(error.strerror or str(error)) from error
    sha256 = hashlib.sha256(decoded.pixels.tobytes()).hexdigest()
    if cell.sha256 not in ("", sha256):
        raise UnusableImageError("The image is not the one that was indexed; index it again.")
    return ReadCell(found, sha256, decoded.width, decoded.height, len(data))


def read_all(
    wanted: Sequence[Cell],
    use: Callable[[ReadCell], Used],
    on_read: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[tuple[Cell, Used | UnusableImageError]]:
    """Read cells in parallel and in order.

    Args:
        wanted: the cells.
        use: what to keep of each; called in a thread.
        on_read: called after each with the number of cells read and their total.

    Yields:
        Each cell, with what is kept of it or why it cannot be used.
    """

    def kept(cell: Cell) -> Used | UnusableImageError:
        try:
            return use(read(cell))
        except UnusableImageError as error:
            return error

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, (cell, outcome) in enumerate(zip(wanted, pool.map(kept, wanted), strict=True), start=1):
            on_read(done, len(wanted))
            yield cell, outcome
