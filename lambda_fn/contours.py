"""The contour of one piece of a mask, its convex hull, and the hollows between both.

Positions are pixels, (row, column). Distances are between the centres of pixels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambda_fn.masks import framed

Points = NDArray[np.intp]

EAST, SOUTH, WEST, NORTH = range(4)
# The pixel on the right of a step that leaves the corner of a pixel, as (row, column) from that pixel.
_RIGHT_OF_STEP = np.array([(0, 0), (0, -1), (-1, -1), (-1, 0)])


def _next_headings(exits: int) -> tuple[int, ...]:
    """Return the heading after a corner for each heading before it; ``exits`` holds a bit for each edge that leaves."""
    # A left turn at a corner where two pixels touch keeps diagonal neighbours together.
    turns = (3, 0, 1)
    return tuple(
        next(((heading + turn) % 4 for turn in turns if exits >> (heading + turn) % 4 & 1), heading)
        for heading in range(4)
    )


_NEXT_HEADING = tuple(_next_headings(exits) for exits in range(16))


@dataclass(frozen=True)
class Hollow:
    """A part of the contour between two neighbouring corners of the hull.

    Attributes:
        first, last: numbers of the two corners in the contour. ``last`` may be beyond the contour's end; the numbers
            then go on from its beginning.
        place: (row, column) of the deepest pixel.
        depth: distance of that pixel from the straight line between the corners, px.
        width: distance between the corners, px.
    """

    first: int
    last: int
    place: tuple[int, int]
    depth: float
    width: float


def trace(mask: NDArray[np.bool_]) -> Points:
    """Walk around the outside of a piece, clockwise, along the edges of its pixels.

    Args:
        mask: boolean array of shape (height, width) that is not empty; diagonal neighbours belong together. If there
            are several pieces, the walk is around the first.

    Returns:
        Integer array of shape (n, 2): the pixel inside each edge, one entry an edge. The walk begins at the first pixel
        of the uppermost row.
    """
    padded = framed(mask, 1)
    down, right = padded[1:] != padded[:-1], padded[:, 1:] != padded[:, :-1]
    # For each corner of the pixels, the bits of the directions in which an edge with the piece on its right leaves it.
    exits = np.zeros((padded.shape[0] + 1, padded.shape[1] + 1), np.uint8)
    exits[1:-1, :-1] |= (down & padded[1:]).astype(np.uint8) << EAST
    exits[1:-1, 1:] |= (down & padded[:-1]).astype(np.uint8) << WEST
    exits[:-1, 1:-1] |= (right & padded[:, :-1]).astype(np.uint8) << SOUTH
    exits[1:, 1:-1] |= (right & padded[:, 1:]).astype(np.uint8) << NORTH
    width = exits.shape[1]
    steps, codes = (1, width, -1, -width), exits.tobytes()
    # The first pixel of the uppermost row has its own upper edge, and no other edge leaves its upper left corner.
    start = place = int(exits.ravel().astype(np.bool_).argmax())
    corners, headings, heading = [start], [EAST], EAST
    while (place := place + steps[heading]) != start:
        heading = _NEXT_HEADING[codes[place]][heading]
        corners.append(place)
        headings.append(heading)
    rows, columns = np.divmod(np.array(corners), width)
    return np.asarray(np.stack([rows, columns], axis=1) - 1 + _RIGHT_OF_STEP[np.array(headings)])


def hull_of(contour: Points) -> list[int]:
    """Return the numbers of the contour's points that are corners of its convex hull, in rising order.

    Of each row, only the two outermost pixels can be corners. The walk may pass a corner twice, if two parts meet in
    that pixel; of its numbers, the first that keeps the order of the corners is taken.
    """
    order = np.lexsort((contour[:, 1], contour[:, 0]))
    new_row = np.flatnonzero(np.diff(contour[order, 0], prepend=-2))
    left, right = contour[order[new_row]], contour[order[np.append(new_row[1:], len(order)) - 1]]
    clockwise = np.concatenate([_side_of_hull(right, -1), _side_of_hull(left, 1)[::-1]])
    width = int(contour[:, 1].max()) + 1
    pixels = contour[:, 0] * width + contour[:, 1]
    numbers = [0]  # the walk begins at the first pixel of the uppermost row, which is a corner
    for corner in dict.fromkeys((clockwise[:, 0] * width + clockwise[:, 1]).tolist()):
        if corner != pixels[0]:
            numbers.append(numbers[-1] + int((pixels[numbers[-1] :] == corner).argmax()))
    return numbers


def _side_of_hull(pixels: Points, side: int) -> Points:
    """Return the corners of one side of the hull, 1 for the left side, -1 for the right, among pixels by rising row.

    A pixel on the inner side of the line between its neighbours is no corner. Such pixels are left out until there are
    none.
    """
    while True:
        steps = np.diff(pixels, axis=0)
        turns = steps[:-1, 0] * steps[1:, 1] - steps[:-1, 1] * steps[1:, 0]
        outer = np.concatenate([[True], side * turns > 0, [True]])[: len(pixels)]
        if outer.all():
            return pixels
        pixels = pixels[outer]


def hull_area(contour: Points, hull: list[int]) -> int:
    """Count the pixels whose centres lie within the hull, by Pick's theorem (1899): area + half the border + 1."""
    corners = contour[[*hull, hull[0]]]
    steps = np.diff(corners, axis=0)
    twice = abs(int((corners[:-1, 0] * corners[1:, 1] - corners[1:, 0] * corners[:-1, 1]).sum()))
    return (twice + int(np.gcd(steps[:, 0], steps[:, 1]).sum())) // 2 + 1


def hollows(contour: Points, hull: list[int], at_least: float) -> list[Hollow]:
    """Return the hollows of a contour that are ``at_least`` this deep, px, the deepest first."""
    corners, ends = np.array(hull), np.array([*hull[1:], hull[0] + len(contour)])
    lengths = ends - corners
    along = contour[ends % len(contour)] - contour[corners]
    widths = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)
    of_edge = np.repeat(np.arange(len(hull)), lengths)
    pixels = np.roll(contour, -hull[0], axis=0)
    offsets = pixels - contour[corners][of_edge]
    depths = np.abs(offsets[:, 0] * along[of_edge, 1] - offsets[:, 1] * along[of_edge, 0]) / widths[of_edge]
    starts = corners - hull[0]
    deepest = np.maximum.reduceat(depths, starts)
    found = []
    for edge in np.flatnonzero(deepest >= at_least).tolist():
        at = int(starts[edge]) + int(depths[starts[edge] : starts[edge] + lengths[edge]].argmax())
        place = int(pixels[at, 0]), int(pixels[at, 1])
        found.append(Hollow(int(corners[edge]), int(ends[edge]), place, float(deepest[edge]), float(widths[edge])))
    return sorted(found, key=lambda hollow: -hollow.depth)
