"""The light that a smear absorbs: its background, which may be uneven, and optical densities against it.

A smear is examined on a grid: the mean colours of squares of the image, so that time and memory do not depend on its
size.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]

# Squares along the longer side of an image.
SQUARES = 160
# Added to levels before a logarithm is taken, so that noise in the dark has no weight.
DARK = 4
# The brightest level of green is that of this share of all squares: a few of them may be glare.
BRIGHTEST = 0.98
# Relative to the background's colour: first and second limit of the squares from which its light is estimated.
BACKGROUND_SPREAD = (0.12, 0.08)
# Share of the squares that a curved background needs, and the least for a background at all.
CURVED, LEAST = 0.25, 0.05


@dataclass(frozen=True)
class Light:
    """The optical densities of a smear on its grid.

    Attributes:
        field: side of a square, px of the image.
        red: density in red, 0 for the background, shape (rows, columns).
        green: the same in green.
        blue: the same in blue.
        noise: standard deviation of the background's density.
    """

    field: int
    red: Grey
    green: Grey
    blue: Grey
    noise: float

    @property
    def total(self) -> Grey:
        """The mean of the three densities."""
        return np.asarray((self.red + self.green + self.blue) / 3, np.float32)

    @property
    def nuclear(self) -> Grey:
        """A density that is high in nuclei: the dyes of a nucleus absorb red, haemoglobin and eosin hardly do."""
        return np.asarray(2 * self.red + self.green, np.float32)


def absorbed_light(pixels: NDArray[np.uint8]) -> Light:
    """Measure the optical densities of a smear.

    Args:
        pixels: uint8 array of shape (height, width, 3), 0 to 255, each side at least as long as a square.
    """
    field = max(1, math.ceil(max(pixels.shape[:2]) / SQUARES))
    colours = _smoothed(_means(pixels, field))
    density = np.log10((_background(colours) + DARK) / (colours + DARK))
    bright = density[density < 0]
    noise = float(np.sqrt((bright**2).mean())) if bright.size > 50 else 0.02
    density = np.maximum(density, 0).astype(np.float32)
    return Light(field, density[..., 0], density[..., 1], density[..., 2], noise)


def _means(pixels: NDArray[np.uint8], field: int) -> Grey:
    """Return the mean colour of each whole square of ``field`` pixels."""
    height, width = (length // field * field for length in pixels.shape[:2])
    rows = np.zeros((height // field, width, 3), np.float32)
    for offset in range(field):
        rows += pixels[offset:height:field, :width]
    means = np.zeros((height // field, width // field, 3), np.float32)
    for offset in range(field):
        means += rows[:, offset::field]
    return np.asarray(means / np.float32(field**2), np.float32)


def _smoothed(colours: Grey) -> Grey:
    """Weigh each square with its neighbours by 1, 2, 1 along rows and columns."""
    lines = np.concatenate([colours[:1], colours, colours[-1:]])
    lines = lines[:-2] + 2 * lines[1:-1] + lines[2:]
    lines = np.concatenate([lines[:, :1], lines, lines[:, -1:]], axis=1)
    return np.asarray((lines[:, :-2] + 2 * lines[:, 1:-1] + lines[:, 2:]) / 16, np.float32)


def _background(colours: Grey) -> Grey:
    """Return the colour that each square would have without a cell: a surface of second degree in rows and columns.

    It is fitted to the squares near the most frequent of the bright levels of green, then to those near the surface.
    """
    green = colours[..., 1]
    at = int(BRIGHTEST * (green.size - 1))
    brightest = int(np.partition(green, at, axis=None)[at])
    counts = np.bincount(green.astype(np.intp).ravel(), minlength=256).astype(np.float64)
    counts = np.convolve(counts, np.ones(9), "same")
    darkest = int(0.75 * brightest)
    mode = darkest + int(counts[darkest : brightest + 1].argmax())
    middle = colours[np.abs(green - mode) <= max(10.0, 0.07 * mode)].mean(axis=0)
    surface = np.broadcast_to(middle, colours.shape)
    rows = np.linspace(-1, 1, colours.shape[0], dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, colours.shape[1], dtype=np.float32)[None]
    products = (1, rows, columns, rows * rows, columns * columns, rows * columns)
    terms = np.stack([np.broadcast_to(np.float32(term), green.shape) for term in products], axis=-1)
    for spread in BACKGROUND_SPREAD:
        near = (np.abs(colours - surface) < spread * surface).all(axis=2)
        share = near.mean()
        if share < LEAST:
            break
        some = terms[near][::3, : 6 if share > CURVED else 3]
        number = some.shape[1]
        flat = np.diag([0.0] + [1e-3 * len(some)] * (number - 1))  # ridge: curved only if the squares say so
        weights = np.linalg.solve(some.T @ some + flat, some.T @ colours[near][::3])
        surface = np.clip(terms[..., :number] @ weights.astype(np.float32), 20, 255)
    return np.asarray(surface, np.float32)
