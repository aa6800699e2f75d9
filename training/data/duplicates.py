"""Finds cells that were cut out of the same photograph, although their pixels differ.

They may have been cut out twice, or stain-normalised twice, so that every colour differs. Their texture stays.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lambda_fn.cells import BACKGROUND_LEVEL, Cell, to_model_input
from lambda_fn.preprocessing import Background, Preprocessing

# Two cells are one if their textures correlate by more. Among the 6,614 cells of C-NMC 2019 at hand
# (doi 10.7937/tcia.2019.dc64i46r), all subjects that are known to share photographs have such a pair, and no pair of
# other subjects exceeds 0.67.
SAME_TEXTURE = 0.70
# Side of the square around a cell, of a block of it that is averaged, and of the neighbourhood, in blocks, of which the
# mean is subtracted.
_SQUARE_PX, _BLOCK_PX, _NEIGHBOURHOOD = 224, 7, 5
# Of cells on smears: side of the square, in widths of the cell, of the neighbourhood, in blocks, and the most that a
# detail counts, in medians.
_ENLARGED, _NEAR_ON_SMEARS, _MOST_ON_SMEARS = 1.1, 3, 3.0
_SIDE = _SQUARE_PX // _BLOCK_PX
# Length of a texture.
TEXTURE_LENGTH = _SIDE**2
# Rows of the matrix of correlations that are computed at once.
_ROWS = 1024


def texture(cell: Cell, background: Background = "black") -> NDArray[np.float32]:
    """Brightness within a cell, without what varies slowly: float32 array of shape (1024,), of length 1, or all 0.

    A cell on a smear has pale cytoplasm around a dark nucleus, and any size in px. It is enlarged to fill the square,
    less is left of what varies slowly, and steps such as the nucleus' edge count no more than three times the median
    detail: otherwise any two small round cells would be alike. Of 19,900 pairs of the 200 cells of 120 px of Zheng et
    al. (2018, doi 10.1016/j.micron.2018.01.010), 18 exceeded ``SAME_TEXTURE`` without this, and 6 do with it. These are
    6 of the 8 pairs that are one cell, cropped twice; the largest correlation of any other pair is 0.46.

    Args:
        cell: was found on an image.
        background: what surrounds it.
    """
    if background == "smear":
        return _detail(cell, round(_ENLARGED * _width(cell)), _NEAR_ON_SMEARS, _MOST_ON_SMEARS)
    return _detail(cell, _SQUARE_PX, _NEIGHBOURHOOD, None)


def _detail(cell: Cell, crop: int, neighbourhood: int, most: float | None) -> NDArray[np.float32]:
    from scipy.ndimage import uniform_filter

    square = to_model_input(cell, Preprocessing(crop, _SQUARE_PX)).astype(np.float32)
    brightness = _blocks(square.mean(axis=2))
    inside = (_blocks((square.max(axis=2) > BACKGROUND_LEVEL).astype(np.float32)) == 1).astype(np.float32)
    around, weight = (uniform_filter(each, neighbourhood, mode="constant") for each in (brightness * inside, inside))
    detail = (brightness - around / np.maximum(weight, 1e-6)) * inside
    if most is not None and inside.any():
        limit = most * float(np.median(np.abs(detail[inside > 0])))
        detail = np.clip(detail, -limit, limit)
    length = np.sqrt((detail**2).sum())
    return np.asarray(detail.ravel() / length if length > 1e-3 else np.zeros(TEXTURE_LENGTH), np.float32)


def _width(cell: Cell) -> int:
    """The longer side of the cell's bounding box, px."""
    lit = (np.flatnonzero(cell.mask.any(axis=axis)) for axis in (1, 0))
    return max(int(lines[-1] - lines[0]) + 1 for lines in lit)


def _blocks(square: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(square.reshape(_SIDE, _BLOCK_PX, _SIDE, _BLOCK_PX).mean(axis=(1, 3)))


def photographs(contents: Sequence[str], duplicates: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
    """Number the photographs that cells were cut out of.

    Args:
        contents: digests of n cells' pixels.
        duplicates: pairs of cells that look the same, as ``same_texture`` finds them.

    Returns:
        Integer array of shape (n,): cells with the same number are the same cell.
    """
    number = np.unique(np.asarray(contents), return_inverse=True)[1].astype(np.int64)
    for i, j in duplicates:
        number[number == number[j]] = number[i]
    return number


def same_texture(textures: NDArray[np.float32]) -> Iterator[tuple[int, int]]:
    """Find pairs of cells that are one.

    Args:
        textures: float32 array of shape (n, 1024).

    Yields:
        Indices i < j of each pair.
    """
    for start in range(0, len(textures), _ROWS):
        rows = textures[start : start + _ROWS]
        for row, column in zip(*np.nonzero(rows @ textures[start:].T > SAME_TEXTURE), strict=True):
            if row < column:
                yield start + int(row), start + int(column)


def pairs_of(photographs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of cells that are one: k cells of a photograph make k - 1 pairs.

    Args:
        photographs: integer array of shape (n,), from ``photographs``.

    Returns:
        Integer array of shape (pairs, 2).
    """
    order = np.argsort(photographs, kind="stable")
    same = photographs[order[:-1]] == photographs[order[1:]]
    return np.stack([order[:-1][same], order[1:][same]], axis=1)
