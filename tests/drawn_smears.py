"""Draws smears for the tests, with the true masks."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Place = tuple[float, float]

WHITE, YELLOW, GREY = (250, 246, 243), (248, 246, 158), (196, 196, 190)
# Share of each colour's light that passes.
NUCLEUS, CYTOPLASM, RED_CELL, PLATELET = (0.36, 0.20, 0.55), (0.72, 0.66, 0.88), (0.82, 0.62, 0.70), (0.6, 0.45, 0.75)
# The whole drawing is made this many times larger, then reduced, so that its edges are smooth.
FINER = 3


@dataclass
class Smear:
    """A drawn smear of ``side`` px; all places and radii are shares of the side."""

    side: int = 300
    background: Colour = WHITE
    uneven: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Begin with an empty field."""
        self._passing = np.ones((self.side * FINER, self.side * FINER, 3), np.float32)
        self.cell = np.zeros((self.side, self.side), np.bool_)
        self.nucleus = self.cell.copy()

    def red_cells(self, *places: Place, radius: float = 0.1) -> "Smear":
        """Draw red cells; light passes more easily in their middle."""
        for place in places:
            self._absorb([place], radius, RED_CELL)
            self._absorb([place], radius * 0.4, tuple(1 / share**0.5 for share in RED_CELL))
        return self

    def platelets(self, *places: Place, radius: float = 0.02) -> "Smear":
        """Draw platelets."""
        self._absorb(places, radius, PLATELET)
        return self

    def white_cell(
        self, place: Place = (0.5, 0.5), radius: float = 0.2, lobes: int = 1, nucleus: float = 0.7
    ) -> "Smear":
        """Draw a white cell over all else; the nucleus has a share of its radius, or so many small lobes."""
        row, column = place
        angles = np.arange(lobes) * 2 * np.pi / lobes
        away = 0.0 if lobes == 1 else 0.5 * radius
        centres = [(row + away * float(np.sin(angle)), column + away * float(np.cos(angle))) for angle in angles]
        size = radius * (nucleus if lobes == 1 else 0.3)
        whole = self._discs([place], radius)
        self._passing[whole] = CYTOPLASM
        self._absorb(centres, size, tuple(inner / outer for inner, outer in zip(NUCLEUS, CYTOPLASM, strict=True)))
        middle = slice(FINER // 2, None, FINER)
        self.cell |= whole[middle, middle]
        self.nucleus |= self._discs(centres, size)[middle, middle]
        return self

    def smudge(self, place: Place = (0.5, 0.5), radius: float = 0.25) -> "Smear":
        """Draw the pale rest of a broken nucleus, with ragged edges."""
        generator = np.random.default_rng(self.seed)
        places = [tuple(np.array(place) + generator.normal(0, radius / 2, 2)) for _ in range(40)]
        self._passing[self._discs(places, radius / 4)] = (0.6, 0.45, 0.7)
        return self

    def pixels(self) -> NDArray[np.uint8]:
        """Return the picture, with uneven light and noise."""
        picture = (self._passing.clip(0, 1) * 255).astype(np.uint8)
        small = Image.fromarray(picture).resize((self.side, self.side), Image.Resampling.BOX)
        passing = np.asarray(small.filter(ImageFilter.GaussianBlur(self.side / 300)), np.float32) / 255
        slope = np.linspace(-0.5, 0.5, self.side)
        light = 1 - self.uneven * (0.5 + slope[:, None] + slope[None]) / 1.5
        noise = np.random.default_rng(self.seed).normal(0, 2, passing.shape)
        return np.asarray((passing * np.array(self.background) * light[..., None] + noise).clip(0, 255), np.uint8)

    def _absorb(self, places: Iterable[Place], radius: float, passing: tuple[float, ...]) -> None:
        self._passing[self._discs(places, radius)] *= np.array(passing, np.float32)

    def _discs(self, places: Iterable[Place], radius: float) -> NDArray[np.bool_]:
        size = self.side * FINER
        picture = Image.new("1", (size, size))
        for row, column in places:
            box = [(column - radius) * size, (row - radius) * size, (column + radius) * size, (row + radius) * size]
            ImageDraw.Draw(picture).ellipse(box, fill=1)
        return np.asarray(picture)


def overlap(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """Intersection over union."""
    return float((found & true).sum() / (found | true).sum())
