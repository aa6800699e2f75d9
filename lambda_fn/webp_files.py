"""Check a WebP's structure, and leave out its metadata: https://developers.google.com/speed/webp/docs/riff_container."""

import struct

import numpy as np
from numpy.typing import NDArray

from lambda_fn.bare_files import MAX_PIECES, BareFile
from lambda_fn.errors import RejectedImageError
from lambda_fn.orientation import read_orientation

HEAD = struct.Struct("<4sI")
ESSENTIAL = (b"VP8X", b"ALPH", b"VP8 ", b"VP8L", b"ANIM", b"ANMF")
# Bits of VP8X that stand for chunks of pixels: opacity and animation. The others stand for metadata.
PIXEL_FLAGS = 0x12
# Lossy WebP codes squares of this many pixels a side, row by row. The code of an even square may be zeros, up to about
# 0.7 bytes of them; other code has hardly ever two zeros in a row.
SQUARE = 16
ZEROS_OF_SQUARE = 0.75
ZEROS_OF_CODE = 16
# Levels from 0 to 255 by which the pixels of an even row may differ.
EVEN = 2


def bare_webp(data: bytes) -> BareFile:
    """Leave out all metadata.

    Raises:
        RejectedImageError: the file ends early, or holds several frames.
    """
    chunks = _chunks(data)
    kinds = [kind for kind, _ in chunks]
    if kinds.count(b"ANMF") > 1:
        raise RejectedImageError("unsupported_format", "The file holds several pages or frames; send each alone.")
    bodies = dict(reversed(chunks))
    parts: list[bytes] = []
    for kind, body in chunks:
        if kind == b"VP8X" and body:
            body = bytes([body[0] & PIXEL_FLAGS]) + body[1:]
        if kind in ESSENTIAL:
            parts += [HEAD.pack(kind, len(body)), body, bytes(len(body) % 2)]
    size = 4 + sum(map(len, parts))
    bare = b"".join([HEAD.pack(b"RIFF", size), b"WEBP", *parts])
    return BareFile(bare, orientation=read_orientation(bodies.get(b"EXIF"), bodies.get(b"XMP ")))


def check_webp(pixels: NDArray[np.uint8], data: bytes) -> None:
    """Check that the zeros at the end of a lossy image's code stand for an even area. A decoder accepts any code.

    Args:
        pixels: uint8 array of shape (height, width, 3), before it is turned upright.
        data: the file.

    Raises:
        RejectedImageError: there are more zeros than even squares at the bottom of the image.
    """
    code = next((body for kind, body in reversed(_chunks(data)) if kind == b"VP8 "), b"")
    zeros = len(code) - len(code.rstrip(b"\0"))
    if zeros <= ZEROS_OF_CODE:
        return
    height, width = pixels.shape[:2]
    uneven = np.flatnonzero((np.ptp(pixels, axis=1) > EVEN).any(axis=1))
    last = int(uneven[-1]) if uneven.size else -1
    even_squares = (1 + (height - 1 - last) // SQUARE) * -(-width // SQUARE)
    if zeros > ZEROS_OF_CODE + ZEROS_OF_SQUARE * even_squares:
        raise RejectedImageError("unreadable", "The image's code ends in zeros before its pixels do.")


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return kind and body of each chunk."""
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise RejectedImageError("unreadable", "The file is shorter than its header claims.")
    chunks: list[tuple[bytes, bytes]] = []
    place = 12
    while place + 8 <= end:
        if len(chunks) == MAX_PIECES:
            raise RejectedImageError("unreadable", "The file has so many pieces that reading it takes too long.")
        kind, size = HEAD.unpack_from(data, place)
        place += HEAD.size
        if place + size > end:
            raise RejectedImageError("unreadable", "The file ends within a chunk.")
        chunks.append((kind, data[place : place + size]))
        place += size + size % 2
    return chunks
