"""Draws a cell with its outline, and the map of an explanation on it."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from infra.pictures.signed_map import outline, overlay, smooth
from lambda_fn.results import MapFacts

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
# Space around a cell that is drawn without a map, as a share of its longer side.
_SPACE = 0.06


def draw_cell_and_map(
    pixels: Pixels, mask: Mask, grid: MapFacts, side: int, resampling: Image.Resampling
) -> tuple[Pixels, Pixels]:
    """Draw the square of a map: the cell on black with its outline, and the map on the cell.

    Args:
        pixels: the upright image, uint8 of shape (height, width, 3).
        mask: the cell, boolean of shape (height, width).
        grid: the map.
        side: of both pictures in pixels.
        resampling: how the image is resized; ``NEAREST`` keeps its pixels visible.

    Returns:
        Two pictures, uint8 of shape (side, side, 3).
    """
    square = (grid["left"], grid["top"], grid["side_px"])
    cell, inside = _cut(pixels, mask, square, side, resampling)
    shown = smooth(np.array(grid["values"], np.float64), side)
    return _outlined(cell, inside), overlay(cell, shown, largest_value(grid))


def draw_cell(pixels: Pixels, mask: Mask, side: int, resampling: Image.Resampling) -> Pixels:
    """Draw a cell on black with its outline, uint8 of shape (side, side, 3); see ``draw_cell_and_map``."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1
    length = round(max(height, width) * (1 + 2 * _SPACE))
    square = (int(columns[0]) - (length - width) // 2, int(rows[0]) - (length - height) // 2, length)
    return _outlined(*_cut(pixels, mask, square, side, resampling))


def largest_value(grid: MapFacts) -> float:
    """Return the size, above 0, of the value of a map that gets the full colour."""
    return max(float(np.abs(grid["values"]).max()), 1e-9)


def _outlined(cell: Pixels, inside: Mask) -> Pixels:
    picture = cell.copy()
    picture[outline(inside)] = (255, 255, 255)
    return picture


def _cut(
    pixels: Pixels, mask: Mask, square: tuple[int, int, int], side: int, resampling: Image.Resampling
) -> tuple[Pixels, Mask]:
    """Cut out the cell and its mask at a square's left, top and side, black beyond the cell and the image."""
    left, top, length = square
    box = (left, top, left + length, top + length)
    cell, inside = (
        Image.fromarray(each).crop(box).resize((side, side), resampling)
        for each in (np.where(mask[..., None], pixels, np.uint8(0)), mask.astype(np.uint8) * 255)
    )
    return np.array(cell, np.uint8), np.asarray(inside) > 127
