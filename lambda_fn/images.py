"""From the bytes of an image to the pixels that the model sees.

Training imports this module: what the network learned from and what the function serves it can then not drift apart.
"""

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("BMP", "PNG", "JPEG", "TIFF", "WEBP")
SUFFIXES = (".bmp", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
MAX_BYTES = 32 * 1024 * 1024
MAX_PIXELS = 25_000_000

# Around a segmented cell everything is exactly 0; lossy compression lifts that by a few levels, while stained cells
# stay above 40 in their brightest channel.
BACKGROUND_LEVEL = 12
# A lymphocyte's nucleus covers 10,000 px and more at the data set's scale; a platelet or a speck of stain far less.
MIN_CELL_AREA_PX = 1_500
# A cell may be cut by an edge of its image, but a frame that is mostly lit means a background that is not black.
MAX_LIT_FRAME = 0.5

RejectionCode = Literal["unreadable", "unsupported_format", "too_large", "no_single_cell"]


class RejectedImageError(Exception):
    """An image that cannot be scored; the answer to it is a rejection, never a retry.

    Attributes:
        code: which kind of rejection, also the review reason.
        message: one sentence for the person who sent the image.
    """

    def __init__(self, code: RejectionCode, message: str) -> None:
        """Reject an image with a code for machines and a message for people."""
        super().__init__(message)
        self.code: RejectionCode = code
        self.message = message


@dataclass(frozen=True)
class Preprocessing:
    """How pixels become model input; part of the model's manifest.

    Attributes:
        crop: side in pixels of the square, centred on the cell's bounding box, that is cut out of the image at its own
            scale. What lies outside the image is black.
        size: side in pixels of the model's input. Where it equals ``crop`` nothing is resampled.
    """

    crop: int
    size: int


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


def check_byte_count(byte_count: int) -> None:
    """Raise ``RejectedImageError`` for a file too large, or empty, to be worth reading."""
    if byte_count > MAX_BYTES:
        raise RejectedImageError("too_large", f"The file has {byte_count:,} bytes; the limit is {MAX_BYTES:,}.")
    if byte_count == 0:
        raise RejectedImageError("unreadable", "The file is empty.")


def decode(data: bytes) -> DecodedImage:
    """Decode a BMP, PNG, JPEG, TIFF or WebP file to 8-bit RGB.

    Transparent pixels become black, EXIF orientation is applied, 16-bit samples keep their upper byte.

    Raises:
        RejectedImageError: not one of these formats, damaged, several pages, or too large.
    """
    check_byte_count(len(data))
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise RejectedImageError(
            "unsupported_format", "The file is not a readable BMP, PNG, JPEG, TIFF or WebP image."
        ) from None
    except Image.DecompressionBombError as error:
        raise RejectedImageError("too_large", f"{error}") from None
    except Exception as error:  # noqa: BLE001 - a damaged header makes Pillow's parsers raise anything
        raise RejectedImageError("unreadable", f"The image's header cannot be read: {error}") from None
    with image:
        if image.width * image.height > MAX_PIXELS:
            raise RejectedImageError(
                "too_large", f"The image has {image.width} x {image.height} pixels; the limit is {MAX_PIXELS:,} in all."
            )
        try:
            pages, pixels = getattr(image, "n_frames", 1), _to_rgb(image)
        except Exception as error:  # noqa: BLE001 - and so do damaged pixels
            raise RejectedImageError("unreadable", f"The image's pixels cannot be read: {error}") from None
        if pages > 1:
            raise RejectedImageError("unsupported_format", "The file holds several pages or frames; send each alone.")
        return DecodedImage(pixels, image.format or "")


def _to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    image.load()
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):
        grey = np.clip(np.asarray(upright).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
        upright = Image.fromarray(grey)
    if upright.has_transparency_data:
        rgba = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba)
    return np.asarray(upright.convert("RGB"))


def cell_mask(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the cell is: every pixel that is not black background.

    Args:
        pixels: uint8 array of shape (height, width, 3).

    Returns:
        Boolean array of shape (height, width).

    Raises:
        RejectedImageError: nothing stands out from the background, or the background is not black.
    """
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    mask: NDArray[np.bool_] = np.maximum(np.maximum(red, green), blue) > BACKGROUND_LEVEL
    frame = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    if frame.mean() > MAX_LIT_FRAME:
        raise RejectedImageError(
            "no_single_cell", "The background is not black; the model reads cells that were cut out onto black."
        )
    if np.count_nonzero(mask) < MIN_CELL_AREA_PX:
        raise RejectedImageError("no_single_cell", "There is no cell on the image.")
    return mask


def to_model_input(pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Cut out the cell and bring it to the model's input size.

    Args:
        pixels: uint8 array of shape (height, width, 3).
        preprocessing: crop and size, from the manifest.

    Returns:
        uint8 array of shape (size, size, 3), 0 to 255.

    Raises:
        RejectedImageError: no cell, or a background that is not black.
    """
    mask = cell_mask(pixels)
    top, left = (_centre(np.flatnonzero(mask.any(axis=axis))) - preprocessing.crop // 2 for axis in (1, 0))
    crop = _crop_square(pixels, top, left, preprocessing.crop)
    if preprocessing.size == preprocessing.crop:
        return crop
    side = (preprocessing.size, preprocessing.size)
    return np.asarray(Image.fromarray(crop).resize(side, Image.Resampling.BILINEAR))


def _centre(lit: NDArray[np.intp]) -> int:
    """Middle between the first and the last of the lit rows or columns."""
    return int(lit[0] + lit[-1] + 1) // 2


def _crop_square(pixels: NDArray[np.uint8], top: int, left: int, side: int) -> NDArray[np.uint8]:
    """A square of ``side`` pixels, black where it leaves the image."""
    height, width = pixels.shape[:2]
    square = np.zeros((side, side, 3), np.uint8)
    rows = slice(max(top, 0), min(top + side, height))
    columns = slice(max(left, 0), min(left + side, width))
    square[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = pixels[rows, columns]
    return square
