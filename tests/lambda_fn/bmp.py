"""Writes the kinds of BMP that instruments and old programs write, of which Pillow itself writes only a few.

Layouts: https://learn.microsoft.com/windows/win32/gdi/bitmap-storage and, for OS/2, its BITMAPCOREHEADER.
"""

import struct
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]


def palette_bmp(grey: Grey, bits: int, os2: bool = False) -> bytes:
    """An image of up to 2**bits grey levels, 1, 4 or 8 bits a pixel; ``grey`` holds levels, 0 to 2**bits - 1."""
    height, width = grey.shape
    scale = 255 // (2**bits - 1)
    entry = "BBB" if os2 else "BBBx"
    palette = b"".join(struct.pack(entry, *[level * scale] * 3) for level in range(2**bits))
    per_byte = 8 // bits
    padded = np.zeros((height, -(-width // (per_byte * 4)) * per_byte * 4), np.uint8)
    padded[:, :width] = grey
    packed = np.zeros((height, padded.shape[1] // per_byte), np.uint8)
    for place in range(per_byte):
        packed |= padded[:, place::per_byte] << (8 - bits * (place + 1))
    header = struct.pack("<IHHHH", 12, width, height, 1, bits) if os2 else _info(width, height, bits, 0)
    return _file(header + palette, packed[::-1].tobytes())


def rle8_bmp(grey: Grey) -> bytes:
    """8 bits a pixel, run-length encoded."""
    height, width = grey.shape
    palette = b"".join(bytes([level, level, level, 0]) for level in range(256))
    data = bytearray()
    for row in grey[::-1]:
        edges = [0, *(np.flatnonzero(np.diff(row)) + 1), width]
        for start, end in pairwise(edges):
            for piece in range(start, end, 255):
                data += bytes([min(255, end - piece), row[piece]])
        data += b"\0\0"
    return _file(_info(width, height, 8, 1) + palette, bytes(data) + b"\0\1")


def true_colour_bmp(pixels: NDArray[np.uint8], bits: int, header_bytes: int = 40, top_down: bool = False) -> bytes:
    """16 (5-6-5), 24 or 32 bits a pixel, with a Windows (40), V4 (108) or V5 (124 bytes) header."""
    height, width = pixels.shape[:2]
    red, green, blue = (pixels[..., channel].astype(np.uint32) for channel in range(3))
    masks = (0xF800, 0x07E0, 0x001F) if bits == 16 else (0xFF0000, 0xFF00, 0xFF)
    if bits == 16:
        rows = ((red >> 3 << 11) | (green >> 2 << 5) | (blue >> 3)).astype("<u2").view(np.uint8).reshape(height, -1)
    elif bits == 32:
        rows = ((red << 16) | (green << 8) | blue).astype("<u4").view(np.uint8).reshape(height, -1)
    else:
        rows = pixels[..., ::-1].reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))
    compression = 0 if bits == 24 else 3
    header = _info(width, -height if top_down else height, bits, compression, header_bytes)
    header += struct.pack("<III", *masks) if compression else b""
    header = header.ljust(header_bytes, b"\0") if header_bytes > 40 else header
    return _file(header, (rows if top_down else rows[::-1]).tobytes())


def _info(width: int, height: int, bits: int, compression: int, header_bytes: int = 40) -> bytes:
    return struct.pack("<IiiHHIIiiII", header_bytes, width, height, 1, bits, compression, 0, 2835, 2835, 0, 0)


def _file(headers: bytes, data: bytes) -> bytes:
    offset = 14 + len(headers)
    return struct.pack("<2sIHHI", b"BM", offset + len(data), 0, 0, offset) + headers + data
