"""Write the kinds of PNG that Pillow reads but does not write: https://www.w3.org/TR/png-3/."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

# Colour types by number of channels: grey, grey with opacity, colour, colour with opacity.
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}

# Left, top and steps of the seven passes of an interlaced image.
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def png(samples: NDArray[np.uint8] | NDArray[np.uint16], interlaced: bool = False) -> bytes:
    """Write 8 or 16 bits for each sample, from an array of shape (height, width, 1 to 4 channels)."""
    height, width, channels = samples.shape
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    big_endian = samples.astype(samples.dtype.newbyteorder(">"))
    rows = [row for left, top, across, down in passes for row in big_endian[top::down, left::across] if row.size]
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    head = struct.pack(">IIBBBBB", width, height, samples.itemsize * 8, COLOUR_TYPES[channels], 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
