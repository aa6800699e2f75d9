"""Outlines of drawn cells: closed curves with the clefts, straight sides, corners and bites of segmented cells.

All positions are in px from the middle of the image, rows downwards and columns to the right; angles are in radians.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]

# Directions in which an outline's radius is known, and their angles.
DIRECTIONS = 1024
_THETA = np.linspace(-np.pi, np.pi, DIRECTIONS, endpoint=False)
# Px from the middle of the image that a cell may reach; the border is at 225.
_FARTHEST = 215.0


@dataclass(frozen=True)
class Outline:
    """A star-shaped region: its centre sees every point of it, so it is always in one piece.

    Attributes:
        row, column: the centre.
        radii: shape (DIRECTIONS,), px from the centre to the edge, for angles from -pi to pi.
    """

    row: float
    column: float
    radii: FloatArray

    def point_at(self, angle: float, share: float) -> tuple[float, float]:
        """Row and column of the point at ``share`` of the way (0 to 1) from the centre to the edge."""
        radius = share * np.interp(angle, _THETA, self.radii, period=2 * np.pi)
        return self.row + radius * np.sin(angle), self.column + radius * np.cos(angle)

    def reach(self) -> float:
        """Largest distance in px, along rows or columns, of the edge from the middle of the image."""
        rows, columns = self.row + self.radii * np.sin(_THETA), self.column + self.radii * np.cos(_THETA)
        return float(max(np.abs(rows).max(), np.abs(columns).max()))

    def coverage(self, size: int) -> FloatArray:
        """Share of each pixel that lies inside: shape (size, size) around the middle of the image, 0 to 1, float32."""
        pixels = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)
        down, right = (pixels - np.float32(self.row))[:, None], (pixels - np.float32(self.column))[None, :]
        turns = (np.arctan2(down, right) / np.float32(2 * np.pi) + np.float32(0.5)) * DIRECTIONS
        below = turns.astype(np.int32)
        part = turns - below
        below %= DIRECTIONS
        above = (below + 1) % DIRECTIONS
        radii = self.radii.astype(np.float32)
        radius = radii[below] * (1 - part) + radii[above] * part
        # A slanted edge is nearer than it looks along the radius.
        nearer = (1 / np.hypot(1.0, np.gradient(self.radii, _THETA) / self.radii)).astype(np.float32)
        inside = np.clip((radius - np.hypot(down, right)) * nearer[below] / 1.3 + 0.5, 0.0, 1.0)
        return np.where(inside > 0.15, inside**1.5, 0.0).astype(np.float32)


def draw_outline(area: float, raggedness: float, generator: np.random.Generator, *, segmented: bool = True) -> Outline:
    """Draw the outline of one cell whose bounding box lies in the middle of the image, give or take a few px.

    Args:
        area: px, of the region inside.
        raggedness: strength of the small irregularities; 1 is the median of real cells.
        generator: source of all randomness.
        segmented: add what a segmentation leaves at the edge of a cell that it cut out: straight sides, corners, bites.
    """
    radii = _wavy_circle(raggedness, generator)
    if segmented:
        radii = _add_irregularities(radii, raggedness, generator)
    radii *= np.sqrt(area / (np.pi * np.mean(radii**2)))
    down, right = radii * np.sin(_THETA), radii * np.cos(_THETA)
    row, column = np.clip(generator.normal(0.0, 4.5, 2), -10, 10)
    cell = Outline(row - (down.max() + down.min()) / 2, column - (right.max() + right.min()) / 2, radii)
    shrink = min(1.0, _FARTHEST / cell.reach())
    return Outline(cell.row * shrink, cell.column * shrink, cell.radii * shrink)


def draw_fragment(cell: Outline, generator: np.random.Generator) -> Outline:
    """Draw a piece of a neighbouring cell that a segmentation left attached; it overlaps the cell's edge."""
    size = 9.0 + generator.gamma(2.0, 8.0)
    angle = generator.uniform(-np.pi, np.pi)
    row, column = cell.point_at(angle, 1.0)
    # The centre lies less than the smallest radius outside the cell: cell and fragment touch.
    row, column = row + 0.3 * size * np.sin(angle), column + 0.3 * size * np.cos(angle)
    radii = size * _add_irregularities(_wavy_circle(generator.uniform(1.5, 3.0), generator), 3.0, generator)
    to_border = _FARTHEST + 4.0 - max(abs(row), abs(column))
    return Outline(row, column, np.minimum(np.maximum(radii, 0.45 * size), max(to_border, 1.0)))


def draw_nucleus(cell: Outline, cytoplasm: float, generator: np.random.Generator) -> Outline:
    """Draw the nucleus of a cell: the cell's smoothed outline, less a crescent of cytoplasm on one side.

    Args:
        cell: the outline of the whole cell.
        cytoplasm: px, width of the crescent where it is widest.
        generator: source of all randomness.
    """
    spectrum = np.fft.rfft(cell.radii)
    spectrum[12:] = 0
    smooth = np.fft.irfft(spectrum, DIRECTIONS)
    crescent = np.cos(_offsets(generator)) + 0.4 * np.cos(2 * _offsets(generator)) - 0.2
    return Outline(cell.row, cell.column, np.maximum(smooth + 5.0 - (cytoplasm + 5.0) * np.clip(crescent, 0, 1), 10.0))


def _offsets(generator: np.random.Generator) -> FloatArray:
    """Angles from a random direction, -pi to pi: shape (DIRECTIONS,)."""
    return (_THETA - generator.uniform(-np.pi, np.pi) + np.pi) % (2 * np.pi) - np.pi


def _wavy_circle(raggedness: float, generator: np.random.Generator) -> FloatArray:
    """Radii of a circle of radius 1 with a wavy edge: shape (DIRECTIONS,)."""
    wave = np.arange(2, 100)
    # Amplitudes of the radius' harmonics in C-NMC 2019 (doi 10.7937/tcia.2019.dc64i46r): medians 0.076 (wave 2),
    # 0.026 (4), 0.0095 (8), 0.0045 (14), 0.0013 (30), with a long tail.
    amplitude = 0.125 * wave**-1.45 * generator.rayleigh(1.0, wave.size) * np.exp(generator.normal(0.0, 0.3))
    amplitude[0] = min(1.5 * amplitude[0], 0.22)
    waves = amplitude * np.exp(1j * generator.uniform(0, 2 * np.pi, wave.size)) * DIRECTIONS / 2
    lobes, teeth = np.zeros((2, DIRECTIONS // 2 + 1), complex)
    lobes[2:8], teeth[8:100] = waves[:6], waves[6:] * raggedness * np.exp(-((wave[6:] / 60) ** 2))
    # One side of a cell is often smooth while another, towards a neighbour, is ragged.
    uneven = 0.9 + 0.6 * np.cos(_offsets(generator))
    return np.asarray(np.exp(np.fft.irfft(lobes, DIRECTIONS) + uneven * np.fft.irfft(teeth, DIRECTIONS)))


def _add_irregularities(radii: FloatArray, raggedness: float, generator: np.random.Generator) -> FloatArray:
    """Add irregularities of real cells: a cleft, a straight side, a tail, corners, bites. Radii are near 1.

    Their frequencies and sizes were judged by eye, beside cells of C-NMC 2019.
    """
    uniform = generator.uniform
    if generator.random() < 0.15:  # a cleft between two lobes
        depth, width = uniform(0.06, 0.3), uniform(0.07, 0.2)
        radii = radii - depth * np.exp(-((np.abs(_offsets(generator)) / width) ** 1.4))
    if generator.random() < 0.09:  # a straight side where the segmentation parted two cells
        radii = np.minimum(radii, uniform(0.76, 0.94) / np.maximum(np.cos(_offsets(generator)), 0.05))
    if generator.random() < 0.08:  # a tail
        radii = radii + uniform(0.1, 0.35) * np.exp(-np.abs(_offsets(generator)) / uniform(0.06, 0.2))
    for _ in range(generator.poisson(0.5 * raggedness)):  # corners
        radii = radii + uniform(0.01, 0.07) * np.exp(-((_offsets(generator) / uniform(0.03, 0.09)) ** 2))
    for _ in range(generator.poisson(0.6 * raggedness)):  # bites
        radii = radii - uniform(0.01, 0.06) * np.exp(-((_offsets(generator) / uniform(0.015, 0.06)) ** 4))
    return np.maximum(radii, 0.3)
