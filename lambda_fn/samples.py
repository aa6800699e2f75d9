"""Bring the samples of a decoded image to 8-bit RGB.

Each step goes over strips of a few rows, so that an image is never held twice.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Rows that are converted at once.
ROWS = 256
# Depths of cameras, in bits. A camera of 12 bits that fills samples of 16 leaves the upper 4 empty.
CAMERA_BITS = (8, 10, 12, 14)
# The upper byte of a sample is below this if no more than 14 bits of it are used. A stained cell is brighter.
UPPER_BYTE_OF_14_BITS = 2**6
# Formats whose writers often leave the opacity empty.
OFTEN_WITHOUT_OPACITY = ("BMP", "TIFF")

Samples = NDArray[np.uint16]


def rows_of(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """Cut an image into strips. Yield the rows of each and its pixels."""
    for top in range(0, image.height, ROWS):
        bottom = min(top + ROWS, image.height)
        yield slice(top, bottom), image.crop((0, top, image.width, bottom))


def to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Convert an image of 8 bits a sample. Transparent pixels become black.

    If all pixels of a BMP or TIFF are transparent, its opacity is ignored.

    Returns:
        uint8 array of shape (height, width, 3), 0 to 255.
    """
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    transparent = image.has_transparency_data and not _is_empty_opacity(image)
    for rows, strip in rows_of(image):
        if transparent:
            rgba = strip.convert("RGBA")
            strip = Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba)
        pixels[rows] = np.asarray(strip.convert("RGB"))
    return pixels


def _is_empty_opacity(image: Image.Image) -> bool:
    if image.format not in OFTEN_WITHOUT_OPACITY or image.mode not in ("RGBA", "LA"):
        return False
    return image.getchannel("A").getextrema() == (0, 0)


def uses_few_bits(image: Image.Image) -> bool:
    """Say if the upper bytes of 16-bit colours hold so little that the lower bytes are needed too."""
    return max(_largest(image)[:3]) < UPPER_BYTE_OF_14_BITS


def opacity_uses_few_bits(image: Image.Image) -> bool:
    """Say if the upper bytes of a 16-bit opacity hold little, but not nothing."""
    return 0 < _largest(image)[-1] < UPPER_BYTE_OF_14_BITS


def _largest(image: Image.Image) -> list[float]:
    """Return the largest value of each band of an image that has several."""
    return [band[1] for band in image.getextrema() if isinstance(band, tuple)]


def grey_samples(image: Image.Image) -> Callable[[slice], Samples]:
    """Return a function that reads rows of a 16-bit grey image, as an array of shape (rows, width)."""

    def read(rows: slice) -> Samples:
        return np.asarray(image.crop((0, rows.start, image.width, rows.stop))).astype(np.uint16)

    return read


def plane_samples(planes: Sequence[Image.Image]) -> Callable[[slice], Samples]:
    """Return a function that reads rows of 16-bit grey images, as an array of shape (rows, width, number of images)."""
    readers = [grey_samples(plane) for plane in planes]
    return lambda rows: np.stack([read(rows) for read in readers], axis=-1)


def joined_samples(upper: Image.Image, lower: Image.Image) -> Callable[[slice], Samples]:
    """Return a function that joins rows of the upper and the lower bytes, as an array of shape (rows, width, bands)."""

    def read(rows: slice) -> Samples:
        box = (0, rows.start, upper.width, rows.stop)
        samples: Samples = np.asarray(upper.crop(box)).astype(np.uint16) << 8 | np.asarray(lower.crop(box))
        return samples

    return read


def to_eight_bits(
    read: Callable[[slice], Samples], height: int, declared_bits: int | None, inverted: bool
) -> tuple[NDArray[np.uint8], bool]:
    """Scale samples by the depth that they use.

    Without a declaration, samples above 14 bits are taken for 16 bits. Below, the smallest depth of a camera that
    holds the largest sample is a guess.

    Args:
        read: returns the samples of some rows.
        height: number of rows.
        declared_bits: the depth that the file declares, 8 to 15; None if it declares none.
        inverted: the smallest sample is white.

    Returns:
        The array in 8 bits, of the shape that ``read`` returns for all rows, and whether the depth is a guess.
    """
    strips = [slice(top, min(top + ROWS, height)) for top in range(0, height, ROWS)]
    # The opacity, which is the fourth band, may have another depth than the colours.
    largest = max(int((samples if samples.ndim == 2 else samples[..., :3]).max()) for samples in map(read, strips))
    fitting = [bits for bits in CAMERA_BITS if largest < 2**bits]
    declared = declared_bits is not None and largest < 2**declared_bits
    bits = declared_bits if declared_bits is not None and declared else min(fitting, default=16)
    scaled = np.empty((height, *read(strips[0]).shape[1:]), np.uint8)
    for rows in strips:
        samples = read(rows)
        if inverted:
            samples = np.uint16(2**bits - 1) - samples
        scaled[rows] = np.minimum(samples >> (bits - 8), 255)
    return scaled, bool(fitting) and not declared
