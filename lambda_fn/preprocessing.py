"""How an image becomes model input, and the largest image that is decoded; both stand in a model's manifest.

All three packages read this module, so it imports the standard library alone.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

# Around the cells of the training images: black, onto which others cut them out, or an ordinary smear.
Background = Literal["black", "smear"]


@dataclass(frozen=True)
class Preprocessing:
    """How a cell becomes model input.

    Attributes:
        crop: side, px of the image, of the square cut out around the centre of the cell's bounding box. Any part of it
            outside the image is black.
        size: side of the model's input in pixels. If it equals ``crop``, the square is not resized.
        um_per_px: micrometres a pixel of the training images; None if their scale is unknown.
        background: what surrounded the cells of the training images. A cell on another background is unlike them.
    """

    crop: int
    size: int
    background: Background = "black"
    um_per_px: float | None = None

    def __post_init__(self) -> None:
        """Raise ``ValueError`` if there is no such background."""
        if self.background not in get_args(Background):
            raise ValueError(f"background is {self.background!r}")
        if self.um_per_px is not None and not 0 < self.um_per_px < math.inf:
            raise ValueError(f"um_per_px is {self.um_per_px}")


@dataclass(frozen=True)
class Limits:
    """The largest image that is decoded. A manifest may set other limits than these, as ``preprocessing.limits``.

    Attributes:
        file_bytes: size of the file in bytes.
        pixels: width times height.
        aspect: the longer side divided by the shorter.
    """

    file_bytes: int = 32 * 1024 * 1024
    pixels: int = 25_000_000
    aspect: float = 8

    def __post_init__(self) -> None:
        """Raise ``ValueError`` if no image can keep within the limits."""
        if not (self.file_bytes > 0 and self.pixels > 0 and self.aspect >= 1):
            raise ValueError(f"no image keeps within {self}")

    @property
    def peak_memory_mb(self) -> int:
        """Memory in MiB that the function needs for the largest image; images that wait to be scored are not counted.

        The largest measured parts are 200 MiB for the process, 19 bytes a pixel for a lossless WebP or an image of 16
        bits, and the file three times for a JPEG of several scans.
        """
        return 200 + (20 * self.pixels + 3 * self.file_bytes) // 2**20


LIMITS = Limits()
