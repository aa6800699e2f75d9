"""The scale that a file states: micrometres a pixel, from its resolution.

Cameras and programs that know nothing of a microscope write the resolution of a screen or a printer, such as 72, 96 or
300 dots an inch. These are 85 to 350 micrometres a pixel, far more than a cell is wide, and are passed over.
"""

# A microscope's scale lies between these, in micrometres a pixel: a white blood cell, 7 to 20 micrometres wide, is at
# least 5 px and at most 1,000 px wide.
SMALLEST_STATED = 0.02
LARGEST_STATED = 2.0
# Pixels may be so much longer than wide, as a share: resolutions are rounded.
MAX_OBLONG = 0.01

MICROMETRES_PER_METRE = 1e6
# By the number of TIFF's ResolutionUnit; 1 is no unit.
MICROMETRES_PER_UNIT = {2: 25_400.0, 3: 10_000.0}


def um_per_px(pixels_across: float, pixels_down: float, micrometres: float) -> float | None:
    """Return the scale of pixels of which so many lie on a length; None if it is not that of a microscope.

    Args:
        pixels_across: pixels on the length, from left to right.
        pixels_down: the same from top to bottom; must agree.
        micrometres: the length.
    """
    if not (0 < pixels_across < float("inf") and 0 < pixels_down < float("inf")):
        return None
    if abs(pixels_across / pixels_down - 1) > MAX_OBLONG:
        return None
    scale = micrometres / pixels_across
    return scale if SMALLEST_STATED <= scale <= LARGEST_STATED else None
