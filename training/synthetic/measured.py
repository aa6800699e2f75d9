"""Draws cells whose size, shape, clefts, spots, nucleus and vacuoles are known exactly, to test their measurement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.synthetic.outline import FloatArray
from training.synthetic.texture import blur, texture

# Side of an image, px, and the light of the background, grey levels.
SIDE = 300
_DIRECTIONS = 4096
_THETA = np.linspace(-np.pi, np.pi, _DIRECTIONS, endpoint=False)
# Chromatin, cytoplasm, pale spots and vacuoles in red, green and blue, grey levels.
_CHROMATIN, _CYTOPLASM, _VACUOLE = (96.0, 44.0, 112.0), (165.0, 130.0, 190.0), (225.0, 215.0, 225.0)
# Grain of the chromatin: strength of each band of texture, from fine to coarse.
_GRAIN = (0.3, 0.6, 1.2, 1.8, 1.2, 0.6, 0.3)


@dataclass(frozen=True)
class MeasuredCell:
    """A drawn cell, and what is known of it; places are (row, column), areas px.

    Attributes:
        pixels: RGB image on black, uint8 array of shape (SIDE, SIDE, 3).
        mask: the cell, boolean array of shape (SIDE, SIDE).
        area: of the outline's polygon.
        perimeter: of the polygon, px.
        solidity: area over the area of the polygon's convex hull.
        aspect: shorter over longer axis of the ellipse with the polygon's second moments.
        clefts: depth of each cleft below the hull, as a share of the diameter, the deepest first.
        nc_ratio: area of the nucleus over area of the cell; None if the nucleus fills the cell.
        pale_spots: centre and area at half height of each.
        vacuoles: centre and area of each.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    area: float
    perimeter: float
    solidity: float
    aspect: float
    clefts: tuple[float, ...]
    nc_ratio: float | None
    pale_spots: tuple[tuple[float, float, float], ...]
    vacuoles: tuple[tuple[float, float, float], ...]


def draw_measured_cell(generator: np.random.Generator, *, cytoplasm: bool) -> MeasuredCell:
    """Draw an ellipse with up to three clefts and up to four pale spots.

    Args:
        generator: source of all randomness.
        cytoplasm: draw a smaller nucleus to one side, and up to two vacuoles in the cytoplasm. Otherwise the nucleus
            fills the cell.
    """
    radius, stretch = generator.uniform(70, 110), generator.uniform(1.0, 1.25)
    turn, centre = generator.uniform(0, np.pi), (SIDE - 1) / 2 + generator.uniform(-5, 5, 2)
    along, across = np.cos(_THETA - turn) / stretch, np.sin(_THETA - turn) * stretch
    smooth = radius / np.hypot(along, across)
    radii = smooth * (1 - _notches(generator))
    outline = _polygon(centre, radii)
    area, hull = _area(outline), _hull(outline)
    diameter = float(np.sqrt(4 * area / np.pi))
    mask = _inside(centre, radii)

    nucleus, nucleus_mask = None, mask
    if cytoplasm:
        share, shift = generator.uniform(0.60, 0.80), generator.uniform(-1, 1, 2)
        nucleus = _polygon(centre + shift * 0.08 * radius, share * smooth)
        nucleus_mask = _inside(centre + shift * 0.08 * radius, share * smooth)
    pixels = np.empty((SIDE, SIDE, 3), np.float32)
    edge = blur(nucleus_mask.astype(np.float32), 1.2)[..., None]
    pixels[:] = np.array(_CHROMATIN) * edge + np.array(_CYTOPLASM) * (1 - edge)
    grain = texture(SIDE, np.array(_GRAIN), 1.0, generator)
    pixels += (grain * generator.uniform(1.5, 3.0))[..., None] * edge
    centre_of_nucleus = centre if nucleus is None else nucleus.mean(axis=0)
    reach = (0.55 if cytoplasm else 0.70) * radii.min() * (1 if nucleus is None else 0.9)
    spots = _places(generator, int(generator.integers(0, 5)), centre_of_nucleus, 0.0, reach, 0.22 * diameter)
    pale = [(*place, *_light_up(pixels, place, diameter, generator)) for place in spots]
    bubbles: list[tuple[float, float, float]] = []
    if nucleus is not None:
        bubbles = _draw_vacuoles(pixels, mask, nucleus_mask, diameter, generator)
    pixels += generator.normal(0, 1.0, pixels.shape)
    image = np.rint(np.clip(pixels, 20, 255)).astype(np.uint8)
    image[~mask] = 0
    return MeasuredCell(
        pixels=image,
        mask=mask,
        area=area,
        perimeter=float(np.hypot(*np.diff(outline, axis=0, append=outline[:1]).T).sum()),
        solidity=area / _area(outline[hull]),
        aspect=_aspect(outline),
        clefts=_clefts(outline, hull, diameter),
        nc_ratio=None if nucleus is None else _area(nucleus) / area,
        pale_spots=tuple(pale),
        vacuoles=tuple(bubbles),
    )


def _notches(generator: np.random.Generator) -> FloatArray:
    """Share of the radius that clefts take away, by direction."""
    notches = np.zeros(_DIRECTIONS)
    first, count = generator.uniform(-np.pi, np.pi), int(generator.integers(0, 4))
    for number in range(count):
        place = first + 2 * np.pi * number / 3
        offset = (_THETA - place + np.pi) % (2 * np.pi) - np.pi
        notches += generator.uniform(0.18, 0.45) * np.exp(-((offset / generator.uniform(0.06, 0.14)) ** 2))
    return notches


def _polygon(centre: FloatArray, radii: FloatArray) -> FloatArray:
    return np.stack([centre[0] + radii * np.sin(_THETA), centre[1] + radii * np.cos(_THETA)], axis=1)


def _inside(centre: FloatArray, radii: FloatArray) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[:SIDE, :SIDE] - np.asarray(centre)[:, None, None]
    angles = np.arctan2(rows, columns)
    return np.asarray(np.hypot(rows, columns) <= np.interp(angles, _THETA, radii, period=2 * np.pi))


def _area(polygon: FloatArray) -> float:
    rows, columns = polygon.T
    return float(abs(rows @ np.roll(columns, -1) - columns @ np.roll(rows, -1)) / 2)


def _hull(polygon: FloatArray) -> NDArray[np.intp]:
    """Corners of the convex hull, in the order of the polygon."""
    from scipy.spatial import ConvexHull

    return np.sort(ConvexHull(polygon).vertices)


def _aspect(polygon: FloatArray) -> float:
    """Ratio of the axes, from the second moments of the polygon's area as a fan of triangles around its centre."""
    middle = polygon.mean(axis=0)
    first = polygon - middle
    second = np.roll(first, -1, axis=0)
    weights = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2
    centroid = (weights @ (first + second)) / (3 * weights.sum())
    sums = np.einsum("n,ni,nj->ij", weights, first, first) + np.einsum("n,ni,nj->ij", weights, second, second)
    both = np.einsum("n,ni,nj->ij", weights, first + second, first + second)
    moments = (sums + both) / (12 * weights.sum()) - np.outer(centroid, centroid)
    shorter, longer = np.linalg.eigvalsh(moments)
    return float(np.sqrt(shorter / longer))


def _clefts(outline: FloatArray, hull: NDArray[np.intp], diameter: float) -> tuple[float, ...]:
    """Depth of every hollow from 0.01 of the diameter on, the deepest first."""
    depths = []
    for first, last in zip(hull, [*hull[1:], hull[0] + len(outline)], strict=True):
        points = outline[np.arange(first, last + 1) % len(outline)]
        along = points[-1] - points[0]
        offsets = points - points[0]
        depth = np.abs(offsets[:, 0] * along[1] - offsets[:, 1] * along[0]).max() / np.hypot(*along)
        depths.append(float(depth / diameter))
    return tuple(sorted((depth for depth in depths if depth > 0.01), reverse=True))


def _places(
    generator: np.random.Generator, count: int, centre: FloatArray, nearest: float, farthest: float, apart: float
) -> list[tuple[float, float]]:
    """Random places in a ring around a centre that are some distance apart; fewer if no more fit."""
    places: list[tuple[float, float]] = []
    for _ in range(200):
        if len(places) == count:
            break
        distance, angle = np.sqrt(generator.uniform(nearest**2, farthest**2)), generator.uniform(-np.pi, np.pi)
        place = float(centre[0] + distance * np.sin(angle)), float(centre[1] + distance * np.cos(angle))
        if all(np.hypot(place[0] - row, place[1] - column) >= apart for row, column in places):
            places.append(place)
    return places


def _light_up(
    pixels: FloatArray, place: tuple[float, float], diameter: float, generator: np.random.Generator
) -> tuple[float]:
    """Draw a pale spot with a Gaussian profile, in place; return its area at half height."""
    width, height = generator.uniform(0.025, 0.045) * diameter, generator.uniform(8, 20)
    rows, columns = np.ogrid[:SIDE, :SIDE]
    squared = (rows - place[0]) ** 2 + (columns - place[1]) ** 2
    pixels += (height * np.exp(-squared / (2 * width**2)))[..., None]
    return (float(2 * np.pi * np.log(2) * width**2),)


def _draw_vacuoles(
    pixels: FloatArray,
    mask: NDArray[np.bool_],
    nucleus: NDArray[np.bool_],
    diameter: float,
    generator: np.random.Generator,
) -> list[tuple[float, float, float]]:
    """Draw up to two bright discs into the cytoplasm, in place, if there is room; return centres and areas."""
    rows, columns = np.ogrid[:SIDE, :SIDE]
    radius = generator.uniform(0.035, 0.045) * diameter
    found: list[tuple[float, float, float]] = []
    room = blur((mask & ~nucleus).astype(np.float32), float(1.5 * radius))
    for _ in range(int(generator.integers(0, 3))):
        row, column = (int(value) for value in np.unravel_index(int(room.argmax()), room.shape))
        distance = np.hypot(rows - row, columns - column)
        if (~mask | nucleus)[distance <= 1.8 * radius].any():
            break
        cover = np.clip(radius - distance + 0.5, 0, 1)[..., None]
        pixels += (np.array(_VACUOLE) - pixels) * cover
        found.append((float(row), float(column), float(np.pi * radius**2)))
        room[distance <= 5 * radius] = 0
    return found
