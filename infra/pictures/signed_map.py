"""Signed numbers as colours: blue, neutral, orange, with contour lines that also show in grey print."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Values = NDArray[np.float64]
Picture = NDArray[np.uint8]
# Blue and vermilion of Okabe & Ito (2008), which people with any colour blindness tell apart, about a neutral grey.
BLUE, NEUTRAL, ORANGE = (0, 92, 158), (236, 236, 232), (213, 94, 0)
# Contour lines, as shares of the largest value: whole lines for positive values, dashed ones for negative values.
LEVELS = (0.3, 0.7)
_DASH = 5


def colours(values: Values, largest: float) -> NDArray[np.float64]:
    """Colours, float of shape (height, width, 3), 0 to 255, of signed values.

    Args:
        values: of shape (height, width).
        largest: the size of a value that gets the full colour, above 0.
    """
    strength = np.clip(np.abs(values) / largest, 0, 1)[..., None]
    ends = np.where((values > 0)[..., None], np.array(ORANGE, float), np.array(BLUE, float))
    return np.asarray(np.array(NEUTRAL, float) * (1 - strength) + ends * strength)


def smooth(values: Values, side: int) -> Values:
    """Resize a square grid to ``side`` pixels, without steps between its fields."""
    image = Image.fromarray(values.astype(np.float32))
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC), np.float64)


def overlay(cell: Picture, values: Values, largest: float) -> Picture:
    """Lay a map over a cell, which turns grey, and draw its contour lines.

    Args:
        cell: uint8 of shape (side, side, 3).
        values: of shape (side, side).
        largest: as in ``colours``.
    """
    grey = cell.astype(np.float64).mean(axis=2, keepdims=True)
    lit = np.asarray(cell.any(axis=2))
    shade = 0.35 + 0.65 * grey / max(float(grey.max()), 1.0)
    picture = np.where(lit[..., None], colours(values, largest) * shade, 0.0)
    rows, columns = np.indices(values.shape)
    dashes = (rows + columns) // _DASH % 2 == 0
    for level in LEVELS:
        for sign in (1, -1):
            line = _edge(np.asarray(sign * values > level * largest)) & lit
            picture[_thicker(line)] = (255, 255, 255)
            picture[line & (dashes | (sign > 0))] = (0, 0, 0)
    return picture.round().astype(np.uint8)


def outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels on either side of the edge of a mask."""
    return _thicker(_edge(mask))


def _edge(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    edge = np.zeros_like(inside)
    edge[1:] |= inside[1:] != inside[:-1]
    edge[:, 1:] |= inside[:, 1:] != inside[:, :-1]
    return edge


def _thicker(line: NDArray[np.bool_]) -> NDArray[np.bool_]:
    thick = line.copy()
    thick[:-1] |= line[1:]
    thick[1:] |= line[:-1]
    thick[:, :-1] |= line[:, 1:]
    thick[:, 1:] |= line[:, :-1]
    return thick
