"""Draws crops of blood smears: one white cell with its cytoplasm among red cells and platelets, and its true masks.

Every object absorbs light, so colours are optical densities: the natural logarithm of background over colour, for red,
green and blue. Positions and radii are in px from the middle of the image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from training.synthetic.cell import DrawnClass
from training.synthetic.outline import FloatArray, Outline, draw_outline
from training.synthetic.smear_neighbours import absorb, add_platelets, add_red_cells, place_at_rim
from training.synthetic.smear_style import SmearStyle, draw_smear_style
from training.synthetic.texture import blur, skewed, texture

# Median diameter of the cell in micrometres, and its spread; and the share of the nucleus in the cell's area, least and
# most. Blasts are larger and have scant cytoplasm (Bennett et al. 1976, doi 10.1111/j.1365-2141.1976.tb03563.x).
_DIAMETER_UM = {"all": (12.5, 0.09), "hem": (10.5, 0.09)}
_NUCLEUS_SHARE = {"all": (0.70, 0.90), "hem": (0.52, 0.78)}
# Strength of each octave of the chromatin's texture, from .06 micrometres on: finer in blasts.
_CHROMATIN = {"all": (0.3, 1.0, 2.6, 3.4, 2.4, 1.2, 0.6), "hem": (0.1, 0.5, 1.6, 3.4, 3.8, 2.2, 0.9)}
_TEXTURE_UM = 0.06
# How far the middle of the cell may lie from the middle of the image, as a share of its side.
_OFF_CENTRE = 0.05


@dataclass(frozen=True)
class DrawnSmear:
    """A drawn crop of a smear, and what is true of it.

    Attributes:
        pixels: RGB image, uint8 array of shape (side, side, 3).
        cell: the white cell in the middle, boolean array of shape (side, side).
        nucleus: its nucleus, a part of ``cell``, of the same shape.
        um_per_px: micrometres a pixel.
        neighbour: whether another white cell is on the image, cut off by its rim.
    """

    pixels: NDArray[np.uint8]
    cell: NDArray[np.bool_]
    nucleus: NDArray[np.bool_]
    um_per_px: float
    neighbour: bool

    @property
    def mask(self) -> NDArray[np.uint8]:
        """0 for everything around the cell, 128 for cytoplasm, 255 for the nucleus: shape (side, side)."""
        return np.where(self.nucleus, 255, np.where(self.cell, 128, 0)).astype(np.uint8)


def draw_smear(label: str, generator: np.random.Generator, style: SmearStyle | None = None) -> DrawnSmear:
    """Draw one crop of a smear.

    Args:
        label: "all" for a lymphoblast of acute lymphoblastic leukaemia, "hem" for a normal B-lymphoid precursor.
        generator: source of all randomness; equal states draw equal images.
        style: the subject's smear; None draws one.

    Raises:
        ValueError: ``label`` is neither "all" nor "hem".
    """
    if label not in get_args(DrawnClass):
        raise ValueError(f"label is {label!r}, but only 'all' and 'hem' cells can be drawn")
    style = style or draw_smear_style(generator)
    side = style.side
    row, column = generator.uniform(-_OFF_CENTRE, _OFF_CENTRE, 2) * side
    cell = replace(_draw_white_cell_outline(label, style, generator), row=float(row), column=float(column))
    density = np.zeros((side, side, 3), np.float32)
    add_red_cells(density, cell, style, generator)
    add_platelets(density, cell, style, generator)
    neighbour = place_at_rim(_draw_white_cell_outline("hem", style, generator), cell, side, generator)
    has_neighbour = neighbour is not None and generator.random() < 0.3
    if neighbour is not None and has_neighbour:
        _add_white_cell(density, "hem", neighbour, style, generator)
    inside, nucleus = _add_white_cell(density, label, cell, style, generator)
    return DrawnSmear(
        pixels=_photograph(density, style, generator),
        cell=inside > 0.5,
        nucleus=(nucleus > 0.5) & (inside > 0.5),
        um_per_px=style.um_per_px,
        neighbour=has_neighbour,
    )


def _draw_white_cell_outline(label: str, style: SmearStyle, generator: np.random.Generator) -> Outline:
    median, spread = _DIAMETER_UM[label]
    diameter = median * np.exp(np.clip(generator.normal(0.0, spread), -0.2, 0.2)) / style.um_per_px
    return draw_outline(np.pi * diameter**2 / 4, 0.5, generator, segmented=False)


def _add_white_cell(
    density: FloatArray, label: str, cell: Outline, style: SmearStyle, generator: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Draw a white cell over everything that is there, in place; return the coverage of the cell and its nucleus."""
    side = len(density)
    inside = cell.coverage(side)
    nucleus = _draw_nucleus(label, cell, style, generator).coverage(side)
    margin = generator.uniform(0.2, 0.5) / style.um_per_px
    nucleus = nucleus * replace(cell, radii=np.maximum(cell.radii - margin, 1.0)).coverage(side)

    grain = texture(side, _bands(_CHROMATIN[label], style), 1.1, generator)
    chromatin = 1 + generator.uniform(0.10, 0.17) * skewed(-grain, 0.25)
    for _ in range(generator.poisson(1.6 if label == "all" else 0.4)):  # nucleoli
        chromatin = chromatin * (1 - generator.uniform(0.15, 0.3) * _spot(cell, style, side, generator))
    cloud = 1 + 0.10 * texture(side, np.array([0.0, 0.4, 0.8, 1.0, 1.0, 0.8, 0.0]), 1.0, generator)
    # Cytoplasm is darker towards the cell's edge, and paler around the nucleus.
    rim = 1.25 - 0.5 * blur(inside, 0.6 / style.um_per_px)
    depth = generator.uniform(1.05, 1.5) if label == "all" else generator.uniform(0.65, 1.05)
    cytoplasm = absorb(style.cytoplasm, style) * (depth * cloud * rim)[..., None]
    nuclear = absorb(style.nucleus, style) * (chromatin * generator.uniform(0.85, 1.15))[..., None]
    nuclear_edge = blur(nucleus, 0.08 / style.um_per_px)[..., None]
    white = cytoplasm + (nuclear - cytoplasm) * nuclear_edge
    density += (white - density) * inside[..., None]
    return inside, nucleus


def _draw_nucleus(label: str, cell: Outline, style: SmearStyle, generator: np.random.Generator) -> Outline:
    """Draw a nucleus that lies in its cell, to one side, sometimes with an indentation."""
    least, most = _NUCLEUS_SHARE[label]
    share = np.sqrt(generator.uniform(least, most))
    spectrum = np.fft.rfft(cell.radii)
    spectrum[10:] = 0
    radii = share * np.fft.irfft(spectrum, len(cell.radii))
    directions = np.linspace(-np.pi, np.pi, len(radii), endpoint=False)
    if generator.random() < 0.25:
        offset = (directions - generator.uniform(-np.pi, np.pi) + np.pi) % (2 * np.pi) - np.pi
        radii = radii * (1 - generator.uniform(0.08, 0.25) * np.exp(-((offset / generator.uniform(0.25, 0.6)) ** 2)))
    angle, shift = generator.uniform(-np.pi, np.pi), (1 - share) * float(cell.radii.mean()) * generator.uniform(0, 0.9)
    return Outline(cell.row + shift * np.sin(angle), cell.column + shift * np.cos(angle), radii)


def _spot(cell: Outline, style: SmearStyle, side: int, generator: np.random.Generator) -> FloatArray:
    row, column = cell.point_at(generator.uniform(-np.pi, np.pi), 0.6 * np.sqrt(generator.random()))
    radius = generator.uniform(0.5, 0.9) / style.um_per_px
    return blur(Outline(row, column, np.full(len(cell.radii), radius)).coverage(side), 0.3 * radius)


def _bands(octaves: tuple[float, ...], style: SmearStyle) -> FloatArray:
    """Move the octaves of a texture, which are given in micrometres, to px."""
    shift = np.log2(style.um_per_px / _TEXTURE_UM)
    places = np.arange(len(octaves))
    return np.asarray(np.interp(places + shift, places, octaves, right=0.0))


def _photograph(density: FloatArray, style: SmearStyle, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Light the objects unevenly, blur them as the optics do, and add the camera's noise."""
    side = len(density)
    along = np.linspace(-1, 1, side, dtype=np.float32)
    turn = generator.uniform(-np.pi, np.pi)
    slope = np.sin(turn) * along[:, None] + np.cos(turn) * along[None, :]
    vignette = (along[:, None] ** 2 + along[None, :] ** 2) / 2
    light = 1 - style.unevenness * (0.35 * (slope + 1.42) / 2.84 + 0.65 * vignette)
    grain = 1 + 0.006 * texture(side, np.array([0.0, 0.0, 0.3, 0.6, 1.0, 1.0, 1.0]), 1.0, generator)
    colours = style.background * (light * grain)[..., None] * np.exp(-density)
    image = Image.fromarray(np.rint(np.clip(colours, 0, 255)).astype(np.uint8))
    blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(style.blur_um / style.um_per_px)), np.float32)
    noise = generator.standard_normal(blurred.shape, dtype=np.float32) * np.float32(style.noise)
    return np.asarray(np.rint(np.clip(blurred + noise, 0, 255)), np.uint8)
