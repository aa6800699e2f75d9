"""Measures of one cell: its size, shape, texture and colour."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from training.data.reading import ReadCell

# Names of the measures, as reports show them.
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
    """Measure one cell.

    Returns:
        Values in the order of ``MEASURES``:

        - diameter of a circle with the cell's area, pixels
        - roundness: the cell's area over the area of a circle as wide as the longer side of its bounding box; 1 for a
          circle
        - fine texture: the grain of the chromatin, as the standard deviation of detail between Gaussian blurs of 1 and
          4 px, grey levels
        - red, green, blue: means over the cell, 0 to 255
        - brightness: mean of the three, 0 to 255
        - saturation of the mean colour, 0 to 1
        - contrast: standard deviation of brightness, grey levels
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
    """Standard deviation of the detail between two blurs.

    Pixels outside the mask have no weight in the blurs (normalized convolution, Knutsson & Westin 1993).
    """
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    inside = mask[box].astype(np.float32)
    within = brightness[box].astype(np.float32) * inside
    fine, coarse = (
        gaussian_filter(within, sigma) / np.maximum(gaussian_filter(inside, sigma), 1e-6) for sigma in (1, 4)
    )
    return float((fine - coarse)[mask[box]].std())
