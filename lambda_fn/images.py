"""Decode an image file to pixels, or reject it with a reason.

Training imports this module too, so a model is trained and served on the same pixels.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from lambda_fn.errors import RejectedImageError
from lambda_fn.manifest import LIMITS, Limits

FORMATS = ("BMP", "PNG", "JPEG", "TIFF", "WEBP")
# Bounds for files that keep within ``Limits`` but would still occupy a decoder for minutes. Pillow reads headers piece
# by piece in Python, and run-length encoded BMPs byte by byte. Each scan of a progressive JPEG passes over the whole
# image; usual files have 10 scans.
MAX_READS = 100_000
MAX_READS_OF_BMP = 2_000_000
MAX_SCANS = 40


class _LimitedReads(io.BytesIO):
    """A file in memory that can be read a limited number of times, and is rejected after that."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._left = MAX_READS_OF_BMP if data.startswith(b"BM") else MAX_READS

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise RejectedImageError("unreadable", "The file has so many pieces that reading it takes too long.")
        return super().read(size)


@dataclass(frozen=True)
class StoredImage:
    """An image file, as it was read from a bucket or a folder.

    Attributes:
        bucket: the bucket's name; None for a file on disk.
        key: the object's key, or the file's path below its folder with ``/`` between the parts.
        version_id: the version that was read; None for a file, or if the bucket keeps no versions.
        etag: S3's entity tag without its quotes; None for a file.
        last_modified: time of the upload, ISO 8601 in UTC, to the second.
        byte_count: size of the whole file in bytes.
        data: the file's bytes; empty if there are more than the limit.
        read_ms: time that reading took, in milliseconds.
    """

    bucket: str | None
    key: str
    version_id: str | None
    etag: str | None
    last_modified: str
    byte_count: int
    data: bytes
    read_ms: float


@dataclass(frozen=True)
class DecodedImage:
    """An image as 8-bit RGB.

    Attributes:
        pixels: uint8 array of shape (height, width, 3), 0 to 255.
        format: the file's format, one of ``FORMATS``.
    """

    pixels: NDArray[np.uint8]
    format: str

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])


def check_byte_count(byte_count: int, limits: Limits = LIMITS) -> None:
    """Raise ``RejectedImageError`` if a file is empty or larger than the limit."""
    if byte_count > limits.file_bytes:
        raise RejectedImageError("too_large", f"The file has {byte_count:,} bytes; the limit is {limits.file_bytes:,}.")
    if byte_count == 0:
        raise RejectedImageError("unreadable", "The file is empty.")


def decode(data: bytes, limits: Limits = LIMITS) -> DecodedImage:
    """Decode a BMP, PNG, JPEG, TIFF or WebP file to 8-bit RGB.

    Transparent pixels become black, the EXIF orientation is applied, and 16-bit samples keep their upper byte. Pixels
    are decoded only after the header has passed all limits.

    Args:
        data: the file's bytes.
        limits: the largest image to decode.

    Raises:
        RejectedImageError: the file has another format, is damaged, is too large, or holds several pages.
    """
    check_byte_count(len(data), limits)
    try:
        image = Image.open(_LimitedReads(data), formats=FORMATS)
    except RejectedImageError:
        raise
    except UnidentifiedImageError:
        raise RejectedImageError(
            "unsupported_format", "The file is not a readable BMP, PNG, JPEG, TIFF or WebP image."
        ) from None
    except Image.DecompressionBombError:
        raise RejectedImageError("too_large", f"The image has far more than {limits.pixels:,} pixels.") from None
    except Exception as error:  # noqa: BLE001 - Pillow's parsers may raise anything for a damaged header
        raise RejectedImageError("unreadable", f"The image's header cannot be read: {error}") from None
    with image:
        _check_extent(image.width, image.height, limits)
        if image.mode in ("I", "F"):
            raise RejectedImageError("unsupported_format", "The image has 32 bits a sample; send 8 or 16.")
        # Fax compression holds black and white only. For a damaged file libtiff writes one line of log for each row.
        if image.info.get("compression") in ("tiff_ccitt", "group3", "group4"):
            raise RejectedImageError("unsupported_format", "The image is compressed as a fax, without any grey.")
        # Do not ask for the number of pages: Pillow takes minutes to count a hundred thousand.
        if getattr(image, "is_animated", False):
            raise RejectedImageError("unsupported_format", "The file holds several pages or frames; send each alone.")
        # Within a scan, 255 stands only before 0 or a restart marker, so these two bytes always begin a new scan.
        if image.format == "JPEG" and data.count(b"\xff\xda") > MAX_SCANS:
            raise RejectedImageError("unreadable", f"The JPEG has more than {MAX_SCANS} scans.")
        try:
            pixels = _to_rgb(image)
        except RejectedImageError:
            raise
        except Exception as error:  # noqa: BLE001 - and so they may for damaged pixels
            raise RejectedImageError("unreadable", f"The image's pixels cannot be read: {error}") from None
        return DecodedImage(pixels, image.format or "")


def _check_extent(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.pixels:
        raise RejectedImageError(
            "too_large", f"The image has {width} x {height} pixels; the limit is {limits.pixels:,} in all."
        )
    if max(width, height) > limits.aspect * min(width, height):
        raise RejectedImageError("no_single_cell", f"The image has {width} x {height} pixels: no cell is so long.")


def _to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    image.load()
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I;16"):
        upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
    if upright.has_transparency_data:
        rgba = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba)
    return np.asarray(upright.convert("RGB"))
