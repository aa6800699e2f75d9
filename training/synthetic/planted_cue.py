"""Drawn cells of one class, half of which hold a cue at a known place: the right answer for an explanation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambda_fn.cells import find_cell, square_around, to_model_input
from lambda_fn.preprocessing import Preprocessing
from training.synthetic.cell import draw_cell

# The cue: a disc of stripes, in pixels and grey levels. Stripes leave the mean colour as it is.
RADIUS = 24
PERIOD = 4
CONTRAST = 30


@dataclass(frozen=True)
class PlantedCells:
    """Drawn cells, every second one with a cue.

    Attributes:
        pixels: model input, uint8 of shape (n, size, size, 3).
        has_cue: boolean array of shape (n,).
        centres: row and column of the cue's centre in the model input, shape (n, 2); meaningless without a cue.
    """

    pixels: NDArray[np.uint8]
    has_cue: NDArray[np.bool_]
    centres: NDArray[np.int64]


def draw_planted_cells(count: int, preprocessing: Preprocessing, seed: int) -> PlantedCells:
    """Draw normal cells of many stains, and plant a cue inside every second one, anywhere but at the edge."""
    random = np.random.default_rng(seed)
    pixels, centres = [], []
    for number in range(count):
        image = draw_cell("hem", random)
        cell = find_cell(image)
        centre = _inside(cell.mask, random)
        top_left = np.array(square_around(cell, preprocessing))
        if number % 2:
            image = _plant(image, cell.mask, centre)
        pixels.append(to_model_input(find_cell(image), preprocessing))
        centres.append((centre - top_left) * preprocessing.size // preprocessing.crop)
    return PlantedCells(np.stack(pixels), np.arange(count) % 2 == 1, np.array(centres, np.int64))


def _inside(mask: NDArray[np.bool_], random: np.random.Generator) -> NDArray[np.int64]:
    """A random pixel whose disc lies in the cell."""
    rows, columns = np.nonzero(mask)
    while True:
        number = random.integers(len(rows))
        row, column = int(rows[number]), int(columns[number])
        reach = [(row - RADIUS, column), (row + RADIUS, column), (row, column - RADIUS), (row, column + RADIUS)]
        if all(0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x] for y, x in reach):
            return np.array([row, column])


def _plant(image: NDArray[np.uint8], mask: NDArray[np.bool_], centre: NDArray[np.int64]) -> NDArray[np.uint8]:
    rows, columns = np.indices(mask.shape)
    disc = np.hypot(rows - centre[0], columns - centre[1]) <= RADIUS
    stripes = np.where((rows + columns) % PERIOD < PERIOD // 2, CONTRAST, -CONTRAST)
    striped = np.clip(image.astype(np.int64) + stripes[..., None], 20, 255)
    return np.where((disc & mask)[..., None], striped, image).astype(np.uint8)
