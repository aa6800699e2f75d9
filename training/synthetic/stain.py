"""The stain of one subject's cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Stain:
    """How the cells of one subject are stained.

    Attributes:
        red: mean red of the nuclei; dark nuclei have less.
        green, blue: how far the nuclei differ from the green and blue that usually go with this red.
        background: RGB of the bright background, whose light blurs into the edge of a cell.
        cytoplasm: RGB of the cytoplasm.
        contrast: contrast of the chromatin, 1 for a median subject.
    """

    red: float
    green: float
    blue: float
    background: tuple[float, float, float]
    cytoplasm: tuple[float, float, float]
    contrast: float


def draw_stain(generator: np.random.Generator) -> Stain:
    """Draw the stain of one subject; stains vary between subjects as in C-NMC 2019."""
    red = 67.5 * np.exp(np.clip(generator.normal(0.0, 0.105), -0.15, 0.22))
    brightness = generator.normal()
    background = np.array([139.0, 87.0, 126.0]) + np.array([5.0, 7.0, 4.0]) * brightness
    background += generator.normal(0.0, 4.0, 3)
    cytoplasm = np.array([66.0, 53.0, 100.0]) + generator.normal(0.0, 4.0, 3)
    return Stain(
        red=float(red),
        green=float(generator.normal(0.0, 0.9)),
        blue=float(generator.normal(0.0, 1.9)),
        background=tuple(background.tolist()),
        cytoplasm=tuple(cytoplasm.tolist()),
        contrast=float(np.exp(0.018 * (red - 66.5) + generator.normal(0.0, 0.12))),
    )
