"""Decode an image file to pixels, or reject it with a reason.

Training imports this module too, so a model is trained and served on the same pixels.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from lambda_fn.bare_files import BareFile
from lambda_fn.decisions import Reason
from lambda_fn.deep_images import deep_to_rgb, is_deep, layout_of
from lambda_fn.errors import RejectedImageError
from lambda_fn.jpeg_files import bare_jpeg
from lambda_fn.orientation import turn_upright
from lambda_fn.png_files import bare_png, load_png
from lambda_fn.preprocessing import LIMITS, Limits
from lambda_fn.samples import rows_of, to_rgb
from lambda_fn.tiff_files import bare_tiff, check_tiff
from lambda_fn.webp_files import bare_webp, is_doubtful_webp

FORMATS = ("BMP", "PNG", "JPEG", "TIFF", "WEBP")
# First bytes of a file, by format. A WebP's name stands behind its size.
BEGINNINGS = {
    **{b"BM": "BMP", b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"RIFF": "WEBP"},
    **{b"II*\0": "TIFF", b"II+\0": "TIFF", b"MM\0*": "TIFF", b"MM\0+": "TIFF"},
}
# A BMP has no metadata but its resolution.
BARE = {"BMP": BareFile, "PNG": bare_png, "JPEG": bare_jpeg, "TIFF": bare_tiff, "WEBP": bare_webp}
# Bounds for files that keep within ``Limits`` but would still occupy a decoder for minutes. Pillow reads headers piece
# by piece in Python, and run-length encoded BMPs byte by byte.
MAX_READS = 100_000
MAX_READS_OF_BMP = 2_000_000


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
        doubts: reasons for review: the orientation is unclear, the depth of the samples is a guess, or the end of the
            file may be lost.
        um_per_px: micrometres a pixel, if the file states the scale of a microscope; PNG and TIFF can.
    """

    pixels: NDArray[np.uint8]
    format: str
    doubts: tuple[Reason, ...] = ()
    um_per_px: float | None = None

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

    Transparent pixels become black, the EXIF orientation is applied, and 16-bit samples keep their upper byte. Samples
    that use only 8 to 14 of their 16 bits are scaled by the bits that they use. Metadata is never a reason to refuse a
    file. Pixels are decoded only after the header has passed all limits.

    Args:
        data: the file's bytes.
        limits: the largest image to decode.

    Raises:
        RejectedImageError: the file has another format, is damaged, is too large, or holds several pages.
    """
    check_byte_count(len(data), limits)
    file_format = _format_of(data)
    with _rejected("header", limits):
        bare = BARE[file_format](data)
    pixels, is_doubtful = _decode_bare(bare, file_format, data, limits)
    with _rejected("pixels", limits):
        if bare.premultiplied and not pixels.any():  # its opacity is empty
            opaque = bare_tiff(data, ignore_opacity=True)
            pixels, is_doubtful = _decode_bare(opaque, file_format, data, limits)
        if bare.noisy:
            _check_against_noise(pixels, bare.noisy)
        if file_format == "WEBP":
            is_doubtful = is_doubtful_webp(pixels, data)
    doubts: tuple[Reason, ...] = ("unlike_training_data",) if is_doubtful or bare.orientation is None else ()
    return DecodedImage(turn_upright(pixels, bare.orientation), file_format, doubts, bare.um_per_px)


def _format_of(data: bytes) -> str:
    for beginning, file_format in BEGINNINGS.items():
        if data.startswith(beginning) and (file_format != "WEBP" or data[8:12] == b"WEBP"):
            return file_format
    raise RejectedImageError("unsupported_format", "The file is not a readable BMP, PNG, JPEG, TIFF or WebP image.")


@contextmanager
def _rejected(part: str, limits: Limits) -> Iterator[None]:
    """Turn every error into a rejection, because Pillow's parsers may raise anything for a damaged file."""
    try:
        yield
    except RejectedImageError:
        raise
    except UnidentifiedImageError:
        raise RejectedImageError(
            "unsupported_format", "The file is not a readable BMP, PNG, JPEG, TIFF or WebP image."
        ) from None
    except Image.DecompressionBombError:
        raise RejectedImageError("too_large", f"The image has far more than {limits.pixels:,} pixels.") from None
    except Exception as error:  # noqa: BLE001
        raise RejectedImageError("unreadable", f"The image's {part} cannot be read: {error}") from None


def _check_header(image: Image.Image, limits: Limits) -> None:
    _check_extent(image.width, image.height, limits)
    if image.mode in ("I", "F"):
        raise RejectedImageError("unsupported_format", "The image has 32 bits a sample; send 8 or 16.")
    # Fax compression holds black and white only. For a damaged file libtiff writes one line of log for each row.
    if image.info.get("compression") in ("tiff_ccitt", "group3", "group4"):
        raise RejectedImageError("unsupported_format", "The image is compressed as a fax, without any grey.")
    # Do not ask for the number of pages: Pillow takes minutes to count a hundred thousand.
    if getattr(image, "is_animated", False):
        raise RejectedImageError("unsupported_format", "The file holds several pages or frames; send each alone.")


def _check_extent(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.pixels:
        raise RejectedImageError(
            "too_large", f"The image has {width} x {height} pixels; the limit is {limits.pixels:,} in all."
        )
    if max(width, height) > limits.aspect * min(width, height):
        raise RejectedImageError("no_single_cell", f"The image has {width} x {height} pixels: no cell is so long.")


def _decode_bare(bare: BareFile, file_format: str, data: bytes, limits: Limits) -> tuple[NDArray[np.uint8], bool]:
    """Decode the pixels to 8-bit RGB. Return them, and whether their depth is a guess."""
    with _rejected("header", limits):
        image = Image.open(_LimitedReads(bare.data), formats=(file_format,))
    with image:
        _check_header(image, limits)
        with _rejected("pixels", limits):
            if file_format == "TIFF":
                check_tiff(data)
            layout = layout_of(image)
            if file_format == "PNG":
                load_png(image, bare.data)
            return deep_to_rgb(image, bare, layout) if is_deep(image, layout) else (_to_rgb(image), False)


def _check_against_noise(pixels: NDArray[np.uint8], noisy: bytes) -> None:
    with Image.open(_LimitedReads(noisy), formats=("JPEG",)) as image:
        image.load()
        if any((pixels[rows] != np.asarray(strip.convert("RGB"))).any() for rows, strip in rows_of(image)):
            raise RejectedImageError("unreadable", "A scan of the JPEG ends before its pixels.")


def _to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    image.load()
    return to_rgb(image)
