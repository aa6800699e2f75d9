"""Measures of one cell: its size, shape, texture and colour."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from training.data.reading import ReadCell

MEASURES = (
    "diameter, px",
    "roundness",
    "fine texture",
    "red",
    "green",
    "blue",
    "brightness",
    "saturation",
    "contrast",
)


def measure(read: ReadCell) -> list[float]:
    """The measures of one cell, in the order of ``MEASURES``.

    Diameter is that of the circle of the mask's area. Roundness is the mask's area over that of the circle around its
    bounding box's longer side, 1 for a circle. Fine texture is the standard deviation, in grey levels, of what a
    Gaussian of 1 px keeps and one of 4 px does not: the grain of the chromatin. Colours are means over the cell, 0 to
    255; saturation is that of the mean colour, 0 to 1; contrast is the standard deviation of brightness, grey levels.
    """
    mask = read.cell.mask
    area = float(np.count_nonzero(mask))
    lit = [np.flatnonzero(mask.any(axis=axis)) for axis in (0, 1)]
    longest = max(int(places[-1] - places[0]) + 1 for places in lit)
    colours = read.cell.pixels[mask].astype(np.float64)
    red, green, blue = colours.mean(axis=0)
    brightness = colours.mean(axis=1)
    saturation = 1 - min(red, green, blue) / max(red, green, blue, 1e-9)
    return [
        float(np.sqrt(4 * area / np.pi)),
        float(area / (np.pi / 4 * longest**2)),
        _fine_texture(read.cell.pixels.mean(axis=2), mask),
        float(red),
        float(green),
        float(blue),
        float(brightness.mean()),
        float(saturation),
        float(brightness.std()),
    ]


def _fine_texture(brightness: NDArray[np.float64], mask: NDArray[np.bool_]) -> float:
    """Blurring within the mask: what lies outside counts nothing (Knutsson & Westin 1993, normalized convolution)."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    inside = mask[box].astype(np.float32)
    within = brightness[box].astype(np.float32) * inside
    fine, coarse = (
        gaussian_filter(within, sigma) / np.maximum(gaussian_filter(inside, sigma), 1e-6) for sigma in (1, 4)
    )
    return float((fine - coarse)[mask[box]].std())
