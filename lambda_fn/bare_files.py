"""An image file without its metadata, and what the metadata means for the pixels."""

from dataclasses import dataclass

# Largest number of chunks, segments or pages before a file is rejected. A file of this many would occupy a decoder for
# minutes.
MAX_PIECES = 100_000
# The beginning of a block of EXIF in some formats.
EXIF_PREFIX = b"Exif\0\0"


@dataclass(frozen=True)
class BareFile:
    """An image file that holds nothing but pixels and what is needed to decode them.

    Metadata is left out before a decoder sees the file, so that metadata is never a reason to refuse an image.

    Attributes:
        data: the file; of an image in ``planes``, the first of them.
        orientation: EXIF's orientation, 1 to 8; None if it is unclear.
        significant_bits: bits of a sample that the file declares as used, 8 to 15; None if it declares none.
        inverted: the smallest sample is white. It concerns samples of more than 8 bits; Pillow inverts all others.
        planes: three grey files, one each for red, green and blue; empty if ``data`` holds all colours.
        premultiplied: the colours were multiplied by the opacity.
        um_per_px: micrometres a pixel, if the file states the scale of a microscope.
        noisy: the same image with noise where no pixels should be; empty if the decoder reports missing data by itself.
            The noise shows if data are missing.
    """

    data: bytes
    orientation: int | None = 1
    significant_bits: int | None = None
    inverted: bool = False
    planes: tuple[bytes, ...] = ()
    premultiplied: bool = False
    noisy: bytes = b""
    um_per_px: float | None = None
