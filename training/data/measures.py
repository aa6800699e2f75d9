"""Measures of one cell: its morphology as the function measures it, its texture and colour."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from lambda_fn.cells import Cell
from lambda_fn.morphology import measure as measure_morphology
from lambda_fn.morphology_facts import QUANTITIES, quantities
from training.data.reading import ReadCell

# Names of the measures of an exploration, as reports show them; some are of the cell's morphology.
_OF_MORPHOLOGY = {
    "diameter, px": "equivalent_diameter_px",
    "circularity": "circularity",
    "solidity": "solidity",
    "aspect": "aspect",
    "deepest cleft": "deepest_cleft",
    "pale spots": "pale_spot_count",
    "chromatin variation": "chromatin_cv",
}
MEASURES = (*_OF_MORPHOLOGY, "fine texture", "red", "green", "blue", "brightness", "saturation", "contrast")


def morphology_of(cell: Cell) -> list[float]:
    """Return a number for each of ``QUANTITIES``, in their order; NaN for what cannot be measured."""
    values = quantities(measure_morphology(cell.pixels, cell.mask, nucleus=cell.nucleus))
    return [math.nan if (value := values[name]) is None else float(value) for name in QUANTITIES]


def measure(read: ReadCell) -> list[float]:
    """Measure one cell.

    Returns:
        Values in the order of ``MEASURES``:

        - morphology: see ``QUANTITIES``; 0 for what cannot be measured
        - fine texture: the grain of the chromatin, as the standard deviation of detail between Gaussian blurs of 1 and
          4 px, grey levels
        - red, green, blue: means over the cell, 0 to 255
        - brightness: mean of the three, 0 to 255
        - saturation of the mean colour, 0 to 1
        - contrast: standard deviation of brightness, grey levels
    """
    mask = read.cell.mask
    morphology = dict(zip(QUANTITIES, morphology_of(read.cell), strict=True))
    colours = read.cell.pixels[mask].astype(np.float64)
    red, green, blue = colours.mean(axis=0)
    brightness = colours.mean(axis=1)
    saturation = 1 - min(red, green, blue) / max(red, green, blue, 1e-9)
    return [
        *(float(np.nan_to_num(morphology[name])) for name in _OF_MORPHOLOGY.values()),
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
