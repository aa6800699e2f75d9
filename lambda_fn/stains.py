"""Measures of a cell's stain: chromatin, pale spots, and the nucleus if cytoplasm is visible beside it."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambda_fn.masks import grow, label, shrink
from lambda_fn.outlines import crofton_perimeter

Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]

# Squares across a cell's diameter, in whose means the stain is measured.
FIELDS = 100
# Shares of the cell's diameter. The outermost part of a cell is mixed with the light of the background.
RIM = 0.02
# Close to the edge, light that reaches into a cell looks like a pale spot.
SPOT_RIM = 0.06
# Side of the squares whose mean is compared with that of larger squares around them, to find pale spots.
SPOT, AROUND_SPOT = 0.05, 0.22
# A pale spot stands out by this many deviations of the cell's own texture (1.4826 times the median deviation, which is
# the standard deviation of a normal distribution) and by this optical density.
SPOT_CONTRAST, SPOT_BRIGHTNESS = 4.0, 0.05
# Share of the nucleus' area that a pale spot has at least: that of a circle with 0.04 of its diameter.
SPOT_AREA = 0.0015
# Otsu's between-class variance over the total variance. One normal distribution has 2/pi = 0.64, an even spread 0.75.
MIN_SEPARABILITY = 0.80
# Shares of the cell: cytoplasm has at least this much, of which its largest piece at the rim has at least so much.
MIN_CYTOPLASM, MIN_ONE_PIECE = 0.03, 0.60
# Largest optical density of cytoplasm over that of the nucleus. It is below 0.54 on 197 photographed cells with visible
# cytoplasm (Zheng et al. 2018, Micron 107); the light edges of dark nuclei in C-NMC 2019 are above 0.8.
MAX_DENSITY = 0.75
# Share of the cell's area that a vacuole has at least, and its least roundness.
VACUOLE_AREA, VACUOLE_ROUNDNESS = 0.0015, 0.7


@dataclass(frozen=True)
class Spot:
    """A spot in a cell: (row, column) of its centre, its area in pixels, and its number among all pieces."""

    place: tuple[float, float]
    area: int
    number: int

    def scaled(self, field: int) -> "Spot":
        """Return a spot of fields as a spot of pixels, for fields of this side."""
        row, column = ((line + 0.5) * field - 0.5 for line in self.place)
        return Spot((row, column), self.area * field**2, self.number)


@dataclass(frozen=True)
class Stain:
    """The stain of a cell.

    Attributes:
        chromatin_cv: standard deviation over mean of the optical density in green, in the nucleus if it is known, else
            in the whole cell without its rim.
        pale_spots: the largest first.
        separability: Otsu's between-class over total variance of green in the cell without its rim, 0 to 1.
        nucleus_area: px; None if no cytoplasm is visible.
        vacuoles: the largest first; None if no cytoplasm is visible.
    """

    chromatin_cv: float
    pale_spots: tuple[Spot, ...]
    separability: float
    nucleus_area: int | None
    vacuoles: tuple[Spot, ...] | None


def measure_stain(
    green: NDArray[np.uint8], body: NDArray[np.bool_], diameter: float, known_nucleus: NDArray[np.bool_] | None = None
) -> Stain | None:
    """Measure the stain of a cell.

    Args:
        green: levels 0 to 255, shape (height, width). Nuclei absorb most in green.
        body: the cell's pixels, of the same shape.
        diameter: of the cell, px.
        known_nucleus: of the same shape, if the nucleus was found by its colour; else it is looked for in green.

    Returns:
        The measures; None if nothing is left of the cell without its rim.
    """
    field = max(1, round(diameter / FIELDS))
    levels, whole = _in_fields(green, field), _in_fields(body, field) >= 0.5
    rim = max(1, round(RIM * diameter / field))
    inside, inner = shrink(whole, rim), shrink(whole, max(rim + 1, round(SPOT_RIM * diameter / field)))
    if not inside.any():
        return None
    spot, around_spot = (_odd(share * diameter / field) for share in (SPOT, AROUND_SPOT))
    sums = _sums(_filled(levels, inside))
    smooth = _box_mean(sums, spot)
    threshold, separability = otsu(smooth[inside].astype(np.uint8))
    pale = smooth >= threshold + 1
    cytoplasm = _cytoplasm(inside, inner, pale) if separability >= MIN_SEPARABILITY else None
    if known_nucleus is not None:
        cytoplasm = inside & (_in_fields(known_nucleus, field) < 0.5)
        cytoplasm = cytoplasm if cytoplasm.any() and (inside & ~cytoplasm).any() else None
    elif cytoplasm is not None:
        densities = [float(_density(levels[part]).mean()) for part in (cytoplasm, inside & ~cytoplasm)]
        cytoplasm = cytoplasm if densities[0] <= MAX_DENSITY * densities[1] else None
    chromatin = inside if cytoplasm is None else inside & ~cytoplasm
    if cytoplasm is not None:  # it must not count as the surroundings of a spot
        sums = _sums(_filled(levels, chromatin))
    contrast = np.asarray(_box_mean(sums, spot) / np.maximum(_box_mean(sums, around_spot), 1) - 1, np.float32)
    spots = _pale_spots(contrast, shrink(chromatin, 1) & inner)
    # The rim beside the nucleus belongs to the nucleus.
    nucleus = None if cytoplasm is None else chromatin | grow(chromatin, rim) & whole & ~inside
    vacuoles = None if cytoplasm is None else _vacuoles(smooth, inside, cytoplasm)
    area = None if nucleus is None else int(np.count_nonzero(nucleus)) * field**2
    if area is not None and known_nucleus is not None:
        area = int(np.count_nonzero(known_nucleus & body))
    return Stain(
        chromatin_cv=_variation(levels[chromatin]),
        pale_spots=tuple(spot.scaled(field) for spot in spots),
        separability=separability,
        nucleus_area=area,
        vacuoles=None if vacuoles is None else tuple(spot.scaled(field) for spot in vacuoles),
    )


def otsu(levels: NDArray[np.uint8]) -> tuple[int, float]:
    """Separate levels into two classes (Otsu 1979, IEEE Trans. SMC 9).

    Args:
        levels: 0 to 255, of any shape, at least one.

    Returns:
        The highest level of the lower class, and the between-class variance over the total variance, 0 to 1; 0 if all
        levels are equal.
    """
    shares = np.bincount(levels.ravel(), minlength=256) / levels.size
    below, moment = shares.cumsum(), (shares * np.arange(256)).cumsum()
    mean = moment[-1]
    total = float(shares @ (np.arange(256) - mean) ** 2)
    if total <= 0:
        return int(levels.flat[0]), 0.0
    parts = below * (1 - below)
    between = np.where(parts > 1e-12, (mean * below - moment) ** 2 / np.maximum(parts, 1e-12), 0)
    threshold = int(between.argmax())
    return threshold, min(1.0, float(between[threshold]) / total)


def _density(levels: Grey) -> Grey:
    """Return the optical density of levels from 0 to 255, against the lightest level."""
    return np.asarray(np.log10(255 / np.maximum(levels, 1)), np.float32)


def _variation(levels: Grey) -> float:
    """Return the standard deviation over the mean of the optical density, log10(255 / level)."""
    density = _density(levels)
    mean = float(density.mean())
    return float(density.std()) / mean if mean > 0 else 0.0


def _in_fields(values: NDArray[np.generic], field: int) -> Grey:
    """Return the means of squares of ``field`` pixels; pixels beyond the array count as 0."""
    sums = np.pad(values, [(0, -length % field) for length in values.shape]).astype(np.float32)
    for _ in range(2):  # rows, then columns; one call of numpy for both takes many times as long
        sums = np.add.reduce([sums[offset::field] for offset in range(field)]).T
    return np.asarray(sums / np.float32(field**2))


def _filled(levels: Grey, within: Mask) -> Grey:
    """Return levels with their mean over a mask outside of it."""
    return np.where(within, levels, levels[within].mean())


def _cytoplasm(inside: Mask, inner: Mask, pale: Mask) -> Mask | None:
    """Return the pale part at the rim; None if it is small, in several pieces, or no wider than the rim's own light."""
    labels, count = label(pale & inside)
    at_rim = np.zeros(count + 1, np.bool_)
    at_rim[labels[inside & ~shrink(inside, 1)]] = True
    at_rim[0] = False
    areas = np.bincount(labels.ravel(), minlength=count + 1) * at_rim
    largest = int(areas.argmax())
    beyond_rim = np.count_nonzero(labels[inner] == largest)
    if not areas[largest] or areas[largest] < MIN_ONE_PIECE * areas.sum():
        return None
    if beyond_rim < MIN_CYTOPLASM * np.count_nonzero(inside):
        return None
    cytoplasm = at_rim[labels]
    return cytoplasm if (inside & ~cytoplasm).any() else None


def _pale_spots(contrast: Grey, within: Mask) -> list[Spot]:
    """Return the spots that are paler than their surroundings and do not touch the border of ``within``."""
    values = contrast[within]
    if not values.size:
        return []
    middle, texture = _spread(values)
    least = max(SPOT_CONTRAST * texture, SPOT_BRIGHTNESS)
    # The foot of a bell is wider than its half height, at which its area is counted.
    labels, count = label(within & (contrast > middle + least / 2))
    heights = contrast - np.float32(middle)
    wide = labels > 0
    peaks = np.zeros(count + 1, np.float32)
    np.maximum.at(peaks, labels[wide], heights[wide])
    low = peaks < least
    return _spots(np.where((heights > peaks[labels] / 2) & ~low[labels], labels, 0), count, within, SPOT_AREA)


def _spots(labels: NDArray[np.intp], count: int, within: Mask, least_share: float) -> list[Spot]:
    """Return the pieces that have a share of an area and do not touch its border, the largest first.

    Args:
        labels: the pieces, numbered from 1 to ``count``.
        count: number of pieces.
        within: the area.
        least_share: of the area, 0 to 1.
    """
    rows, columns = np.nonzero(labels)
    numbers = labels[rows, columns]
    areas = np.bincount(numbers, minlength=count + 1)
    down, right = (np.bincount(numbers, line, count + 1) / np.maximum(areas, 1) for line in (rows, columns))
    kept = areas >= max(least_share * np.count_nonzero(within), 2)
    kept[labels[within & ~shrink(within, 1)]] = False
    kept[0] = False
    found = [
        Spot((float(down[number]), float(right[number])), int(areas[number]), number)
        for number in np.flatnonzero(kept).tolist()
    ]
    return sorted(found, key=lambda spot: -spot.area)


def _vacuoles(smooth: Grey, inside: Mask, cytoplasm: Mask) -> list[Spot]:
    """Return the round spots that are brighter than the cytoplasm, in it or before the nucleus."""
    middle, texture = _spread(smooth[cytoplasm])
    bright = inside & (smooth > middle + max(SPOT_CONTRAST * texture, SPOT_BRIGHTNESS * middle))
    labels, count = label(bright)
    spots = _spots(labels, count, inside, VACUOLE_AREA)
    return [spot for spot in spots if _circularity(labels == spot.number) >= VACUOLE_ROUNDNESS]


def _circularity(mask: Mask) -> float:
    return 4 * math.pi * np.count_nonzero(mask) / crofton_perimeter(mask) ** 2


def _spread(values: Grey) -> tuple[float, float]:
    """Return the median, and the median deviation from it as the standard deviation of a normal distribution."""
    middle = _median(values)
    return middle, 1.4826 * _median(np.abs(values - middle))


def _median(values: Grey) -> float:
    """The median. ``numpy.median`` loads ``numpy.ma``, which the zip leaves out."""
    two = [(values.size - 1) // 2, values.size // 2]
    return float(np.partition(values, two, axis=None)[two].astype(np.float64).mean())


def _sums(levels: Grey) -> NDArray[np.float64]:
    """Return sums over all rectangles from the first corner (Crow 1984, SIGGRAPH): shape (height + 1, width + 1)."""
    sums = np.zeros((levels.shape[0] + 1, levels.shape[1] + 1))
    np.cumsum(np.cumsum(levels, axis=0, dtype=np.float64), axis=1, out=sums[1:, 1:])
    return sums


def _box_mean(sums: NDArray[np.float64], side: int) -> Grey:
    """Return the mean over a square of ``side`` around each pixel; beyond the array, the square is cut off."""
    height, width = sums.shape[0] - 1, sums.shape[1] - 1
    top, bottom = _bounds(height, side)
    left, right = _bounds(width, side)
    lines = sums[bottom] - sums[top]
    boxes = lines[:, right] - lines[:, left]
    return boxes.astype(np.float32) * (np.float32(1) / (bottom - top)[:, None] / (right - left)).astype(np.float32)


def _bounds(length: int, side: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    places = np.arange(length)
    return np.maximum(places - side // 2, 0), np.minimum(places + side // 2 + 1, length)


def _odd(length: float) -> int:
    """Return the odd whole number next to a length, at least 1."""
    return 2 * int(length / 2) + 1
