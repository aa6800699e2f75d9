"""Size and shape of a cell, from its mask alone."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambda_fn.contours import Hollow, Points, hollows, hull_area, hull_of, trace
from lambda_fn.masks import count_in_fields, framed, grow, label, largest_piece, shrink

# Shares of the cell's diameter. A hollow from this depth on is a cleft: 8 px of a cell of 200 px. Of 300 ALL and 300
# normal cells of C-NMC 2019 (doi 10.7937/tcia.2019.dc64i46r), 52 % and 25 % have one.
MIN_CLEFT = 0.04
# Whatever sticks out and is narrower than twice this is a sliver of a neighbour, left by the segmentation.
SLIVER = 0.10
# Share of the cell's area. A smaller part is a corner of the cell itself.
MIN_SLIVER = 0.005
# A part of the contour that follows one row or column for this long was cut, by the frame or by the segmentation. The
# last row of a circle is a seventh of its diameter long at most, if the diameter is 100 px or more.
STRAIGHT_CUT = 0.20
# A hollow this close to a cut, along the contour, is no cleft.
BESIDE_CUT = 0.03
# Fields of the grid on which slivers are found, for a cell's diameter.
FIELDS = 50


@dataclass(frozen=True)
class Outline:
    """The shape of a cell; lengths in pixels of the mask.

    Attributes:
        mask: the largest piece of the mask, boolean array of shape (height, width).
        body: the same without slivers.
        area: pixels of ``mask``.
        diameter: of a circle of that area.
        perimeter: by Crofton's formula in four directions.
        circularity: 4 pi area / perimeter², 0 to 1 (Cox 1927, J. Paleontol. 1; ISO 9276-6 takes the root of it).
        solidity: area over the pixels of the convex hull, 0 to 1.
        aspect: shorter over longer axis of the ellipse with the same second moments, 0 to 1.
        clefts: hollows of the body that are ``MIN_CLEFT`` deep and beside no cut, the deepest first.
    """

    mask: NDArray[np.bool_]
    body: NDArray[np.bool_]
    area: int
    diameter: float
    perimeter: float
    circularity: float
    solidity: float
    aspect: float
    clefts: tuple[Hollow, ...]


def measure_outline(mask: NDArray[np.bool_], at_frame: tuple[bool, bool, bool, bool] = (False,) * 4) -> Outline:
    """Measure the largest piece of a mask.

    Args:
        mask: boolean array of shape (height, width), cut out around the cell; at least one pixel is set.
        at_frame: whether the image ends at the mask's first row, last row, first column and last column.
    """
    contour = trace(mask)
    area = int(np.count_nonzero(mask))
    if _edge_count(mask) != len(contour):  # there are several pieces, or holes
        mask = largest_piece(mask)
        area, contour = int(np.count_nonzero(mask)), trace(mask)
    diameter, perimeter = math.sqrt(4 * area / math.pi), crofton_perimeter(mask)
    hull = hull_of(contour)
    body, around, found = mask, len(contour), hollows(contour, hull, MIN_CLEFT * diameter)
    cut = np.empty(0, np.intp)
    if found:  # a sliver leaves a hollow on each of its sides
        body = without_slivers(mask, diameter)
        body_contour = trace(body)
        around, found = len(body_contour), hollows(body_contour, hull_of(body_contour), MIN_CLEFT * diameter)
        cut = _cut_points(body_contour, STRAIGHT_CUT * diameter, grow(mask & ~body, 1), at_frame)
    reach = round(BESIDE_CUT * diameter)
    return Outline(
        mask=mask,
        body=body,
        area=area,
        diameter=diameter,
        perimeter=perimeter,
        circularity=min(1.0, 4 * math.pi * area / perimeter**2),
        solidity=area / hull_area(contour, hull),
        aspect=axis_ratio(mask),
        clefts=tuple(each for each in found if not _touches(each, cut, reach, around)),
    )


def crofton_perimeter(mask: NDArray[np.bool_]) -> float:
    """Return the length of all edges of a mask, px, with those of its holes.

    Crofton's formula, with lines along rows, columns and both diagonals: a curve's length is half the integral of the
    number of its crossings over all lines (Lehmann & Legland 2012, Insight Journal, "Efficient N-dimensional surface
    estimation using Crofton formula").
    """
    padded = framed(mask, 1)
    diagonal = int(np.count_nonzero(padded[1:, 1:] != padded[:-1, :-1]))
    diagonal += int(np.count_nonzero(padded[1:, :-1] != padded[:-1, 1:]))
    return math.pi / 8 * (_edge_count(mask) + diagonal / math.sqrt(2))


def axis_ratio(mask: NDArray[np.bool_]) -> float:
    """Return the shorter over the longer axis of the ellipse with the mask's second moments, 0 to 1.

    Each pixel counts as a square, whose own second moment is 1/12.
    """
    in_row, in_column = mask.sum(axis=1), mask.sum(axis=0)
    area = float(in_row.sum())
    rows, columns = (np.arange(length, dtype=np.float32) for length in mask.shape)
    row, column = float(in_row @ rows) / area, float(in_column @ columns) / area
    down, right = rows - np.float32(row), columns - np.float32(column)
    vertical = float(in_row @ down**2) / area + 1 / 12
    horizontal = float(in_column @ right**2) / area + 1 / 12
    mixed = float(down @ (mask.astype(np.float32) @ right)) / area
    middle, half = (vertical + horizontal) / 2, math.hypot((vertical - horizontal) / 2, mixed)
    return math.sqrt(max(middle - half, 0.0) / (middle + half))


def without_slivers(mask: NDArray[np.bool_], diameter: float) -> NDArray[np.bool_]:
    """Cut off whatever sticks out of a cell and is narrow: its morphological opening, on a grid of coarse fields.

    Clefts stay as they are. A cell that is narrow as a whole stays too.
    """
    field = max(1, round(diameter / FIELDS))
    steps = max(1, round(SLIVER * diameter / field))
    counts = count_in_fields(mask, field)
    core = shrink(counts >= field**2 / 2, steps)
    # One field more than the opening, so that round edges stay whole.
    labels, count = label((counts > 0) & ~grow(core, steps + 1))
    large = np.bincount(labels.ravel(), counts.ravel(), count + 1) >= MIN_SLIVER * np.count_nonzero(mask)
    large[0] = False
    if not large.any():
        return mask
    slivers = large[labels].repeat(field, axis=0).repeat(field, axis=1)[: mask.shape[0], : mask.shape[1]]
    body = largest_piece(mask & ~slivers)
    return body if 2 * np.count_nonzero(body) > np.count_nonzero(mask) else mask


def _edge_count(mask: NDArray[np.bool_]) -> int:
    """Count the edges of pixels between a mask and its outside."""
    padded = framed(mask, 1)
    return int(
        np.count_nonzero(padded[1:] != padded[:-1]) + np.count_nonzero(padded[:, 1:] != padded[:, :-1]),
    )


def _cut_points(
    contour: Points, length: float, beside_sliver: NDArray[np.bool_], at_frame: tuple[bool, bool, bool, bool]
) -> Points:
    """Return the numbers of the contour's points at a cut: on the frame, beside a sliver, or on a straight line.

    A line is straight if it stays in one row or column for at least ``length`` pixels.
    """
    rows, columns = contour.T
    top, bottom, left, right = at_frame
    last_row, last_column = (extent - 1 for extent in beside_sliver.shape)
    cut = (rows == 0) & top | (rows == last_row) & bottom | (columns == 0) & left | (columns == last_column) & right
    cut |= beside_sliver[rows, columns]
    for line in (rows, columns):
        begins = np.flatnonzero(line != np.roll(line, 1))
        lengths = np.diff(begins, append=begins[:1] + len(line))
        for begin, run in zip(begins[lengths >= length], lengths[lengths >= length], strict=True):
            cut[np.arange(begin, begin + run) % len(line)] = True
    return np.flatnonzero(cut)


def _touches(hollow: Hollow, cut: Points, reach: int, around: int) -> bool:
    """Say if a cut lies in a hollow, or within ``reach`` points of it, on a contour of ``around`` points."""
    return bool(((cut - (hollow.first - reach)) % around <= hollow.last - hollow.first + 2 * reach).any())
