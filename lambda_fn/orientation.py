"""Read the orientation of an image from its metadata, and apply it."""

import re
import struct

import numpy as np
from numpy.typing import NDArray

from lambda_fn.bare_files import EXIF_PREFIX
from lambda_fn.tiff_directory import read_directory, read_layout, whole_numbers

ORIENTATION = 0x0112
UPRIGHT = 1
# XMP writes the tag as an attribute or as an element.
IN_XMP = re.compile(rb"""tiff:Orientation(?:\s*=\s*["']|>)\s*([0-9]+)""")


def read_orientation(exif: bytes | None, xmp: bytes | None = None) -> int | None:
    """Read the orientation from an image's metadata; EXIF goes before XMP.

    Args:
        exif: the block of EXIF, with or without its prefix; None or empty if there is none.
        xmp: the packet of XMP; None if there is none.

    Returns:
        1 to 8 as EXIF counts them, 1 if neither states any, None if it is unclear: the EXIF is damaged, or the value
        has no meaning.
    """
    exif = (exif or b"").removeprefix(EXIF_PREFIX)
    stated = _in_exif(exif) if exif else 0
    if stated == 0 and xmp:
        match = IN_XMP.search(xmp)
        stated = int(match[1][:9]) if match else 0
    if stated is None or not 0 <= stated <= 8:
        return None
    return stated or UPRIGHT


def _in_exif(exif: bytes) -> int | None:
    """Return the value of the tag; 0, which programs write for an unknown orientation, if there is none."""
    try:
        layout, start = read_layout(exif)
        directory = read_directory(exif, layout, start)
        if ORIENTATION not in directory.entries:
            return 0 if directory.whole else None
        return int(whole_numbers(exif, layout, directory.entries[ORIENTATION])[0])
    except (ValueError, struct.error):
        return None


def turn_upright(pixels: NDArray[np.uint8], orientation: int | None) -> NDArray[np.uint8]:
    """Turn or mirror an image as its orientation demands; leave it as it is if that is unclear.

    Args:
        pixels: array of shape (height, width, 3).
        orientation: 1 to 8 as EXIF counts them, or None.

    Returns:
        An array in which the rows follow each other in memory.
    """
    if orientation in (None, UPRIGHT):
        return pixels
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
