"""Finds cells that were cut out of the same photograph, although their pixels differ a little."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lambda_fn.cells import Cell, to_model_input
from lambda_fn.manifest import Preprocessing

# Two cells are duplicates if their thumbnails differ by less: root mean square within the cells, in grey levels of 0 to
# 255. Between subjects of C-NMC 2019 (doi 10.7937/tcia.2019.dc64i46r) the difference is below 3 for nearly all cells
# that were cut out of one photograph twice, and above 6.5 for all others.
NEARLY_SAME = 4.0
# Side of a thumbnail, and side of the square around a cell that it shows at a smaller scale, pixels.
THUMBNAIL_PX = 24
_SQUARE_PX = 300
# Rows of the matrix of differences that are computed at once.
_BLOCK = 1024


def thumbnail(cell: Cell) -> NDArray[np.uint8]:
    """A small picture of a cell: uint8 array of shape (1728,), 0 to 255."""
    square = Image.fromarray(to_model_input(cell, Preprocessing(_SQUARE_PX, _SQUARE_PX)))
    return np.asarray(square.resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.BOX)).ravel()


def photographs(contents: Sequence[str], duplicates: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
    """Number the photographs that cells were cut out of.

    Args:
        contents: digests of n cells' pixels.
        duplicates: pairs of cells that look the same, as ``nearly_same`` finds them.

    Returns:
        Integer array of shape (n,): cells with the same number are the same cell.
    """
    number = np.unique(np.asarray(contents), return_inverse=True)[1].astype(np.int64)
    for i, j in duplicates:
        number[number == number[j]] = number[i]
    return number


def nearly_same(thumbnails: NDArray[np.uint8]) -> Iterator[tuple[int, int]]:
    """Find pairs of cells that look the same.

    Args:
        thumbnails: uint8 array of shape (n, 1728).

    Yields:
        Indices i < j of each pair.
    """
    values = thumbnails.astype(np.float32)
    squares = (values**2).sum(axis=1)
    limits = NEARLY_SAME**2 * np.count_nonzero(thumbnails, axis=1)
    for start in range(0, len(values), _BLOCK):
        rows = slice(start, start + _BLOCK)
        distances = squares[rows, None] + squares[None] - 2 * values[rows] @ values.T
        # A difference of large sums loses digits, so candidates are measured once more.
        for row, j in zip(*np.nonzero(distances < 2 * limits[rows, None]), strict=True):
            i = start + row
            if i < j and ((values[i] - values[j]) ** 2).sum() < (limits[i] + limits[j]) / 2:
                yield int(i), int(j)
