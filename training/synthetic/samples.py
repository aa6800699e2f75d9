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
from training.synthetic.stain import draw_stain

LABELS_FILE = "labels.csv"
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


def write_samples(
    out: Path, count: int, seed: int = 0, on_drawn: Callable[[Path], None] | None = None
) -> list[SampleCell]:
    """Draw cells, half of each class, and write them as 24-bit BMP of 450 x 450 px with a table of their labels.

    Writes ``cell-0001.bmp``, ``cell-0002.bmp``, ... in random order of the classes, so that no label can be guessed
    from a name, and last ``labels.csv`` with the columns ``path`` (relative to ``out``), ``label`` and ``subject``.

    Args:
        out: folder to write to; made if missing.
        count: number of cells, at least 1; if odd, one more is "all" than "hem".
        seed: not negative; the same seed and count give the same files, byte for byte.
        on_drawn: called with each image's path once it is written.

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
    cells = _plan(out, count, np.random.default_rng(seed))
    for path in [*(cell.path for cell in cells), out / LABELS_FILE]:
        if path.exists():
            raise FileExistsError(f"{path} exists already and is not overwritten: choose another folder")
    out.mkdir(parents=True, exist_ok=True)

    of_subjects, of_cells = np.random.SeedSequence(seed).spawn(2)
    subjects = sorted({cell.subject for cell in cells})
    stains = {
        subject: draw_stain(np.random.default_rng(sequence))
        for subject, sequence in zip(subjects, of_subjects.spawn(len(subjects)), strict=True)
    }
    for cell, sequence in zip(cells, of_cells.spawn(count), strict=True):
        pixels = draw_cell(cell.label, np.random.default_rng(sequence), stains[cell.subject])
        with cell.path.open("xb") as file:
            Image.fromarray(pixels).save(file, format="BMP")
        if on_drawn:
            on_drawn(cell.path)
    _write_labels(out, cells)
    return cells


def _plan(out: Path, count: int, generator: np.random.Generator) -> list[SampleCell]:
    """Assign a class and a subject to each cell."""
    classes: tuple[tuple[DrawnClass, int], ...] = (("all", count - count // 2), ("hem", count // 2))
    deal: list[tuple[DrawnClass, str]] = []
    for label, cells in classes:
        subjects = max(_FEWEST_SUBJECTS, isqrt(cells))
        deal += [(label, f"synthetic-{label}-{number % subjects + 1:02d}") for number in range(cells)]
    digits = max(4, len(str(count)))
    return [
        SampleCell(out / f"cell-{number:0{digits}d}.bmp", *deal[position])
        for number, position in enumerate(generator.permutation(count), start=1)
    ]


def _write_labels(out: Path, cells: list[SampleCell]) -> None:
    with (out / LABELS_FILE).open("x", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["path", "label", "subject"])
        table.writerows([cell.path.relative_to(out).as_posix(), cell.label, cell.subject] for cell in cells)
