"""Convert an image of more than 8 bits a sample to 8-bit RGB.

Pillow keeps only the upper byte of a colour's 16 bits. An image whose samples use few bits is decoded once more with
the bytes of each sample exchanged, which yields the lower bytes.
"""

import io
import sys

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from lambda_fn.bare_files import BareFile
from lambda_fn.errors import RejectedImageError
from lambda_fn.samples import (
    grey_samples,
    joined_samples,
    opacity_uses_few_bits,
    plane_samples,
    to_eight_bits,
    to_rgb,
    uses_few_bits,
)

# Byte orders of samples, as the names of Pillow's decoders end; N is this machine's.
LITTLE, BIG, NATIVE = ";16L", ";16B", ";16N"
EXCHANGED = {LITTLE: BIG, BIG: LITTLE, NATIVE: BIG if sys.byteorder == "little" else LITTLE}
# Names of Pillow's decoders: colours that they read in either byte order, and colours that they read in one only.
JOINABLE = ("RGB", "RGBX", "RGBA")
GREY_AND_OPACITY, PREMULTIPLIED = "LA", "RGBa"


def layout_of(image: ImageFile.ImageFile) -> str:
    """Return Pillow's name for the layout of a file's samples, such as ``RGB;16B``.

    Pillow forgets it when the pixels are decoded.
    """
    layout = image.tile[0].args if image.tile else ""
    return layout if isinstance(layout, str) else str((layout or ("",))[0])


def is_deep(image: ImageFile.ImageFile, layout: str) -> bool:
    """Say if an image has more than 8 bits a sample."""
    return image.mode.startswith("I;16") or layout[-4:] in EXCHANGED


def deep_to_rgb(image: ImageFile.ImageFile, bare: BareFile, layout: str) -> tuple[NDArray[np.uint8], bool]:
    """Convert an image of more than 8 bits a sample.

    Args:
        image: the opened file.
        bare: the file.
        layout: the layout of its samples.

    Returns:
        uint8 array of shape (height, width, 3), 0 to 255, and whether the depth of the samples is a guess.

    Raises:
        RejectedImageError: the samples use few bits, and Pillow cannot decode all of them.
    """
    image.load()
    if bare.planes:
        read = plane_samples([image, *(_opened(image, plane) for plane in bare.planes[1:])])
    elif image.mode.startswith("I;16"):
        read = grey_samples(image)
    elif _needs_lower_bytes(image, layout[:-4]):
        read = joined_samples(image, _lower_bytes(image, bare, layout))
    else:
        return to_rgb(image), False
    pixels, is_guess = to_eight_bits(read, image.height, bare.significant_bits, bare.inverted)
    if image.format == "TIFF" and pixels.shape[2:] == (4,) and not pixels[..., 3].any():
        pixels = pixels[..., :3]  # its opacity is empty
    return to_rgb(Image.fromarray(pixels)), is_guess


def _needs_lower_bytes(image: Image.Image, colours: str) -> bool:
    if colours == PREMULTIPLIED:  # Pillow divided the colours by the opacity
        is_opaque_somewhere = image.getchannel("A").getextrema() != (0, 0)
        return is_opaque_somewhere and (opacity_uses_few_bits(image) or uses_few_bits(image))
    return colours in (*JOINABLE, GREY_AND_OPACITY) and uses_few_bits(image)


def _opened(image: ImageFile.ImageFile, data: bytes) -> ImageFile.ImageFile:
    return Image.open(io.BytesIO(data), formats=(image.format or "",))


def _lower_bytes(image: ImageFile.ImageFile, bare: BareFile, layout: str) -> Image.Image:
    if layout[:-4] not in JOINABLE:
        raise RejectedImageError(
            "unsupported_format", "The image uses few of its 16 bits a sample; send it without opacity, or with 8 bits."
        )
    exchanged = layout[:-4] + EXCHANGED[layout[-4:]]
    lower = _opened(image, bare.data)
    lower.tile = [
        tile._replace(args=(exchanged, *tile.args[1:]) if isinstance(tile.args, tuple) else exchanged)
        for tile in lower.tile
    ]
    lower.load()
    return lower
