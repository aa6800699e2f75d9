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
# Lossy WebP codes squares of this many pixels a side, row by row. Code hardly ever has two zeros in a row, but the code
# of an even square may be all zeros: 0.7 bytes of them at a usual quality, and up to 1.3 at the lowest.
SQUARE = 16
USUAL_ZEROS, MOST_ZEROS = 0.75, 1.5
ZEROS_OF_CODE = 16
# Levels from 0 to 255 by which neighbours of an even area may differ.
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


def is_doubtful_webp(pixels: NDArray[np.uint8], data: bytes) -> bool:
    """Say if a lossy image's code may end before its pixels do. A decoder accepts zeros in place of any code.

    Args:
        pixels: uint8 array of shape (height, width, 3), before it is turned upright.
        data: the file.

    Raises:
        RejectedImageError: the code ends in more zeros than the even area at the bottom of the image can have.
    """
    code = next((body for kind, body in reversed(_chunks(data)) if kind == b"VP8 "), b"")
    zeros = len(code) - len(code.rstrip(b"\0"))
    if zeros <= ZEROS_OF_CODE:
        return False
    height, width = pixels.shape[:2]
    squares = -(-width // SQUARE)
    even_squares = squares
    for bottom in range(height, 0, -SQUARE):
        rows = pixels[max(bottom - SQUARE, 0) : bottom]
        if (rows[:, 1:] - rows[:, :-1] + np.uint8(EVEN) > 2 * EVEN).any():  # differences below 0 wrap around
            break
        even_squares += squares
    if zeros > ZEROS_OF_CODE + MOST_ZEROS * even_squares:
        raise RejectedImageError("unreadable", "The image's code ends in zeros before its pixels do.")
    return bool(zeros > ZEROS_OF_CODE + USUAL_ZEROS * even_squares)


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
