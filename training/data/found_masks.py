"""Writes where the cell was found on each image of a folder: a mask an image, and one contact sheet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lambda_fn.cells import Cell, find_cell
from lambda_fn.errors import RejectedImageError
from lambda_fn.folders import name_fault
from lambda_fn.images import decode
from lambda_fn.masks import shrink
from training.data.drawn_masks import CYTOPLASM, NUCLEUS
from training.files import appearing

CONTACT_SHEET = "contact-sheet.png"
# Side of a picture of the contact sheet, px; pictures in a row, and on the sheet.
TILE_PX, IN_ROW, MOST_SHOWN = 160, 8, 200
# Width of the outlines on a picture, px.
LINE = 2
OUTLINE, INNER_OUTLINE, NOTHING_FOUND = (255, 210, 0), (0, 255, 255), (220, 0, 0)
DOUBTFUL = "no_single_cell"


@dataclass(frozen=True)
class FoundMask:
    """What was found on one image.

    Attributes:
        name: path below the folder.
        problem: why no mask was written, or why the cell is doubtful; None for a cell without a doubt.
        written: whether a mask was written.
        on_smear: whether the background is that of an ordinary smear.
        has_nucleus: whether the nucleus could be told from cytoplasm.
        picture: the image with the outlines, at most ``TILE_PX`` a side.
    """

    name: str
    problem: str | None
    written: bool
    on_smear: bool
    has_nucleus: bool
    picture: Image.Image


def mask_path(out: Path, name: str) -> Path:
    """Path of the mask of an image: two images whose names differ in the suffix alone have two masks."""
    return out / f"{name}.png"


def write_masks(folder: Path, images: Sequence[Path], out: Path) -> Iterator[FoundMask]:
    """Find the cell on each image, and write its mask: 0 background, 128 cytoplasm, 255 nucleus.

    A cell without visible cytoplasm is 255 as a whole.

    Raises:
        OSError: a mask cannot be written.
    """
    for path in images:
        name = path.relative_to(folder).as_posix()
        blank = Image.new("RGB", (TILE_PX, TILE_PX), (90, 90, 90))
        if fault := name_fault(name):
            yield FoundMask(name, fault, False, False, False, blank)
            continue
        try:
            pixels = decode(path.read_bytes()).pixels
        except (RejectedImageError, OSError) as error:
            reason = error.message if isinstance(error, RejectedImageError) else error.strerror or str(error)
            yield FoundMask(name, reason, False, False, False, blank)
            continue
        try:
            cell = find_cell(pixels)
        except RejectedImageError as error:
            yield FoundMask(name, error.message, False, False, False, _picture(pixels, None))
            continue
        with appearing(mask_path(out, name)) as arriving:
            Image.fromarray(levels_of(cell)).save(arriving, format="PNG")
        problem = "The cell is cut off, or not the only one." if DOUBTFUL in cell.doubts else None
        yield FoundMask(name, problem, True, cell.on_smear, cell.nucleus is not None, _picture(pixels, cell))


def levels_of(cell: Cell) -> NDArray[np.uint8]:
    """Return the mask of a cell as levels, uint8 array of shape (height, width)."""
    nucleus = cell.mask if cell.nucleus is None else cell.nucleus
    return np.where(nucleus, NUCLEUS, np.where(cell.mask, CYTOPLASM, 0)).astype(np.uint8)


def contact_sheet(found: Sequence[FoundMask]) -> Image.Image:
    """Lay out the pictures, images without a cell first, then doubtful ones, each group in order."""
    ordered = sorted(found, key=lambda each: (each.written, each.problem is None))[:MOST_SHOWN]
    rows = -(-len(ordered) // IN_ROW)
    sheet = Image.new("RGB", (IN_ROW * TILE_PX, rows * (TILE_PX + 14)), (255, 255, 255))
    draw = ImageDraw.Draw(sheet)
    for number, each in enumerate(ordered):
        left, top = number % IN_ROW * TILE_PX, number // IN_ROW * (TILE_PX + 14)
        sheet.paste(each.picture, (left, top + 14))
        if each.problem:
            draw.rectangle((left, top + 14, left + TILE_PX - 1, top + 13 + TILE_PX), outline=NOTHING_FOUND, width=LINE)
        draw.text((left + 2, top + 1), each.name[-26:].encode("ascii", "replace").decode(), fill=(0, 0, 0))
    return sheet


def _picture(pixels: NDArray[np.uint8], cell: Cell | None) -> Image.Image:
    scale = TILE_PX / max(pixels.shape[:2])
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    picture = np.array(Image.fromarray(pixels).resize(size))
    if cell is not None:
        for mask, colour in ((cell.mask, OUTLINE), (cell.nucleus, INNER_OUTLINE)):
            if mask is not None:
                small = np.asarray(Image.fromarray(mask.astype(np.uint8) * 255).resize(size)) > CYTOPLASM
                picture[small & ~shrink(small, LINE)] = colour
    return Image.fromarray(picture)
