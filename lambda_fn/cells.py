"""Find the cell on an image, and cut it out as the model's input.

Training imports this module too, so a model is trained and served on the same pixels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lambda_fn.cut_cells import has_straight_edge
from lambda_fn.decisions import Reason
from lambda_fn.errors import RejectedImageError
from lambda_fn.masks import count_in_fields, label
from lambda_fn.preprocessing import Background, Preprocessing
from lambda_fn.smears import find_on_smear

# The background of a segmented cell is exactly 0. Lossy compression raises it by a few levels; a stained cell stays
# above 40 in its brightest channel.
BACKGROUND_LEVEL = 12
# The nucleus of a lymphocyte covers 10,000 px or more at the data set's scale, a platelet or a speck of stain far less.
MIN_CELL_AREA_PX = 1_500
# Largest share of an image's outermost pixels that may be lit. A cell may touch the edge of its image, but if most of
# the edge is lit, the background is not black.
MAX_LIT_FRAME = 0.5
# A second piece with at least this share of the largest piece's area is another cell; a smaller piece is debris.
SECOND_CELL_AREA = 0.25
# A cell may touch an edge of its image with this many pixels; with more, a good part of it is missing. Of 3,705 cells
# of C-NMC 2019 (doi 10.7937/tcia.2019.dc64i46r), about 200 px wide, one in 200 touches an edge, with at most 61 px.
MAX_CUT_PX = 80
# Pieces are separated on a grid of about this many fields a side. A gap narrower than a field does not separate them.
GRID = 96


@dataclass(frozen=True)
class Cell:
    """The cell on an image.

    Attributes:
        pixels: the image on a black background, uint8 array of shape (height, width, 3), 0 to 255.
        mask: True for each pixel of the cell, boolean array of shape (height, width).
        doubts: reasons for review that lie in the image itself; the cell can be scored all the same.
        nucleus: True for each pixel of the nucleus, of the same shape; None on a black background, or if no cytoplasm
            can be told from it.
        on_smear: the image is of an ordinary smear, from which the cell was cut out onto black.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    doubts: tuple[Reason, ...]
    nucleus: NDArray[np.bool_] | None = None
    on_smear: bool = False


def find_cell(pixels: NDArray[np.uint8], background: Background = "black") -> Cell:
    """Find the one cell on an image.

    A cell on an ordinary smear is cut out onto black. A cell gets a doubt if the model was trained on cells with
    another background. A cell that the frame cuts also gets a doubt, and so does a cell on black that ends in a
    straight edge inside the frame, because a part of its image may be lost. So does one of several cells: the largest
    on black, the one nearest the middle on a smear.

    Args:
        pixels: uint8 array of shape (height, width, 3), 0 to 255.
        background: what surrounded the cells that the model was trained on.

    Raises:
        RejectedImageError: there is no cell, or there are many.
    """
    mask = _brightest_channel(pixels) > BACKGROUND_LEVEL
    doubts: list[Reason] = []
    on_black = _frame(mask).mean() <= MAX_LIT_FRAME
    if on_black != (background == "black"):
        doubts.append("unlike_training_data")
    if not on_black:
        found = find_on_smear(pixels)
        if found.doubtful:
            doubts.append("no_single_cell")
        cut_out = np.where(found.mask[..., None], pixels, np.uint8(0))
        return Cell(cut_out, found.mask, tuple(doubts), found.nucleus, on_smear=True)
    mask, several = _largest_piece(mask)
    if np.count_nonzero(mask) < MIN_CELL_AREA_PX:
        raise RejectedImageError("no_single_cell", "There is no cell on the image.")
    touching = max(map(np.count_nonzero, (mask[0], mask[-1], mask[:, 0], mask[:, -1])))
    if several or touching > MAX_CUT_PX or _is_cut(pixels, mask):
        doubts.append("no_single_cell")
    return Cell(pixels, mask, tuple(doubts))


def _is_cut(pixels: NDArray[np.uint8], mask: NDArray[np.bool_]) -> bool:
    """Say if the cell ends in a straight edge, in all colours or in one: some files store one colour after another."""
    box = tuple(
        slice(max(int(lines[0]) - 1, 0), int(lines[-1]) + 2)
        for lines in (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    )
    cell = mask[box]
    colours = (pixels[box][..., colour] > BACKGROUND_LEVEL for colour in range(3))
    return has_straight_edge(cell, cell) or any(has_straight_edge(colour & cell, cell) for colour in colours)


def to_model_input(cell: Cell, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Cut a square around the cell, and resize it to the model's input size.

    Returns:
        uint8 array of shape (size, size, 3), 0 to 255.
    """
    top, left = square_around(cell, preprocessing)
    crop = _crop_square(cell.pixels, top, left, preprocessing.crop)
    if preprocessing.size == preprocessing.crop:
        return crop
    side = (preprocessing.size, preprocessing.size)
    return np.asarray(Image.fromarray(crop).resize(side, Image.Resampling.BILINEAR))


def square_around(cell: Cell, preprocessing: Preprocessing) -> tuple[int, int]:
    """Top and left of the square that ``to_model_input`` cuts out, in pixels of the image; may be negative."""
    top, left = (_centre(np.flatnonzero(cell.mask.any(axis=axis))) - preprocessing.crop // 2 for axis in (1, 0))
    return top, left


def _brightest_channel(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    brightest: NDArray[np.uint8] = np.maximum(np.maximum(pixels[..., 0], pixels[..., 1]), pixels[..., 2])
    return brightest


def _frame(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the outermost pixels of an image, in one row."""
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def _largest_piece(mask: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], bool]:
    """Return the largest connected piece of a mask, and whether another piece is a cell too."""
    field = max(1, max(mask.shape) // GRID)
    labels, count = label(_any_in_each_field(mask, field))
    if count < 2:
        return mask, False
    areas = np.bincount(labels.ravel(), weights=count_in_fields(mask, field).ravel(), minlength=count + 1)[1:]
    second, first = np.sort(areas)[-2:]
    largest = (labels == areas.argmax() + 1).repeat(field, axis=0).repeat(field, axis=1)
    largest = largest[: mask.shape[0], : mask.shape[1]] & mask
    return largest, bool(second >= max(SECOND_CELL_AREA * first, MIN_CELL_AREA_PX))


def _any_in_each_field(mask: NDArray[np.bool_], field: int) -> NDArray[np.bool_]:
    """Mark each square of ``field`` pixels that holds a marked pixel; ``reduceat`` of numpy takes ten times as long."""
    padded = np.pad(mask, [(0, -length % field) for length in mask.shape])
    lines = np.logical_or.reduce([padded[offset::field] for offset in range(field)])
    return np.asarray(np.logical_or.reduce([lines[:, offset::field] for offset in range(field)]))


def _centre(lit: NDArray[np.intp]) -> int:
    """Return the middle between the first and the last of the lit rows or columns."""
    return int(lit[0] + lit[-1] + 1) // 2


def _crop_square(pixels: NDArray[np.uint8], top: int, left: int, side: int) -> NDArray[np.uint8]:
    """Cut out a square of ``side`` pixels; any part of it outside the image is black."""
    height, width = pixels.shape[:2]
    square = np.zeros((side, side, 3), np.uint8)
    rows = slice(max(top, 0), min(top + side, height))
    columns = slice(max(left, 0), min(left + side, width))
    square[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = pixels[rows, columns]
    return square
