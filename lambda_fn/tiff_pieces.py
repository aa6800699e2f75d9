"""Check the strips or tiles of a TIFF against its header."""

from collections.abc import Callable, Container
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambda_fn.errors import RejectedImageError

WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLES, PLANAR = 256, 257, 258, 259, 277, 284
STRIP_OFFSETS, ROWS_OF_STRIP, STRIP_BYTES = 273, 278, 279
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 322, 323, 324, 325
UNCOMPRESSED, OLD_JPEG = 1, 6
# A header has 8 bytes, so no pixels lie before them.
HEADER_BYTES = 8

# Returns the numbers of a tag, or the default.
Numbers = Callable[[int, int], NDArray[np.int64]]


class _Grid(NamedTuple):
    """The strips or tiles of one plane: their width and height in pixels, and their number across and down."""

    width: int
    height: int
    across: int
    down: int


def pieces_of_plane(numbers: Numbers, tags: Container[int]) -> int:
    """Count the strips or tiles of one plane."""
    grid = _grid(numbers, tags)
    return grid.across * grid.down


def check_pieces(file_bytes: int, numbers: Numbers, tags: Container[int]) -> list[tuple[int, int]]:
    """Check that each strip or tile that the header calls for lies within the file, and is as long as its pixels.

    Args:
        file_bytes: size of the file in bytes.
        numbers: the numbers of its directory.
        tags: tags of the directory.

    Returns:
        The place of each strip or tile in the file, and its bytes; an empty list if only libtiff can find them.

    Raises:
        RejectedImageError: a strip or tile is missing or too short.
        ValueError: a side of the image, of a strip or of a tile is 0.
    """
    compression = _first(numbers, COMPRESSION, UNCOMPRESSED)
    if compression == OLD_JPEG:  # libtiff finds its pixels in other ways too
        return []
    grid = _grid(numbers, tags)
    planes = _first(numbers, SAMPLES, 1) if _first(numbers, PLANAR, 1) == 2 else 1
    count = grid.across * grid.down * planes
    place, size = (TILE_OFFSETS, TILE_BYTES) if _is_tiled(tags) else (STRIP_OFFSETS, STRIP_BYTES)
    offsets = _of_all(numbers(place, 0), count)
    stated = _of_all(numbers(size, 0), count) if size in tags else None
    if compression == UNCOMPRESSED:
        needed = _needed_bytes(numbers, grid, planes, count, _is_tiled(tags))
    else:
        needed = np.ones_like(offsets) if stated is None else stated
    if stated is not None and (stated < np.maximum(needed, 1)).any():
        raise RejectedImageError("unreadable", "A strip or tile of the TIFF is shorter than its pixels.")
    if (offsets < HEADER_BYTES).any() or (offsets > file_bytes - needed).any():
        raise RejectedImageError("unreadable", "A strip or tile of the TIFF lies outside the file.")
    return list(zip(offsets.tolist(), needed.tolist(), strict=True))


def _needed_bytes(numbers: Numbers, grid: _Grid, planes: int, count: int, tiled: bool) -> NDArray[np.int64]:
    """Return the bytes of each uncompressed strip or tile."""
    samples = _first(numbers, SAMPLES, 1)
    bits = numbers(BITS, 1)
    bits_of_pixel = int(bits[:samples].sum()) if bits.size > 1 else int(bits[0]) * samples
    row_bytes = -(-grid.width * bits_of_pixel // (8 * planes))
    needed = np.full(count, row_bytes * grid.height)
    if not tiled:
        needed[grid.down - 1 :: grid.down] = row_bytes * (_first(numbers, HEIGHT, 0) - grid.height * (grid.down - 1))
    return needed


def _is_tiled(tags: Container[int]) -> bool:
    return STRIP_OFFSETS not in tags


def _grid(numbers: Numbers, tags: Container[int]) -> _Grid:
    width, height = _first(numbers, WIDTH, 0), _first(numbers, HEIGHT, 0)
    piece = (width, min(_first(numbers, ROWS_OF_STRIP, height), height))
    if _is_tiled(tags):
        piece = (_first(numbers, TILE_WIDTH, 0), _first(numbers, TILE_HEIGHT, 0))
    if min(width, height, *piece) < 1:
        raise ValueError("a side of the image is 0")
    return _Grid(*piece, -(-width // piece[0]), -(-height // piece[1]))


def _first(numbers: Numbers, tag: int, default: int) -> int:
    return int(numbers(tag, default)[0])


def _of_all(numbers: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    if numbers.size < count:
        raise RejectedImageError("unreadable", f"The TIFF lists {numbers.size:,} of its {count:,} strips or tiles.")
    return numbers[:count]
