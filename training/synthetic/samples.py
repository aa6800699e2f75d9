"""Sample cells for people who have no images: draws single white blood cells and writes them with their labels."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt
from pathlib import Path

import numpy as np
from PIL import Image

from training.synthetic.cell import DrawnClass, draw_cell
from training.synthetic.smear import draw_smear
from training.synthetic.smear_names import ScaleName, StainName
from training.synthetic.smear_style import draw_smear_style
from training.synthetic.stain import draw_stain

LABELS_FILE = "labels.csv"
MICROMETRES_PER_INCH = 25_400
# Fewest subjects of a class, if it has as many cells.
_FEWEST_SUBJECTS = 3


@dataclass(frozen=True)
class SampleCell:
    """One cell that was drawn.

    Attributes:
        path: the image file.
        label: "all" (lymphoblast) or "hem" (normal B-lymphoid precursor).
        subject: the invented person that the cell is of; a subject has cells of one class in one stain.
    """

    path: Path
    label: DrawnClass
    subject: str


@dataclass(frozen=True)
class Smears:
    """How crops of smears are drawn.

    Attributes:
        stain: of all subjects; None draws one of two for each subject.
        scale: of all subjects; None draws one of two for each subject.
        masks: write the true masks beside the images, ``cell-0001.mask.png`` and so on: 0 around the cell, 128
            cytoplasm, 255 nucleus.
    """

    stain: StainName | None = None
    scale: ScaleName | None = None
    masks: bool = False


def write_samples(
    out: Path,
    count: int,
    seed: int = 0,
    on_drawn: Callable[[Path], None] | None = None,
    smears: Smears | None = None,
) -> list[SampleCell]:
    """Draw cells, half of each class, and write them with a table of their labels.

    Writes ``cell-0001.bmp``, ``cell-0002.bmp``, ... in random order of the classes, so that no label can be guessed
    from a name, and last ``labels.csv`` with the columns ``path`` (relative to ``out``), ``label`` and ``subject``.
    Cells on black are 24-bit BMP of 450 x 450 px. Crops of smears are PNG, whose resolution is the microscope's.

    Args:
        out: folder to write to; made if missing.
        count: number of cells, at least 1; if odd, one more is "all" than "hem".
        seed: not negative; the same seed and count give the same files, byte for byte.
        on_drawn: called with each image's path once it is written.
        smears: draw crops of smears in this way; None draws cells on black.

    Returns:
        The cells in the order of their names.

    Raises:
        ValueError: ``count`` is below 1 or ``seed`` is negative.
        FileExistsError: a file to be written exists already; then nothing is written.
    """
    if count < 1:
        raise ValueError(f"count is {count}, but at least 1 cell has to be drawn")
    if seed < 0:
        raise ValueError(f"seed is {seed}, but it must not be negative")
    cells = _plan(out, count, "png" if smears else "bmp", np.random.default_rng(seed))
    masks = [_mask_path(cell.path) for cell in cells] if smears and smears.masks else []
    for path in [*(cell.path for cell in cells), *masks, out / LABELS_FILE]:
        if path.exists():
            raise FileExistsError(f"{path} exists already and is not overwritten: choose another folder")
    out.mkdir(parents=True, exist_ok=True)

    of_subjects, of_cells = np.random.SeedSequence(seed).spawn(2)
    subjects = sorted({cell.subject for cell in cells})
    seeds = dict(zip(subjects, of_subjects.spawn(len(subjects)), strict=True))
    for cell, sequence in zip(cells, of_cells.spawn(count), strict=True):
        of_subject, of_cell = np.random.default_rng(seeds[cell.subject]), np.random.default_rng(sequence)
        if smears:
            _write_smear(cell, smears, of_subject, of_cell)
        else:
            with cell.path.open("xb") as file:
                Image.fromarray(draw_cell(cell.label, of_cell, draw_stain(of_subject))).save(file, format="BMP")
        if on_drawn:
            on_drawn(cell.path)
    _write_labels(out, cells)
    return cells


def _write_smear(
    cell: SampleCell, smears: Smears, of_subject: np.random.Generator, of_cell: np.random.Generator
) -> None:
    style = draw_smear_style(of_subject, smears.stain, smears.scale)
    drawn = draw_smear(cell.label, of_cell, style)
    with cell.path.open("xb") as file:
        dots_per_inch = MICROMETRES_PER_INCH / drawn.um_per_px
        Image.fromarray(drawn.pixels).save(file, format="PNG", dpi=(dots_per_inch, dots_per_inch))
    if smears.masks:
        with _mask_path(cell.path).open("xb") as file:
            Image.fromarray(drawn.mask).save(file, format="PNG")


def _mask_path(path: Path) -> Path:
    return path.with_suffix(".mask.png")


def _plan(out: Path, count: int, suffix: str, generator: np.random.Generator) -> list[SampleCell]:
    """Assign a class and a subject to each cell."""
    classes: tuple[tuple[DrawnClass, int], ...] = (("all", count - count // 2), ("hem", count // 2))
    deal: list[tuple[DrawnClass, str]] = []
    for label, cells in classes:
        subjects = max(_FEWEST_SUBJECTS, isqrt(cells))
        deal += [(label, f"synthetic-{label}-{number % subjects + 1:02d}") for number in range(cells)]
    digits = max(4, len(str(count)))
    return [
        SampleCell(out / f"cell-{number:0{digits}d}.{suffix}", *deal[position])
        for number, position in enumerate(generator.permutation(count), start=1)
    ]


def _write_labels(out: Path, cells: list[SampleCell]) -> None:
    with (out / LABELS_FILE).open("x", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["path", "label", "subject"])
        table.writerows([cell.path.relative_to(out).as_posix(), cell.label, cell.subject] for cell in cells)
