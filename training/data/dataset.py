"""Labelled cells of known subjects, loaded once into memory."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambda_fn.preprocessing import Background, Preprocessing
from lambda_fn.scale import TOLERATED_DIFFERENCE
from training.data.duplicates import photographs, same_texture, texture
from training.data.labelled_cell import LabelledCell
from training.data.measures import morphology_of
from training.data.reading import ReadCell, read_usable
from training.data.sources import find_cells
from training.data.subjects import groups_of
from training.errors import DatasetError

# In a manifest: digest of the cells that the figures were measured on. Older manifests have ``data_digest`` alone, of
# the same cells.
MEASURED_DIGEST = "measured_digest"


@dataclass(frozen=True)
class Dataset:
    """Cells in memory; entry i of every array belongs to ``names[i]``.

    Attributes:
        title: the data set's name, for people.
        names: the cells' names.
        pixels: uint8 array of shape (n, size, size, 3), 0 to 255: model input.
        is_all: boolean array of shape (n,), true for a leukaemic blast.
        subjects: string array of shape (n,).
        groups: integer array of shape (n,): subjects that share an image are one group, which no split may divide.
        digest: sha256 of all labels, subjects and decoded pixels; it does not depend on names of files.
        left_out: why each file that could not be used was left out, one line each.
        contents: sha256 of each image's decoded pixels.
        photographs: integer array of shape (n,): cells with the same number are the same cell, perhaps under two
            subjects, cut out twice, or stain-normalised twice.
        measured: float array of shape (n, quantities), in the order of ``morphology_facts.QUANTITIES``; NaN for what
            could not be measured. None if nothing was measured.
        uses: string array of shape (n,): a ``labelled_cell.Use`` each; None if all cells are used for everything.
        weights: float array of shape (n,): how many cells each stands for; None if each stands for itself.
        preprocessing: how the cells became model input, with the background and the scale that their images have. None
            for images that were never files.
    """

    title: str
    names: tuple[str, ...]
    pixels: NDArray[np.uint8]
    is_all: NDArray[np.bool_]
    subjects: NDArray[np.str_]
    groups: NDArray[np.int64]
    digest: str
    left_out: tuple[str, ...]
    contents: tuple[str, ...]
    photographs: NDArray[np.int64]
    measured: NDArray[np.float64] | None = None
    uses: NDArray[np.str_] | None = None
    weights: NDArray[np.float64] | None = None
    preprocessing: Preprocessing | None = None

    @property
    def is_measured_by(self) -> NDArray[np.bool_]:
        """Boolean array of shape (n,): the cells that figures are measured on."""
        return np.ones(len(self.names), np.bool_) if self.uses is None else self.uses == "all"

    @property
    def is_held_out(self) -> NDArray[np.bool_]:
        """Boolean array of shape (n,): the cells that folds hold out, to measure or to choose thresholds."""
        return np.ones(len(self.names), np.bool_) if self.uses is None else self.uses != "fitting"

    def part(self, chosen: NDArray[np.bool_]) -> "Dataset":
        """The cells that a mask chooses."""
        if chosen.all():
            return self
        labels = np.where(self.is_all, "ALL", "normal")
        cells = zip(labels[chosen], self.subjects[chosen], np.array(self.contents)[chosen], strict=True)
        return replace(
            self,
            names=tuple(np.array(self.names)[chosen].tolist()),
            pixels=self.pixels[chosen],
            is_all=self.is_all[chosen],
            subjects=self.subjects[chosen],
            groups=self.groups[chosen],
            digest=digest_of(cells),
            contents=tuple(np.array(self.contents)[chosen].tolist()),
            photographs=self.photographs[chosen],
            measured=None if self.measured is None else self.measured[chosen],
            uses=None if self.uses is None else self.uses[chosen],
            weights=None if self.weights is None else self.weights[chosen],
        )


def load(
    source: Path, preprocessing: Preprocessing, on_loaded: Callable[[int, int], None] = lambda done, total: None
) -> Dataset:
    """Read every cell of a source once.

    Args:
        source: an index, or any other source that ``find_cells`` reads.
        preprocessing: how pixels become model input. If it states a scale, images that state another are resampled to
            it, and all others are taken to have it.
        on_loaded: called after each file with the number of files read and their total.

    Returns:
        The data set; ``left_out`` names the files that could not be used. If some cells lie on black and others on
        smears, the fewer are left out: a model that is trained on one background is not for the other.

    Raises:
        DatasetError: there are no usable cells of both classes.
    """
    title, cells = find_cells(source)

    def prepare(read: ReadCell) -> _Prepared:
        pixels, measured = read.to_input(preprocessing), morphology_of(read.cell)
        return _Prepared(
            pixels, read.sha256, texture(read.cell, read.background), measured, read.background, read.um_per_px
        )

    usable, left_out = read_usable(cells, prepare, on_loaded)
    background, usable, of_other_background = _on_one_background(usable)
    left_out += of_other_background
    cells = [cell for cell, _ in usable]
    if len({cell.label for cell in cells}) < 2:
        raise DatasetError(f"{source}: too few files could be read. {left_out[0]}")
    inputs, contents, textures, measured, _, scales = zip(*(prepared for _, prepared in usable), strict=True)
    photograph_of = photographs(contents, same_texture(np.stack(textures)))
    return Dataset(
        title=title,
        names=tuple(cell.name for cell in cells),
        pixels=np.stack(inputs),
        is_all=np.array([cell.label == "ALL" for cell in cells]),
        subjects=np.array([cell.subject for cell in cells]),
        groups=groups_of(cells, photograph_of),
        digest=digest_of((cell.label, cell.subject, content) for cell, content in zip(cells, contents, strict=True)),
        left_out=tuple(left_out),
        contents=contents,
        photographs=photograph_of,
        measured=np.array(measured),
        uses=np.array([cell.use for cell in cells]),
        weights=np.array([cell.weight for cell in cells]),
        preprocessing=replace(
            preprocessing, background=background, um_per_px=preprocessing.um_per_px or common_scale(scales)
        ),
    )


class _Prepared(NamedTuple):
    pixels: NDArray[np.uint8]
    sha256: str
    texture: NDArray[np.float32]
    measured: list[float]
    background: Background
    um_per_px: float | None


def common_scale(scales: Iterable[float | None]) -> float | None:
    """Return the scale of images that all state nearly the same, micrometres a pixel; else None."""
    stated = sorted(scale or 0.0 for scale in scales)
    if not stated or not stated[0] or stated[-1] > stated[0] * (1 + TOLERATED_DIFFERENCE):
        return None
    return round(stated[len(stated) // 2], 6)


def _on_one_background(
    usable: list[tuple[LabelledCell, _Prepared]],
) -> tuple[Background, list[tuple[LabelledCell, _Prepared]], list[str]]:
    """Return the background of most cells, the cells on it, and one line for each other cell."""
    on_smears = sum(prepared.background == "smear" for _, prepared in usable)
    background: Background = "smear" if 2 * on_smears > len(usable) else "black"
    kept = [(cell, prepared) for cell, prepared in usable if prepared.background == background]
    others = [
        f"{cell.name}: It lies on {'black' if background == 'smear' else 'a smear'}, unlike most of the cells."
        for cell, prepared in usable
        if prepared.background != background
    ]
    return background, kept, others


def digest_of(cells: Iterable[tuple[str, str, str]]) -> str:
    """Digest of a data set: sha256 over label, subject and digest of the pixels of each cell, in the order of names."""
    lines = (f"{label}\t{subject}\t{pixels}\n" for label, subject, pixels in cells)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
