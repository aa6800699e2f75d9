"""What lies around the white cell of a drawn smear: red cells, platelets, and another white cell at the rim."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.synthetic.outline import DIRECTIONS, FloatArray, Outline
from training.synthetic.smear_style import SmearStyle
from training.synthetic.texture import blur, texture

# Radii in micrometres, least and most: red cells are 6.6 to 8 micrometres wide, platelets 2 to 3.
_RED_CELL_UM = (3.3, 4.0)
_PLATELET_UM = (0.9, 1.5)
_THETA = np.linspace(-np.pi, np.pi, DIRECTIONS, endpoint=False)


def absorb(colour: FloatArray, style: SmearStyle) -> FloatArray:
    """Optical density, for red, green and blue, of an object that has this colour on the style's background."""
    return np.asarray(np.log(style.background / np.minimum(colour, style.background)), np.float32)


def add_red_cells(density: FloatArray, cell: Outline, style: SmearStyle, generator: np.random.Generator) -> None:
    """Draw red cells with central pallor around a white cell, some of which touch it or each other; in place."""
    side = len(density)
    placed: list[tuple[float, float, float]] = [(cell.row, cell.column, float(cell.radii.mean()))]
    reach = side / 2 + _RED_CELL_UM[0] / style.um_per_px
    for _ in range(12 * generator.poisson(style.crowding)):
        radius = generator.uniform(*_RED_CELL_UM) / style.um_per_px
        row, column = generator.uniform(-reach, reach, 2)
        # Cells lie beside each other in a thin smear, and overlap by little.
        if any(np.hypot(row - y, column - x) < 0.93 * (radius + r) for y, x, r in placed):
            continue
        placed.append((row, column, radius))
        place, outline = _around(_oval(row, column, radius, 0.05, generator), side)
        size = _window(outline)
        pallor = generator.uniform(0.35, 0.95) * style.pallor
        middle = replace(outline, radii=outline.radii * generator.uniform(0.42, 0.55)).coverage(size)
        depth = generator.uniform(0.85, 1.15) * (1 - pallor * blur(middle, 0.2 * radius))
        _add(density, place, absorb(style.red_cell, style) * (outline.coverage(size) * depth)[..., None])
        if len(placed) > 1.6 * style.crowding:
            break


def add_platelets(density: FloatArray, cell: Outline, style: SmearStyle, generator: np.random.Generator) -> None:
    """Draw a few platelets with violet granules beside a white cell; in place."""
    side = len(density)
    for _ in range(generator.poisson(1.4)):
        radius = generator.uniform(*_PLATELET_UM) / style.um_per_px
        row, column = generator.uniform(-side / 2, side / 2, 2)
        if np.hypot(row - cell.row, column - cell.column) < 1.1 * float(cell.radii.max()) + radius:
            continue
        place, outline = _around(_oval(row, column, radius, 0.2, generator), side)
        size = _window(outline)
        coverage = blur(outline.coverage(size), 0.1 / style.um_per_px)
        granules = 0.8 + 0.25 * texture(size, np.array([0.5, 1.0, 1.0, 0.4, 0.0, 0.0, 0.0]), 1.0, generator)
        _add(density, place, absorb(style.platelet, style) * (coverage * np.maximum(granules, 0.2))[..., None])


def place_at_rim(neighbour: Outline, cell: Outline, side: int, generator: np.random.Generator) -> Outline | None:
    """Move a white cell so that the image's rim cuts it off, and it lies beside the cell in the middle.

    Returns:
        The moved cell, or None if there is no room for it.
    """
    angle = generator.uniform(-np.pi, np.pi)
    # On the square whose sides are the rim.
    onto_rim = (side / 2) / max(abs(np.sin(angle)), abs(np.cos(angle))) * generator.uniform(0.9, 1.05)
    row, column = onto_rim * np.sin(angle), onto_rim * np.cos(angle)
    if np.hypot(row - cell.row, column - cell.column) < 1.02 * float(cell.radii.max() + neighbour.radii.max()):
        return None
    return replace(neighbour, row=float(row), column=float(column))


def _around(outline: Outline, side: int) -> tuple[tuple[int, int], Outline]:
    """Row and column of the pixel at an outline's centre, from the image's top left, and the outline around it."""
    row, column = round(outline.row), round(outline.column)
    return (row + side // 2, column + side // 2), replace(
        outline, row=outline.row - row, column=outline.column - column
    )


def _window(outline: Outline) -> int:
    """Side, an even number, of the window around an outline's centre that holds it and its blur."""
    return 2 * int(np.ceil(outline.reach()) + 4)


def _add(density: FloatArray, place: tuple[int, int], window: FloatArray) -> None:
    """Add a square window around a pixel to an image, as far as it lies on it; in place."""
    side, size = len(density), len(window)
    top, left = place[0] - size // 2, place[1] - size // 2
    rows, columns = (slice(max(start, 0), max(min(start + size, side), 0)) for start in (top, left))
    part = window[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    if part.size:
        density[rows, columns] += part


def _oval(row: float, column: float, radius: float, spread: float, generator: np.random.Generator) -> Outline:
    """A nearly round outline."""
    radii = np.full(DIRECTIONS, radius)
    for wave in (2, 3, 4):
        amplitude = spread * generator.normal(0.0, 1.0) / wave
        radii = radii * (1 + amplitude * np.cos(wave * _THETA + generator.uniform(0, 2 * np.pi)))
    return Outline(float(row), float(column), np.maximum(radii, 0.4 * radius))
