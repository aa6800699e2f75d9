"""The stain, the light and the scale of one subject's smear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.synthetic.outline import FloatArray
from training.synthetic.smear_names import SCALES, STAINS, ScaleName, StainName

# Micrometres a pixel. A camera on a 100x objective records about .1, on a 60x objective about .16.
UM_PER_PX: dict[ScaleName, float] = {"fine": 0.1, "coarse": 0.16}
# Width of the field that an image shows, micrometres: a cell with its nearest neighbours.
FIELD_UM = 30.0

# RGB, 0 to 255, of each stain's background, red cells, cytoplasm, nuclei and platelets, set by eye: Wright's stain
# gives blue-violet nuclei on a white ground, May-Gruenwald's gives red-violet ones on a yellowish ground.
_COLOURS: dict[StainName, tuple[tuple[float, float, float], ...]] = {
    "wright": ((236, 232, 230), (221, 181, 176), (168, 184, 222), (104, 62, 142), (166, 128, 184)),
    "may-gruenwald": ((232, 224, 196), (206, 172, 146), (158, 154, 196), (122, 54, 118), (168, 116, 158)),
}


@dataclass(frozen=True)
class SmearStyle:
    """How the smear of one subject looks; colours are RGB, 0 to 255, of shape (3,).

    Attributes:
        um_per_px: micrometres a pixel.
        background, red_cell, cytoplasm, nucleus, platelet: colours, at the middle of an evenly lit image.
        unevenness: how much darker the darkest corner is, as a share of the light.
        pallor: how pale the middle of a red cell is, as a share of its colour, for the palest cells.
        crowding: mean number of red cells on an image.
        blur_um: sigma of the optics' blur, micrometres.
        noise: standard deviation of the camera's noise, grey levels.
    """

    um_per_px: float
    background: FloatArray
    red_cell: FloatArray
    cytoplasm: FloatArray
    nucleus: FloatArray
    platelet: FloatArray
    unevenness: float
    pallor: float
    crowding: float
    blur_um: float
    noise: float

    @property
    def side(self) -> int:
        """Height and width of an image in px."""
        return round(FIELD_UM / self.um_per_px / 2) * 2


def draw_smear_style(
    generator: np.random.Generator, stain: StainName | None = None, scale: ScaleName | None = None
) -> SmearStyle:
    """Draw the style of one subject's smear.

    Args:
        generator: source of all randomness.
        stain: the stain; None draws one of two.
        scale: the scale; None draws one of two.
    """
    drawn = STAINS[int(generator.integers(len(STAINS)))], SCALES[int(generator.integers(len(SCALES)))]
    colours = np.array(_COLOURS[stain or drawn[0]], np.float64)
    # Batches of a stain differ in strength, smears in thickness, and cameras in their white balance.
    strength = np.exp(generator.normal(0.0, 0.08))
    colours = colours[0] * (colours / colours[0]) ** strength + generator.normal(0.0, 2.0, colours.shape)
    colours *= 1 + np.clip(generator.normal(0.0, 0.012, 3), -0.03, 0.03)
    background, red_cell, cytoplasm, nucleus, platelet = np.clip(colours, 20, 250)
    return SmearStyle(
        um_per_px=UM_PER_PX[scale or drawn[1]],
        background=background,
        red_cell=red_cell,
        cytoplasm=cytoplasm,
        nucleus=nucleus,
        platelet=platelet,
        unevenness=float(generator.uniform(0.03, 0.14)),
        pallor=float(generator.uniform(0.5, 1.0)),
        crowding=float(generator.uniform(4.0, 13.0)),
        blur_um=float(generator.uniform(0.08, 0.14)),
        noise=float(generator.uniform(0.8, 2.0)),
    )
