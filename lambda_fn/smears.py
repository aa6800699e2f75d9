"""Find the one white cell on an ordinary smear: its nucleus first, then the cell around it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lambda_fn.contours import hull_area, hull_of, trace
from lambda_fn.cytoplasm import cell_around, filled
from lambda_fn.errors import RejectedImageError
from lambda_fn.masks import label, largest_piece, shrink
from lambda_fn.nuclei import find_nucleus, two_classes
from lambda_fn.outlines import axis_ratio
from lambda_fn.smear_light import Light, absorbed_light

Mask = NDArray[np.bool_]

# Shorter side of the smallest image on which a cell is looked for, px.
MIN_SIDE = 24
# So many other nuclei of equal standing make a field of cells, of which none is meant.
FIELD_OF_CELLS = 3
# Share of the largest piece of a nucleus that another piece of it has at least.
MIN_PIECE = 0.04
# Squares at the rim of a cell, which are mixed with the light around it. Cytoplasm has this share of the cell without
# them at least, and at most so much of the nucleus' density.
RIM, MIN_CYTOPLASM, DENSEST_CYTOPLASM = 2, 0.03, 0.75
# Two lymphocytes that touch look like one long cell with a waist and much nucleus.
TWO_CELLS_ASPECT, TWO_CELLS_SOLIDITY, TWO_CELLS_NUCLEUS = 0.72, 0.93, 0.5
# Share of the cell's diameter with which it may touch an edge of the image.
MAX_CUT = 0.4


@dataclass(frozen=True)
class SmearCell:
    """The cell on a smear.

    Attributes:
        mask: the whole cell, boolean array of shape (height, width).
        nucleus: of the same shape; None if no cytoplasm can be told from it.
        doubtful: there is another cell of equal standing, the cell looks like two, or the frame cuts it.
    """

    mask: Mask
    nucleus: Mask | None
    doubtful: bool


def find_on_smear(pixels: NDArray[np.uint8]) -> SmearCell:
    """Find the white cell that a crop of a smear is of.

    Args:
        pixels: uint8 array of shape (height, width, 3), 0 to 255; the background may be white, yellow or grey.

    Raises:
        RejectedImageError: there is no nucleus as large as a white cell's, or there are many.
    """
    light = absorbed_light(pixels) if min(pixels.shape[:2]) >= MIN_SIDE else None
    nucleus = find_nucleus(light) if light else None
    if light is None or nucleus is None:
        raise RejectedImageError("no_single_cell", "There is no white cell on the image.")
    cell = cell_around(nucleus, light)
    others = {number for number in nucleus.others if not cell[nucleus.pieces == number].any()}
    if len(others) >= FIELD_OF_CELLS:
        raise RejectedImageError("no_single_cell", "There are many white cells on the image; send one image a cell.")
    inner = _nucleus_of(cell, light)
    doubtful = bool(others) or nucleus.cut or _is_cut(cell) or _looks_like_two(cell, inner)
    size = pixels.shape[1], pixels.shape[0]
    mask = _enlarged(cell, light.field, size)
    return SmearCell(mask, None if inner is None else _enlarged(inner, light.field, size) & mask, doubtful)


def _nucleus_of(cell: Mask, light: Light) -> Mask | None:
    """Return the dense part of a cell; None if the rest is about as dense, or hardly there."""
    dense = np.minimum(light.nuclear, 2)
    labels, count = label(cell & (dense > two_classes(dense[cell])))
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    areas[0] = 0
    nucleus = filled((areas >= MIN_PIECE * areas.max())[labels] & (labels > 0))
    cytoplasm = shrink(cell, RIM) & ~nucleus
    if np.count_nonzero(cytoplasm) < max(1, MIN_CYTOPLASM * np.count_nonzero(cell)) or not nucleus.any():
        return None
    return nucleus if dense[cytoplasm].mean() <= DENSEST_CYTOPLASM * dense[nucleus].mean() else None


def _is_cut(cell: Mask) -> bool:
    touching = max(map(np.count_nonzero, (cell[0], cell[-1], cell[:, 0], cell[:, -1])))
    return bool(touching > MAX_CUT * np.sqrt(4 * np.count_nonzero(cell) / np.pi))


def _looks_like_two(cell: Mask, nucleus: Mask | None) -> bool:
    if nucleus is not None and np.count_nonzero(nucleus) < TWO_CELLS_NUCLEUS * np.count_nonzero(cell):
        return False
    one = largest_piece(cell)
    if axis_ratio(one) >= TWO_CELLS_ASPECT:
        return False
    contour = trace(one)
    return bool(np.count_nonzero(one) < TWO_CELLS_SOLIDITY * hull_area(contour, hull_of(contour)))


def _enlarged(mask: Mask, field: int, size: tuple[int, int]) -> Mask:
    """Return a mask of the grid as a mask of the image, whose last rows and columns may lie beyond the grid."""
    if field == 1:
        return mask
    small = Image.fromarray(mask.astype(np.uint8) * 255)
    box = (0, 0, size[0] / field, size[1] / field)
    width, height = mask.shape[1], mask.shape[0]
    if box[2] > width or box[3] > height:  # PIL refuses a box beyond the picture
        wider = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
        small = Image.fromarray(wider.astype(np.uint8) * 255)
    return np.asarray(small.resize(size, Image.Resampling.BILINEAR, box=box)) > 127
