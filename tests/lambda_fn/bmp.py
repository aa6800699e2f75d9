"""Write the kinds of BMP that instruments and old programs write; Pillow writes only a few of them.

Layouts: https://learn.microsoft.com/windows/win32/gdi/bitmap-storage and, for OS/2, its BITMAPCOREHEADER.
"""

import struct
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]


def palette_bmp(grey: Grey, bits: int, os2: bool = False) -> bytes:
    """Write 1, 4 or 8 bits for each pixel; ``grey`` holds grey levels, 0 to 2**bits - 1."""
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
    header = struct.pack("<IHHHH", 12, width, height, 1, bits) if os2 else info(width, height, bits, 0)
    return file(header + palette, packed[::-1].tobytes())


def run_length_bmp(grey: Grey, bits: int) -> bytes:
    """Write 4 or 8 bits for each pixel, run-length encoded; ``grey`` holds grey levels, 0 to 2**bits - 1."""
    height, width = grey.shape
    scale = 255 // (2**bits - 1)
    palette = b"".join(bytes([level * scale] * 3 + [0]) for level in range(2**bits))
    data = bytearray()
    for row in grey[::-1]:
        edges = [0, *(np.flatnonzero(np.diff(row)) + 1), width]
        for start, end in pairwise(edges):
            level = int(row[start]) * (17 if bits == 4 else 1)  # a run of 4 bits alternates between two halves
            for piece in range(start, end, 255):
                data += bytes([min(255, end - piece), level])
        data += b"\0\0"
    return file(info(width, height, bits, 3 - bits // 4) + palette, bytes(data) + b"\0\1")


def true_colour_bmp(
    pixels: NDArray[np.uint8], bits: int, header_bytes: int = 40, top_down: bool = False, masks: bool = True
) -> bytes:
    """Write 16, 24 or 32 bits for each pixel.

    Args:
        pixels: colours. A fourth channel is opacity, which needs 32 bits and a V5 header.
        bits: 16 bits are split 5-6-5 with masks and 5-5-5 without; 24 bits have no masks.
        header_bytes: 12 or 64 for OS/2, 40 for Windows, 108 for its V4, 124 for its V5.
        top_down: write the top row first.
        masks: write masks, which define the bits of each colour.
    """
    height, width = pixels.shape[:2]
    red, green, blue = (pixels[..., channel].astype(np.uint32) for channel in range(3))
    if bits == 16:
        middle = green >> 2 << 5 if masks else green >> 3 << 5
        rows = ((red >> 3 << (11 if masks else 10)) | middle | (blue >> 3)).astype("<u2").view(np.uint8)
    elif bits == 32:
        opacity = pixels[..., 3].astype(np.uint32) << 24 if pixels.shape[2] == 4 else np.uint32(0)
        rows = (opacity | (red << 16) | (green << 8) | blue).astype("<u4").view(np.uint8)
    else:
        rows = pixels[..., ::-1]
    rows = rows.reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))
    masks = masks and bits != 24
    header = info(width, -height if top_down else height, bits, 3 if masks else 0, header_bytes)
    if header_bytes == 12:
        header = struct.pack("<IHHHH", 12, width, height, 1, bits)
    elif masks:
        places = (0xF800, 0x07E0, 0x001F) if bits == 16 else (0xFF0000, 0xFF00, 0xFF)
        header += struct.pack("<IIII", *places, 0xFF000000 if pixels.shape[2] == 4 else 0)[
            : 16 if header_bytes > 52 else 12
        ]
    return file(header.ljust(header_bytes, b"\0"), (rows if top_down else rows[::-1]).tobytes())


def info(width: int, height: int, bits: int, compression: int, header_bytes: int = 40) -> bytes:
    return struct.pack("<IiiHHIIiiII", header_bytes, width, height, 1, bits, compression, 0, 2835, 2835, 0, 0)


def file(headers: bytes, data: bytes) -> bytes:
    offset = 14 + len(headers)
    return struct.pack("<2sIHHI", b"BM", offset + len(data), 0, 0, offset) + headers + data
