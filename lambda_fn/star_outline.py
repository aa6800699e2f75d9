"""The best outline around a point that each ray from the point crosses once."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

RAYS, STEPS = 96, 64
# Steps by which the outline moves between neighbouring rays at most. A move by one step costs this, by two four times.
MOST_MOVED, COST_OF_MOVE = 3, 0.4


@dataclass(frozen=True)
class Rays:
    """Places along rays from a point of a grid.

    Attributes:
        centre: (row, column) of the point.
        angles: of each ray, shape (rays,).
        radii: distance of each place from the point, shape (steps,).
        rows: of each place, shape (rays, steps), within the grid.
        columns: the same.
        outside: True for a place beyond the grid; its row and column are the nearest within.
    """

    centre: tuple[float, float]
    angles: NDArray[np.float64]
    radii: NDArray[np.float64]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    outside: NDArray[np.bool_]


def rays_from(centre: tuple[float, float], shape: tuple[int, int], reach: float) -> Rays:
    """Lay rays from a point over a grid, as far as its farthest corner or ``reach``."""
    corner = math.hypot(*(max(at, length - at) for at, length in zip(centre, shape, strict=True)))
    radii = np.linspace(0.5, min(corner, reach), STEPS)
    angles = np.arange(RAYS) * 2 * np.pi / RAYS
    rows = np.rint(centre[0] + np.sin(angles)[:, None] * radii).astype(np.intp)
    columns = np.rint(centre[1] + np.cos(angles)[:, None] * radii).astype(np.intp)
    outside = (rows < 0) | (rows >= shape[0]) | (columns < 0) | (columns >= shape[1])
    return Rays(centre, angles, radii, rows.clip(0, shape[0] - 1), columns.clip(0, shape[1] - 1), outside)


def best_outline(gain: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the step at which the outline crosses each ray, so that the gains less the cost of moves are greatest.

    Dynamic programming from ray to ray, twice around; the middle of the second part is taken, so that the outline
    closes (Chan-Vese energy of a star-shaped region; Veksler 2008, ECCV, "Star shape prior for graph-cut").

    Args:
        gain: of an outline that crosses this ray at this step, shape (rays, steps).

    Returns:
        Integer array of shape (rays,).
    """
    rays, steps = gain.shape
    moves = np.arange(-MOST_MOVED, MOST_MOVED + 1)
    costs = (COST_OF_MOVE * moves**2)[:, None]
    places = np.arange(steps)
    padded = np.full(steps + 2 * MOST_MOVED, -1e9)
    before = np.lib.stride_tricks.sliding_window_view(padded, steps)  # row i holds the sums i - MOST_MOVED steps on
    sums = gain[0]
    taken = np.empty((2 * rays - 1, steps), np.intp)
    for ray in range(1, 2 * rays):
        padded[MOST_MOVED:-MOST_MOVED] = sums
        choices = before - costs
        best = choices.argmax(axis=0)
        taken[ray - 1] = best - MOST_MOVED
        sums = choices[best, places] + gain[ray % rays]
    step = int(sums.argmax())
    crossed = np.empty(2 * rays, np.intp)
    crossed[-1] = step
    for ray in range(2 * rays - 2, -1, -1):
        step += int(taken[ray, step])
        crossed[ray] = step
    half = rays // 2
    return np.roll(crossed[half : half + rays], half)


def inside_of(rays: Rays, crossed: NDArray[np.intp], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Mark the part of a grid within an outline."""
    radii = rays.radii[crossed] + (rays.radii[1] - rays.radii[0]) / 2
    rows = rays.centre[0] + np.sin(rays.angles) * radii
    columns = rays.centre[1] + np.cos(rays.angles) * radii
    picture = Image.new("1", (shape[1], shape[0]))
    ImageDraw.Draw(picture).polygon(list(zip(columns.tolist(), rows.tolist(), strict=True)), fill=1)
    return np.asarray(picture)
