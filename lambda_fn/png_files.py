"""Check a PNG's structure, and leave out its metadata: https://www.w3.org/TR/png-3/."""

import struct
import zlib
from typing import NamedTuple

from PIL import Image

from lambda_fn.bare_files import MAX_PIECES, BareFile
from lambda_fn.errors import RejectedImageError
from lambda_fn.orientation import read_orientation
from lambda_fn.resolution import MICROMETRES_PER_METRE, um_per_px

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# The chunks that the pixels depend on.
ESSENTIAL = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
XMP = b"XML:com.adobe.xmp\0"
RAW_EXIF = b"Raw profile type exif\0"
MAX_RAW_EXIF_BYTES = 200_000
SAMPLES_PER_PIXEL = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Left, top and steps of the seven passes of an interlaced image.
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
INFLATED_AT_ONCE = 1 << 20


class _Chunk(NamedTuple):
    kind: bytes
    body: memoryview
    whole: memoryview


def bare_png(data: bytes) -> BareFile:
    """Leave out all metadata.

    Raises:
        RejectedImageError: the file ends early, its pixels do not match their checksum, or it holds several frames.
    """
    chunks = _chunks(data)
    frames = next((int.from_bytes(chunk.body[:4], "big") for chunk in chunks if chunk.kind == b"acTL"), 1)
    if frames > 1 or any(chunk.kind == b"fdAT" for chunk in chunks):
        raise RejectedImageError("unsupported_format", "The file holds several pages or frames; send each alone.")
    pieces = [chunk for chunk in chunks if chunk.kind in ESSENTIAL]
    for chunk in pieces:
        if chunk.kind == b"IDAT" and zlib.crc32(chunk.whole[4:-4]) != int.from_bytes(chunk.whole[-4:], "big"):
            raise RejectedImageError("unreadable", "The image's pixels do not match their checksum.")
    depth = next((max(chunk.body, default=0) for chunk in chunks if chunk.kind == b"sBIT"), 0)
    return BareFile(
        b"".join([SIGNATURE, *(chunk.whole for chunk in pieces)]),
        orientation=read_orientation(_exif(chunks), _text(chunks, XMP)),
        significant_bits=depth if 8 <= depth <= 15 else None,
        um_per_px=_scale(chunks),
    )


def _scale(chunks: list[_Chunk]) -> float | None:
    """Read the physical dimensions of pixels, if they are in metres."""
    body = next((chunk.body for chunk in chunks if chunk.kind == b"pHYs"), None)
    if body is None or len(body) != 9 or body[8] != 1:
        return None
    across, down = struct.unpack_from(">II", body)
    return um_per_px(across, down, MICROMETRES_PER_METRE)


def _chunks(data: bytes) -> list[_Chunk]:
    view = memoryview(data)
    chunks: list[_Chunk] = []
    place = len(SIGNATURE)
    while not chunks or chunks[-1].kind != b"IEND":
        if len(chunks) == MAX_PIECES:
            raise RejectedImageError("unreadable", "The file has so many pieces that reading it takes too long.")
        end = place + 12 + int.from_bytes(view[place : place + 4], "big")
        if end > len(data):
            raise RejectedImageError("unreadable", "The file ends before its last chunk.")
        chunks.append(_Chunk(bytes(view[place + 4 : place + 8]), view[place + 8 : end - 4], view[place:end]))
        place = end
    return chunks


def _text(chunks: list[_Chunk], keyword: bytes) -> bytes | None:
    texts = (chunk.body for chunk in chunks if chunk.kind in (b"tEXt", b"zTXt", b"iTXt"))
    return next((bytes(body[len(keyword) :]) for body in texts if body[: len(keyword)] == keyword), None)


def _exif(chunks: list[_Chunk]) -> bytes | None:
    """Return the EXIF of its own chunk, or of the text that older programs write in hexadecimal digits."""
    block = next((bytes(chunk.body) for chunk in chunks if chunk.kind == b"eXIf"), None)
    text = _text(chunks, RAW_EXIF)
    if block is not None or text is None:
        return block
    try:
        if text[:1] == b"\0":  # the text is compressed
            text = zlib.decompressobj().decompress(text[1:], MAX_RAW_EXIF_BYTES)
        return bytes.fromhex("".join(text.decode("latin-1").split("\n")[3:]))
    except (ValueError, zlib.error):
        return b"damaged"


def load_png(image: Image.Image, data: bytes) -> None:
    """Decode the pixels. Pillow leaves rows black, without an error, if the stream ends before them.

    Args:
        image: the opened file.
        data: the file.

    Raises:
        RejectedImageError: the stream holds fewer rows than the header claims.
        OSError: the stream is damaged.
    """
    width, height, bits, colours, interlaced = struct.unpack_from(">IIBBxxB", data, 16)
    bands = len(image.getbands())
    white = (65535 if image.mode == "I;16" else 255) if bands == 1 else (255,) * bands
    # To decompress everything once more takes half as long as decoding. A last row that is no longer white was decoded.
    image.im = Image.new(image.mode, image.size, white).im
    image.load()
    last_row = image.crop((0, height - 1, width, height)).tobytes()
    if not interlaced and last_row != Image.new(image.mode, (width, 1), white).tobytes():
        return
    passes = PASSES if interlaced else ((0, 0, 1, 1),)
    sizes = ((-(-(width - left) // across), -(-(height - top) // down)) for left, top, across, down in passes)
    bits *= SAMPLES_PER_PIXEL[colours]
    expected = sum(rows * (1 + -(-columns * bits // 8)) for columns, rows in sizes if columns > 0 and rows > 0)
    if _inflated_bytes(data) < expected:
        raise RejectedImageError("unreadable", "The image has fewer rows than its header claims.")


def _inflated_bytes(data: bytes) -> int:
    """Count the bytes of the decompressed pixels, without keeping them."""
    stream = zlib.decompressobj()
    count = 0
    for chunk in _chunks(data):
        rest: bytes | memoryview = chunk.body if chunk.kind == b"IDAT" else b""
        while rest and not stream.eof:
            count += len(stream.decompress(rest, INFLATED_AT_ONCE))
            rest = stream.unconsumed_tail
    return count
