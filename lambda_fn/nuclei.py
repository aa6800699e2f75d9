"""The nuclei on a smear, and the one that the image is of."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambda_fn.masks import grow, label, shrink
from lambda_fn.smear_light import Light
from lambda_fn.stains import otsu

Mask = NDArray[np.bool_]

LEVELS = 64
# Share of the image that a nucleus has at least.
MIN_NUCLEUS = 0.004
# Least mean of ``Light.nuclear`` of a nucleus. Red cells of an ordinary smear have about 0.4, most nuclei above 1.
MIN_DENSITY = 0.55
# A nucleus counts less the farther it lies from the middle: by exp(-(d / this)²), d in lengths of the image's sides.
MIDDLE = 0.25
# A piece is cut off if the part of it on the frame is longer than this share of the root of its area.
CUT_OFF, CUT_OFF_COUNTS = 0.25, 0.2
# Radii of the largest lobe: the widest gap between lobes, and the farthest centre of a lobe.
LOBE_GAP, LOBE_REACH = 0.7, 3.0
# Share of the largest lobe's area that another lobe has at least.
LOBE_AREA = 0.04
# Shares of the nucleus' area and of its density from which on another whole nucleus is a cell of equal standing.
EQUAL_AREA, EQUAL_DENSITY = 0.4, 0.7


@dataclass(frozen=True)
class Nucleus:
    """The nucleus that an image is of.

    Attributes:
        mask: its pieces on the grid.
        radius: of a circle with its area, squares of the grid.
        cut: the frame cuts it off.
        others: the other whole nuclei of equal standing, each a mask's number in ``pieces``.
        pieces: all pieces of nuclei, numbered from 1.
    """

    mask: Mask
    radius: float
    cut: bool
    others: tuple[int, ...]
    pieces: NDArray[np.intp]


def find_nucleus(light: Light) -> Nucleus | None:
    """Find the nucleus nearest the middle that is not cut off, with all its lobes; None if there is none."""
    dense = light.nuclear
    dark = dense > _darkest_class(dense)
    pieces, count = label(shrink(dark, 1))
    if not count:
        return None
    areas = np.maximum(np.bincount(pieces.ravel(), minlength=count + 1), 1)
    areas[0] = 0
    height, width = dense.shape
    rows, columns = np.nonzero(pieces)
    numbers = pieces[rows, columns]
    down, right = (np.bincount(numbers, at, count + 1) / np.maximum(areas, 1) for at in (rows, columns))
    frame = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
    on_frame = np.bincount(frame, minlength=count + 1)
    roots = np.sqrt(areas)
    away = np.hypot(down / height - 0.5, right / width - 0.5)
    whole = on_frame <= CUT_OFF * roots
    standing = roots * np.exp(-((away / MIDDLE) ** 2)) * np.where(whole, 1, CUT_OFF_COUNTS)
    main = int(standing.argmax())
    if areas[main] < MIN_NUCLEUS * dense.size:
        return None
    radius = math.sqrt(areas[main] / math.pi)
    near = np.hypot(down - down[main], right - right[main]) < LOBE_REACH * radius
    lobes = near & (on_frame == 0) & (areas > LOBE_AREA * areas[main])
    joined = np.zeros(count + 1, np.bool_)
    joined[main] = True
    while True:
        around = grow(joined[pieces], max(2, round(LOBE_GAP * radius)))
        new = np.zeros(count + 1, np.bool_)
        new[pieces[around]] = True
        new &= lobes & ~joined
        if not new.any():
            break
        joined |= new
    mask = grow(joined[pieces], 1) & dark
    if dense[mask].mean() < MIN_DENSITY:
        return None
    density = np.bincount(numbers, dense[rows, columns], count + 1) / np.maximum(areas, 1)
    equal = whole & ~joined & (areas >= EQUAL_AREA * areas[main]) & (density >= EQUAL_DENSITY * density[main])
    radius = math.sqrt(np.count_nonzero(mask) / math.pi)
    return Nucleus(mask, radius, not whole[main], tuple(np.flatnonzero(equal).tolist()), pieces)


def two_classes(values: NDArray[np.float32]) -> float:
    """Return the threshold between two classes of values, by Otsu's method."""
    low, span, levels = _levels(values)
    threshold, _ = otsu(levels)
    return low + (threshold + 1) / LEVELS * span


def _darkest_class(dense: NDArray[np.float32]) -> float:
    """Return the threshold of the densest of three classes (Otsu 1979): background, other cells, nuclei."""
    low, span, levels = _levels(dense)
    counts = np.bincount(levels.ravel(), minlength=LEVELS).astype(np.float64)
    sums = np.concatenate([[0], counts.cumsum()])
    moments = np.concatenate([[0], (counts * np.arange(LEVELS)).cumsum()])
    first, second = np.arange(LEVELS + 1)[:, None], np.arange(LEVELS + 1)[None]

    def between(start: NDArray[np.intp], end: NDArray[np.intp]) -> NDArray[np.float64]:
        return np.asarray((moments[end] - moments[start]) ** 2 / np.maximum(sums[end] - sums[start], 1e-9))

    start, end = np.zeros_like(first), np.full_like(second, LEVELS)
    total = between(start, first) + between(first, second) + between(second, end)
    total[second <= np.maximum(first, 1)] = -1
    return low + int(total.argmax() % (LEVELS + 1)) / LEVELS * span


def _levels(values: NDArray[np.float32]) -> tuple[float, float, NDArray[np.uint8]]:
    """Return the lowest value, the span, and for each value its level, 0 to ``LEVELS`` - 1."""
    low, span = float(values.min()), max(float(np.ptp(values)), 1e-6)
    return low, span, ((values - low) * (LEVELS / span)).clip(0, LEVELS - 1).astype(np.uint8)
