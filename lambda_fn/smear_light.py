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
# Every so many rows and columns of squares are used for the estimate, whose result has this level at least.
THINNED, DARKEST_BACKGROUND = 2, 20
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
    terms = _terms(green.shape)
    some = slice(None, None, THINNED), slice(None, None, THINNED)  # of all squares, to save time
    few, few_terms = colours[some], terms[some]
    surface = np.broadcast_to(middle, few.shape)
    weights = None
    for spread in BACKGROUND_SPREAD:
        near = (np.abs(few - surface) < spread * surface).all(axis=2)
        share = near.mean()
        if share < LEAST:
            break
        of_near = few_terms[near][:, : terms.shape[2] if share > CURVED else 3]
        number = of_near.shape[1]
        flat = np.diag([0.0] + [1e-3 * len(of_near)] * (number - 1))  # ridge: curved only if the squares say so
        weights = np.zeros((terms.shape[2], 3), np.float32)
        weights[:number] = np.linalg.solve(of_near.T @ of_near + flat, of_near.T @ few[near])
        surface = few_terms @ weights
    if weights is None:
        return np.broadcast_to(np.float32(middle), colours.shape)
    return np.asarray(np.clip(terms @ weights, DARKEST_BACKGROUND, 255), np.float32)


def _terms(shape: tuple[int, ...]) -> Grey:
    """Return 1, the row, the column and their products for each square, from -1 to 1: shape (rows, columns, 6)."""
    terms = np.ones((*shape, 6), np.float32)
    terms[..., 1] = np.linspace(-1, 1, shape[0])[:, None]
    terms[..., 2] = np.linspace(-1, 1, shape[1])
    for position, (one, other) in enumerate(((1, 1), (2, 2), (1, 2)), start=3):
        terms[..., position] = terms[..., one] * terms[..., other]
    return terms
