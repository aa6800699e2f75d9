"""Images of cells with masks that people drew: what the finder of cells is judged on."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lambda_fn.errors import RejectedImageError
from lambda_fn.folders import IMAGE_SUFFIXES
from lambda_fn.images import decode
from training.errors import DatasetError

# A mask lies beside its image and has this end in place of the image's.
MASK_SUFFIX = ".mask.png"
KINDS_FILE = "labels.csv"
UNKNOWN_KIND = "unknown"
# Levels of a mask: background, cytoplasm, nucleus.
CYTOPLASM, NUCLEUS = 128, 255


@dataclass(frozen=True)
class DrawnCell:
    """An image of one cell with the masks that a person drew.

    Attributes:
        name: path below the folder.
        data_set: path of its folder below the folder that was searched.
        kind: of the cell, from the folder's ``labels.csv``; ``unknown`` without a line there.
        pixels: uint8 array of shape (height, width, 3).
        cell: True for each pixel of the cell.
        nucleus: True for each pixel of the nucleus.
    """

    name: str
    data_set: str
    kind: str
    pixels: NDArray[np.uint8]
    cell: NDArray[np.bool_]
    nucleus: NDArray[np.bool_]


def read_drawn_cells(folder: Path) -> Iterator[DrawnCell]:
    """Read every image below a folder that has a mask beside it.

    Raises:
        DatasetError: there is no mask, a mask has no image or another size, or an image cannot be read.
    """
    masks = sorted(folder.rglob(f"*{MASK_SUFFIX}"))
    if not masks:
        raise DatasetError(f"There is no mask below {folder}: a mask of NAME.webp is NAME{MASK_SUFFIX} beside it.")
    kinds = {parent: _kinds(parent) for parent in {mask.parent for mask in masks}}
    for mask in masks:
        stem = mask.name.removesuffix(MASK_SUFFIX)
        images = (mask.with_name(stem + suffix) for suffix in IMAGE_SUFFIXES)
        path = next((image for image in images if image.is_file()), None)
        if path is None:
            raise DatasetError(f"{mask} has no image beside it that is named {stem}.png, {stem}.webp or the like.")
        try:
            pixels = decode(path.read_bytes()).pixels
            levels = np.asarray(Image.open(mask).convert("L"))
        except (RejectedImageError, OSError) as error:
            raise DatasetError(f"{path} or its mask cannot be read: {error}") from error
        if levels.shape != pixels.shape[:2]:
            raise DatasetError(f"{mask} has another size than its image.")
        data_set = mask.parent.relative_to(folder).as_posix()
        yield DrawnCell(
            name=path.relative_to(folder).as_posix(),
            data_set=folder.resolve().name if data_set == "." else data_set,
            kind=kinds[mask.parent].get(stem, UNKNOWN_KIND),
            pixels=pixels,
            cell=levels >= CYTOPLASM // 2,
            nucleus=levels >= (CYTOPLASM + NUCLEUS) // 2,
        )


def _kinds(folder: Path) -> dict[str, str]:
    path = folder / KINDS_FILE
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row.get("image") or "": row.get("kind") or UNKNOWN_KIND for row in csv.DictReader(file)}
