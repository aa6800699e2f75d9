"""Measure a cell: its size, the shape of its outline, and its stain."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambda_fn.contours import Hollow
from lambda_fn.morphology_facts import CleftFacts, CleftsFacts, MorphologyFacts, NotMeasured, SpotFacts, SpotsFacts
from lambda_fn.outlines import measure_outline
from lambda_fn.stains import Spot, measure_stain

# A cell with a longer side is measured on every second, third, ... pixel, so that time and memory stay bounded.
MAX_SIDE = 1024
# Fields that are None without a stain, and those that are None without a visible cytoplasm.
NEEDS_STAIN = ("chromatin_cv", "pale_spots", "separability")
NEEDS_CYTOPLASM = ("nucleus_area_px", "nc_ratio", "vacuoles")


class Grid(NamedTuple):
    """The pixels that are measured: every ``step``-th row and column from the first row and column of the cell on."""

    top: int
    left: int
    step: int

    def on_image(self, place: tuple[float, float]) -> tuple[float, float]:
        """Return x and y on the image, px, of a place of the grid."""
        row, column = place
        return round(self.left + column * self.step, 1), round(self.top + row * self.step, 1)


def measure(
    pixels: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    um_per_px: float | None = None,
    nucleus: NDArray[np.bool_] | None = None,
) -> MorphologyFacts | None:
    """Measure the cell on an image.

    Args:
        pixels: uint8 array of shape (height, width, 3), RGB, 0 to 255.
        mask: True for each pixel of the cell, boolean array of shape (height, width). Its largest piece is measured.
        um_per_px: micrometres a pixel; None if the scale is unknown.
        nucleus: its mask, of the same shape, if it was found by its colour; None to look for it in green.

    Returns:
        The numbers; None if the mask is empty.
    """
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return None
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    step = math.ceil(max(bottom - top, right - left) / MAX_SIDE)
    if not mask[top:bottom:step, left:right:step].any():  # thin lines lie between the pixels
        step = 1
    box = (slice(top, bottom, step), slice(left, right, step))
    at_frame = (top == 0, bottom == mask.shape[0], left == 0, right == mask.shape[1])
    outline = measure_outline(mask[box], at_frame)
    known = None if nucleus is None else nucleus[box]
    stain = measure_stain(pixels[box][..., 1], outline.body, outline.diameter, known)
    area, diameter = outline.area * step**2, outline.diameter * step
    grid = Grid(top, left, step)
    dark = stain.nucleus_area if stain else None
    missing: dict[str, NotMeasured] = {}
    if stain is None:
        missing = dict.fromkeys((*NEEDS_STAIN, *NEEDS_CYTOPLASM), "too_thin")
    elif dark is None:
        missing = dict.fromkeys(NEEDS_CYTOPLASM, "cytoplasm_not_visible")
    return {
        "cell_area_px": area,
        "equivalent_diameter_px": round(diameter, 2),
        "perimeter_px": round(outline.perimeter * step, 2),
        "circularity": round(outline.circularity, 4),
        "solidity": round(outline.solidity, 4),
        "aspect": round(outline.aspect, 4),
        "clefts": _clefts(outline.clefts, outline.diameter, grid),
        "chromatin_cv": round(stain.chromatin_cv, 4) if stain else None,
        "pale_spots": _spots(stain.pale_spots, grid) if stain else None,
        "separability": round(stain.separability, 4) if stain else None,
        "nucleus_area_px": dark * step**2 if dark is not None else None,
        "nc_ratio": round(min(1.0, dark / outline.area), 4) if dark is not None else None,
        "vacuoles": _spots(stain.vacuoles, grid) if stain and stain.vacuoles is not None else None,
        "touches_frame": any(at_frame),
        "not_measured": missing,
        "um_per_px": um_per_px,
        "cell_area_um2": round(area * um_per_px**2, 3) if um_per_px else None,
        "equivalent_diameter_um": round(diameter * um_per_px, 3) if um_per_px else None,
    }


def _clefts(clefts: tuple[Hollow, ...], diameter: float, grid: Grid) -> CleftsFacts:
    places: list[CleftFacts] = []
    for cleft in clefts:
        x, y = grid.on_image(cleft.place)
        places.append(
            {"x": x, "y": y, "depth": round(cleft.depth / diameter, 4), "width": round(cleft.width / diameter, 4)}
        )
    return {"number": len(places), "deepest": max((cleft["depth"] for cleft in places), default=0.0), "places": places}


def _spots(spots: tuple[Spot, ...], grid: Grid) -> SpotsFacts:
    places: list[SpotFacts] = []
    for spot in spots:
        x, y = grid.on_image(spot.place)
        places.append({"x": x, "y": y, "area_px": spot.area * grid.step**2})
    return {"number": len(places), "area_px": sum(spot["area_px"] for spot in places), "places": places}
