"""The part ``morphology`` of a result document: the cell in numbers.

All three packages read this module, so it imports the standard library alone.

Places are pixels of the upright image: ``x`` to the right, ``y`` downwards. ``not_measured`` gives the reason for each
number that is None. The definitions are those of ``lambda_fn.outlines`` and ``lambda_fn.stains``.
"""

from typing import Literal, TypedDict

# Why a number is missing. ``cytoplasm_not_visible``: the stain does not separate a nucleus from cytoplasm.
# ``too_thin``: nothing is left of the cell without its rim.
NotMeasured = Literal["cytoplasm_not_visible", "too_thin"]


class CleftFacts(TypedDict):
    """One cleft: its deepest place; depth and width of its opening as shares of the cell's diameter."""

    x: float
    y: float
    depth: float
    width: float


class CleftsFacts(TypedDict):
    """All clefts, the deepest first; ``deepest`` is 0 without clefts."""

    number: int
    deepest: float
    places: list[CleftFacts]


class SpotFacts(TypedDict):
    """One spot: its centre and its area."""

    x: float
    y: float
    area_px: int


class SpotsFacts(TypedDict):
    """All spots of a kind, the largest first, and their area together."""

    number: int
    area_px: int
    places: list[SpotFacts]


class MorphologyFacts(TypedDict):
    """The cell in numbers; None for what cannot be measured.

    ``touches_frame`` is true if the image cuts the cell: then all numbers are of the visible part.
    """

    cell_area_px: int
    equivalent_diameter_px: float
    perimeter_px: float
    circularity: float
    solidity: float
    aspect: float
    clefts: CleftsFacts
    chromatin_cv: float | None
    pale_spots: SpotsFacts | None
    separability: float | None
    nucleus_area_px: int | None
    nc_ratio: float | None
    vacuoles: SpotsFacts | None
    touches_frame: bool
    not_measured: dict[str, NotMeasured]
    um_per_px: float | None
    cell_area_um2: float | None
    equivalent_diameter_um: float | None


# A number for each cell, by the name of a column, and what it means.
QUANTITIES = {
    "cell_area_px": "area of the cell, px",
    "equivalent_diameter_px": "diameter of a circle with the cell's area, px",
    "perimeter_px": "length of the outline, px",
    "circularity": "4 pi area / perimeter², 1 for a circle",
    "solidity": "area over the area of the convex hull, 1 without hollows",
    "aspect": "shorter over longer axis, 1 for a circle",
    "cleft_count": "number of clefts in the outline",
    "deepest_cleft": "depth of the deepest cleft, share of the diameter",
    "chromatin_cv": "standard deviation over mean of the optical density in green",
    "pale_spot_count": "number of pale spots in the nucleus",
    "pale_spot_area_px": "area of all pale spots, px",
    "separability": "how well two classes describe the stain, 0 to 1 (Otsu)",
    "nucleus_area_px": "area of the nucleus, px",
    "nc_ratio": "area of the nucleus over area of the cell",
    "vacuole_count": "number of vacuoles",
}


def quantities(morphology: MorphologyFacts | None) -> dict[str, float | None]:
    """Return a number for each of ``QUANTITIES``; None for what was not measured."""
    if morphology is None:
        return dict.fromkeys(QUANTITIES)
    spots, vacuoles = morphology["pale_spots"], morphology["vacuoles"]
    return {
        "cell_area_px": morphology["cell_area_px"],
        "equivalent_diameter_px": morphology["equivalent_diameter_px"],
        "perimeter_px": morphology["perimeter_px"],
        "circularity": morphology["circularity"],
        "solidity": morphology["solidity"],
        "aspect": morphology["aspect"],
        "cleft_count": morphology["clefts"]["number"],
        "deepest_cleft": morphology["clefts"]["deepest"],
        "chromatin_cv": morphology["chromatin_cv"],
        "pale_spot_count": spots["number"] if spots else None,
        "pale_spot_area_px": spots["area_px"] if spots else None,
        "separability": morphology["separability"],
        "nucleus_area_px": morphology["nucleus_area_px"],
        "nc_ratio": morphology["nc_ratio"],
        "vacuole_count": vacuoles["number"] if vacuoles else None,
    }
