"""Draws single white blood cells, for people who have no images of real ones.

The figures were measured on C-NMC 2019 (doi 10.7937/tcia.2019.dc64i46r), or set so that size, colour, texture and edge
of drawn cells are distributed like those of its cells. Colours are in grey levels, 0 to 255.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from training.synthetic.outline import FloatArray, Outline, draw_fragment, draw_nucleus, draw_outline
from training.synthetic.stain import Stain, draw_stain
from training.synthetic.texture import blend, blur, skewed, texture

# A lymphoblast of acute lymphoblastic leukaemia, or a normal B-lymphoid precursor; the words of C-NMC 2019.
DrawnClass = Literal["all", "hem"]

# Height and width of an image in px, as in C-NMC 2019.
IMAGE_SIZE = 450
# Px around a cell that stay empty while it is drawn.
_MARGIN = 12

# How strongly each band of texture shows. Chromatin is finer in blasts and more clumped in normal precursors. Density
# is the thickness of the stain, which changes slowly across a nucleus. Unevenness is of the haze at a cell's edge.
_CHROMATIN = {"all": (0.0, 0.2, 1.9, 3.7, 2.9, 1.6, 0.8), "hem": (0.0, 0.1, 1.4, 3.7, 3.3, 1.8, 0.8)}
_DENSITY = (0.0, 0.0, 0.0, 0.1, 1.0, 2.6, 4.0)
_UNEVENNESS = (0.0, 0.0, 0.0, 0.0, 0.3, 1.0, 0.0)

# What one grey level more of red brings in red, green and blue.
_CHROMATIN_RGB = {"all": (1.0, 0.51, 0.23), "hem": (1.0, 0.42, 0.21)}
_DENSITY_RGB = (0.9, 0.6, 0.8)
_PALE_SPOT_RGB = (1.0, 0.95, 0.5)
_CENTRE_RGB = (10.0, 2.5, 2.5)
_SHADE_RGB = (20.0, 9.0, 8.0)

# How far the light of the background reaches into a cell, px for red, green and blue.
_HAZE = (5.4, 6.0, 8.5)

_NOISE_RGB = (0.26, 0.18, 0.27)
_COMMON_NOISE = 0.22

# Pieces of neighbours: an erythrocyte, cytoplasm, a pale nucleus.
_FRAGMENT_RGB = ((86.0, 60.0, 68.0), (72.0, 58.0, 88.0), (88.0, 57.0, 84.0))


def draw_cell(label: str, generator: np.random.Generator, stain: Stain | None = None) -> NDArray[np.uint8]:
    """Draw one segmented cell on black.

    Args:
        label: "all" for a lymphoblast of acute lymphoblastic leukaemia, "hem" for a normal B-lymphoid precursor.
        generator: source of all randomness; equal states draw equal cells.
        stain: the subject's stain; None draws one.

    Returns:
        RGB image, shape (450, 450, 3). Outside the cell every channel is 0.

    Raises:
        ValueError: ``label`` is neither "all" nor "hem".
    """
    if label not in get_args(DrawnClass):
        raise ValueError(f"label is {label!r}, but only 'all' and 'hem' cells can be drawn")
    stain = stain or draw_stain(generator)
    area = _draw_area(label, generator)
    raggedness = min((1.0 if label == "all" else 0.7) * np.exp(generator.normal(0.0, 0.5)), 1.8)
    cell = draw_outline(area, raggedness, generator)
    nucleus = draw_nucleus(cell, max(0.0, generator.normal(2.0, 7.0)), generator)
    fragment = draw_fragment(cell, generator) if generator.random() < 0.12 else None

    reach = max(outline.reach() for outline in (cell, fragment) if outline)
    size = min(IMAGE_SIZE, 2 * int(np.ceil(reach / 6) * 6 + _MARGIN))
    mask = cell.coverage(size)
    pixels = _draw_nucleus_pixels(label, cell, mask, stain, generator)
    pixels = blend(pixels, stain.cytoplasm, blur(nucleus.coverage(size), generator.uniform(1.5, 4.0)))
    if fragment:
        attached = fragment.coverage(size)
        pixels -= blur(attached, 9.0)[..., None] * np.array(_SHADE_RGB, np.float32) * np.float32(generator.random())
        colour = np.array(generator.choice(_FRAGMENT_RGB)) + generator.normal(0.0, 4.0)
        pixels = blend(pixels, colour, blur(mask, 1.5))
        if generator.random() < 0.6:  # else the neighbour was cut off and only its shade is left
            mask = np.maximum(mask, attached)
    _let_light_in(pixels, mask, stain, generator)
    _add_noise(pixels, generator)

    image = np.zeros((IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)
    start = (IMAGE_SIZE - size) // 2
    image[start : start + size, start : start + size] = np.rint(np.clip(pixels, 6, 255) * mask[..., None])
    return image


def _draw_area(label: str, generator: np.random.Generator) -> float:
    """Area of a cell in px. Normal precursors come in two sizes; the larger one is as large as many blasts."""
    if label == "all":
        median, spread = 36_500, 0.19
    else:
        median, spread = (24_000, 0.18) if generator.random() < 0.68 else (34_500, 0.18)
    return float(np.clip(median * np.exp(generator.normal(0.0, spread)), 13_000, 56_000))


def _draw_nucleus_pixels(
    label: str, cell: Outline, mask: FloatArray, stain: Stain, generator: np.random.Generator
) -> FloatArray:
    """Draw stained chromatin over the whole image: shape (size, size, 3), float32."""
    size = mask.shape[0]
    red = stain.red * np.exp(np.clip(generator.normal(0.0, 0.105), -0.15, 0.25))
    red += 2e-4 * (np.pi * np.mean(cell.radii**2) - 31_000)  # larger nuclei are paler
    more = red - 67.5
    green = 26.6 + 0.5 * more + 0.004 * more**2 + stain.green + generator.normal(0.0, 1.2)
    blue = 76.5 + 0.75 * more + stain.blue + generator.normal(0.0, 2.0)

    contrast = min(stain.contrast * np.exp(0.012 * (red - stain.red) + generator.normal(0.0, 0.2)), 1.6)
    redder, greener, bluer = _CHROMATIN_RGB[label]
    greener *= generator.uniform(0.7, 1.25)
    focus = generator.normal(0.0, 0.22)
    bands = np.array(_CHROMATIN[label]) * np.exp(focus * np.array([1.3, 1.0, 0.7, 0.2, 0.0, 0.0, 0.0]))
    chromatin = texture(size, bands, 1 + abs(generator.normal(0.0, 0.15)), generator)
    skew = generator.uniform(0.12, 0.3)  # there are more light gaps than dark clumps
    chromatin = skewed(chromatin, skew) * np.linalg.norm(bands)
    density = skewed(texture(size, np.array(_DENSITY), 1.0, generator), skew / 2) * np.linalg.norm(_DENSITY)
    density *= np.exp(generator.normal(0.0, 0.35))
    to_centre = blur(mask, 0.35 * float(cell.radii.mean())) - 0.85

    pixels = np.empty((size, size, 3), np.float32)
    centre = max(generator.normal(1.3 if label == "all" else 1.9, 1.1), 0.0)
    spots = _pale_spots(size, cell, generator)
    colours = zip((red, green, blue), (redder, greener, bluer), strict=True)
    for channel, (base, chromatin_colour) in enumerate(colours):
        pixels[..., channel] = (
            base
            + contrast * chromatin_colour * chromatin
            + contrast * _PALE_SPOT_RGB[channel] * spots
            + _DENSITY_RGB[channel] * density
            + centre * _CENTRE_RGB[channel] * to_centre
        )
    return pixels


def _pale_spots(size: int, cell: Outline, generator: np.random.Generator) -> FloatArray:
    """Light of nucleoli and gaps in the chromatin (small) and of vacuoles (large, flat): shape (size, size)."""
    spots = np.zeros((size, size), np.float32)
    pixels = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)
    for _ in range(generator.poisson(generator.gamma(1.5, 2.8))):
        row, column = cell.point_at(generator.uniform(-np.pi, np.pi), 0.85 * np.sqrt(generator.random()))
        is_vacuole = generator.random() < 0.16
        radius = generator.uniform(7, 14) if is_vacuole else generator.uniform(2.5, 6.0)
        height = generator.uniform(4, 10) if is_vacuole else min(4 + generator.exponential(6.5), 30)
        long, turn = np.sqrt(generator.uniform(1.0, 1.8)), generator.uniform(0, np.pi)
        down, right = (pixels - np.float32(row))[:, None], (pixels - np.float32(column))[None, :]
        along = (np.cos(turn) * right + np.sin(turn) * down) / (radius * long)
        across = (np.cos(turn) * down - np.sin(turn) * right) / (radius / long)
        distance = (along**2 + across**2) / 2
        spots += height * np.exp(-(distance**2) if is_vacuole else -distance)
    return spots


def _let_light_in(pixels: FloatArray, mask: FloatArray, stain: Stain, generator: np.random.Generator) -> None:
    """Blur the bright background into the edge, as the microscope did before the cell was cut out; in place."""
    uneven = 1 + 0.35 * texture(mask.shape[0], np.array(_UNEVENNESS), 1.0, generator)
    for channel, (sigma, light) in enumerate(zip(_HAZE, stain.background, strict=True)):
        haze = np.clip((1 - blur(mask, sigma)) * uneven, 0, 1)
        pixels[..., channel] += (light - pixels[..., channel]) * haze


def _add_noise(pixels: FloatArray, generator: np.random.Generator) -> None:
    """Add the camera's noise, in part common to the channels, as the interpolation left it; in place."""
    size = pixels.shape[0]
    strength = np.exp(generator.normal(0.0, 0.25))
    noise = generator.standard_normal((size, size, 4), dtype=np.float32)
    coarse = generator.standard_normal((size // 2, size // 2, 4), dtype=np.float32)
    noise = (noise + 0.9 * coarse.repeat(2, axis=0).repeat(2, axis=1)) * np.float32(strength)
    noise += np.roll(noise, 1, axis=0)
    noise += np.roll(noise, 1, axis=1)
    pixels += noise[..., :3] * np.array(_NOISE_RGB, np.float32) + noise[..., 3:] * np.float32(_COMMON_NOISE)
