"""Reads the images of labelled cells, from disk or from S3, as the function reads them."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lambda_fn.cells import Cell, find_cell, to_model_input
from lambda_fn.errors import RejectedImageError
from lambda_fn.folders import name_fault
from lambda_fn.images import decode
from lambda_fn.preprocessing import Background, Preprocessing
from lambda_fn.scale import MAX_RESAMPLING, fit_scale
from training.data.labelled_cell import LabelledCell
from training.data.locations import read_bytes

# Side, in pixels at the image's own scale, of the square around a cell that people are shown.
SHOWN_PX = 300

Used = TypeVar("Used")


class UnusableImageError(Exception):
    """An image that no model can learn from; the message says why."""


@dataclass(frozen=True)
class ReadCell:
    """An image that was read.

    Attributes:
        image: the image as it was decoded, uint8 array of shape (height, width, 3), 0 to 255.
        cell: the cell on it.
        sha256: digest of the decoded pixels; it does not depend on the format of the file.
        width: of the image, pixels.
        height: of the image, pixels.
        byte_count: of the file.
        um_per_px: micrometres a pixel, if the file states them.
    """

    image: NDArray[np.uint8]
    cell: Cell
    sha256: str
    width: int
    height: int
    byte_count: int
    um_per_px: float | None = None

    @property
    def background(self) -> Background:
        """What surrounds the cell."""
        return "smear" if self.cell.on_smear else "black"

    def to_input(self, preprocessing: Preprocessing) -> NDArray[np.uint8]:
        """Model input at the scale that the preprocessing states: uint8 array of shape (size, size, 3).

        Raises:
            UnusableImageError: the file states a scale too far from it.
        """
        scaling = fit_scale(preprocessing, self.um_per_px)
        if scaling.doubts:
            raise UnusableImageError(
                f"It has {self.um_per_px:.3g} micrometres a pixel, the model {preprocessing.um_per_px:.3g}: they may "
                f"differ by a factor of {MAX_RESAMPLING:g} at most."
            )
        return to_model_input(self.cell, scaling.preprocessing)

    def square(self) -> NDArray[np.uint8]:
        """The square around the cell that people are shown: uint8 array of shape (300, 300, 3)."""
        return to_model_input(self.cell, Preprocessing(SHOWN_PX, SHOWN_PX))


def read(cell: LabelledCell) -> ReadCell:
    """Read a cell's image.

    Raises:
        UnusableImageError: it cannot be read, shows no cell, or is not the image that was indexed or labelled.
    """
    if fault := name_fault(cell.location):
        raise UnusableImageError(f"It cannot be indexed, because {fault}.")
    try:
        data = read_bytes(cell.location)
        decoded = decode(data)
        visible = find_cell(decoded.pixels)
    except RejectedImageError as error:
        raise UnusableImageError(error.message) from error
    except OSError as error:
        raise UnusableImageError(error.strerror or str(error)) from error
    if cell.file_sha256 not in ("", hashlib.sha256(data).hexdigest()):
        raise UnusableImageError("It was replaced since a reviewer labelled it: label the new version.")
    sha256 = hashlib.sha256(decoded.pixels.tobytes()).hexdigest()
    if cell.sha256 not in ("", sha256):
        raise UnusableImageError("The image is not the one that was indexed; index it again.")
    return ReadCell(decoded.pixels, visible, sha256, decoded.width, decoded.height, len(data), decoded.um_per_px)


def read_all(
    cells: Sequence[LabelledCell],
    use: Callable[[ReadCell], Used],
    on_read: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[tuple[LabelledCell, Used | UnusableImageError]]:
    """Read cells in parallel and in order.

    Args:
        cells: of any sources.
        use: computes what is needed from an image; called in worker threads.
        on_read: called after each with the number of cells read and their total.

    Yields:
        Each cell, with the result of ``use`` or the reason why its image cannot be used.
    """

    def read_and_use(cell: LabelledCell) -> Used | UnusableImageError:
        try:
            return use(read(cell))
        except UnusableImageError as error:
            return error

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, (cell, outcome) in enumerate(zip(cells, pool.map(read_and_use, cells), strict=True), start=1):
            on_read(done, len(cells))
            yield cell, outcome


def read_usable(
    cells: Sequence[LabelledCell],
    use: Callable[[ReadCell], Used],
    on_read: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[tuple[LabelledCell, Used]], list[str]]:
    """Read cells as ``read_all`` does, and set those apart whose images cannot be used.

    Returns:
        Each usable cell with the result of ``use``, and why others cannot be used, one line each.
    """
    usable, left_out = [], []
    for cell, outcome in read_all(cells, use, on_read):
        if isinstance(outcome, UnusableImageError):
            left_out.append(f"{cell.name}: {outcome}")
        else:
            usable.append((cell, outcome))
    return usable, left_out
