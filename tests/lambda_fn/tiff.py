"""Write the kinds of TIFF that Pillow reads but does not write."""

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, SAMPLES = 256, 257, 258, 259, 262, 277
STRIP_OFFSETS, ROWS_OF_STRIP, STRIP_BYTES, LARGEST_SAMPLE, PLANAR = 273, 278, 279, 281, 284
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES, EXTRA_SAMPLES, SAMPLE_FORMAT = 322, 323, 324, 325, 338, 339
WHITE_IS_0, BLACK_IS_0, RGB = 0, 1, 2
LISTS = (STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES)


def tiff_of(samples: NDArray[np.uint8] | NDArray[np.uint16], order: str = "<", rows: int = 64, **others: int) -> bytes:
    """Write uncompressed strips of ``rows`` rows, from an array of shape (height, width) or (height, width, channels).

    ``others`` are further tags, by ``tag_`` and their number.
    """
    height, width = samples.shape[:2]
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    tags = {
        **{WIDTH: [width], HEIGHT: [height], BITS: [samples.itemsize * 8] * channels, COMPRESSION: [1]},
        **{PHOTOMETRIC: [BLACK_IS_0 if channels < 3 else RGB], SAMPLES: [channels], ROWS_OF_STRIP: [rows]},
        **{int(name.removeprefix("tag_")): [value] for name, value in others.items()},
    }
    ordered = samples.astype(samples.dtype.newbyteorder("<" if order == "<" else ">"))
    planes = [ordered[..., number] for number in range(channels)] if tags.get(PLANAR) == [2] else [ordered]
    return tiff([plane[top : top + rows].tobytes() for plane in planes for top in range(0, height, rows)], tags, order)


def tiled_tiff_of(samples: NDArray[np.uint8], side: int = 64) -> bytes:
    """Write uncompressed square tiles, from an array of shape (height, width, 3)."""
    height, width = samples.shape[:2]
    padded = np.pad(samples, [(0, -height % side), (0, -width % side), (0, 0)])
    tags = {
        **{WIDTH: [width], HEIGHT: [height], BITS: [8] * 3, COMPRESSION: [1], PHOTOMETRIC: [RGB], SAMPLES: [3]},
        **{TILE_WIDTH: [side], TILE_HEIGHT: [side]},
    }
    places = [(top, left) for top in range(0, height, side) for left in range(0, width, side)]
    return tiff([padded[top : top + side, left : left + side].tobytes() for top, left in places], tags)


def tiff(pieces: Sequence[bytes], tags: dict[int, list[int]], order: str = "<", **lists: list[int]) -> bytes:
    """Write strips or tiles, and a directory of these tags.

    Args:
        pieces: the strips or tiles.
        tags: numbers by tag.
        order: ``<`` for the lower byte first, ``>`` for the upper.
        lists: ``offsets`` and ``sizes`` to write in place of the true ones.
    """
    tiled = TILE_WIDTH in tags
    offsets = [8 + sum(map(len, pieces[:number])) for number in range(len(pieces))]
    entries = dict(tags)
    entries[TILE_OFFSETS if tiled else STRIP_OFFSETS] = lists.get("offsets", offsets)
    entries[TILE_BYTES if tiled else STRIP_BYTES] = lists.get("sizes", [len(piece) for piece in pieces])
    body = b"".join(pieces)
    body += bytes(len(body) % 2)
    directory = struct.pack(order + "H", len(entries))
    for tag in sorted(entries):
        kind = "I" if tag in LISTS else "H"
        values = struct.pack(f"{order}{len(entries[tag])}{kind}", *entries[tag])
        if len(values) > 4:
            values, body = struct.pack(order + "I", 8 + len(body)), body + values
        directory += struct.pack(order + "HHI", tag, 4 if kind == "I" else 3, len(entries[tag])) + values.ljust(
            4, b"\0"
        )
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8 + len(body))
    return head + body + directory + bytes(4)
