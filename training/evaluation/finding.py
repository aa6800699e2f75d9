"""Judge the finder of cells by masks that people drew."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambda_fn.cells import find_cell
from lambda_fn.errors import RejectedImageError
from training.data.drawn_masks import DrawnCell

Mask = NDArray[np.bool_]

# Intersection over union from which on the cell that was found is the one that was drawn.
RIGHT_CELL = 0.5
HEADINGS = (
    *("set", "kind", "n", "right cell", "IoU, median", "IoU, mean", "IoU, lowest", "Dice of nucleus, median"),
    *("N:C error, mean absolute", "N:C error, mean", "CPU, median ms"),
)


@dataclass(frozen=True)
class Judgement:
    """How one cell was found.

    Attributes:
        cell: the image and its masks.
        iou: intersection over union of the whole cell, 0 if none was found.
        dice: twice the intersection over the sum of both nuclei; without a visible cytoplasm, the cell is the nucleus.
        nc_error: nucleus over cell of the masks found, less that of the masks drawn; NaN if no cell was found.
        doubts: the doubts of the image, or the reason why no cell was found.
        cpu_ms: time of the processor, milliseconds.
    """

    cell: DrawnCell
    iou: float
    dice: float
    nc_error: float
    doubts: tuple[str, ...]
    cpu_ms: float


def judge(cell: DrawnCell) -> Judgement:
    """Find the cell on an image, and compare it with the masks that were drawn."""
    started = time.process_time()
    try:
        found = find_cell(cell.pixels, "smear")
    except RejectedImageError as error:
        return Judgement(cell, 0.0, 0.0, float("nan"), (error.message,), (time.process_time() - started) * 1000)
    cpu_ms = (time.process_time() - started) * 1000
    nucleus = found.mask if found.nucleus is None else found.nucleus
    return Judgement(
        cell,
        iou=intersection_over_union(found.mask, cell.cell),
        dice=dice(nucleus, cell.nucleus),
        nc_error=nucleus.sum() / max(found.mask.sum(), 1) - cell.nucleus.sum() / max(cell.cell.sum(), 1),
        doubts=found.doubts,
        cpu_ms=cpu_ms,
    )


def intersection_over_union(one: Mask, other: Mask) -> float:
    """Return 1 for two equal masks, 0 for masks apart; 1 if both are empty."""
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 1.0


def dice(one: Mask, other: Mask) -> float:
    """Return twice the intersection over the sum of both areas; 1 if both are empty."""
    total = np.count_nonzero(one) + np.count_nonzero(other)
    return 2 * np.count_nonzero(one & other) / total if total else 1.0


def summarise(judgements: Iterable[Judgement]) -> list[tuple[str, ...]]:
    """Return a row of ``HEADINGS`` for each set as a whole, followed by its kinds of cells."""
    rows = []
    everything = list(judgements)
    for data_set in sorted({each.cell.data_set for each in everything}):
        of_set = [each for each in everything if each.cell.data_set == data_set]
        rows.append(_row(data_set, "all", of_set))
        kinds = sorted({each.cell.kind for each in of_set})
        rows += [_row(data_set, kind, [each for each in of_set if each.cell.kind == kind]) for kind in kinds]
    return rows


def _row(data_set: str, kind: str, judgements: Sequence[Judgement]) -> tuple[str, ...]:
    iou = np.array([each.iou for each in judgements])
    errors = np.array([each.nc_error for each in judgements if not np.isnan(each.nc_error)])
    return (
        data_set,
        kind,
        f"{len(judgements)}",
        f"{(iou > RIGHT_CELL).mean():.1%}",
        f"{np.median(iou):.3f}",
        f"{iou.mean():.3f}",
        f"{iou.min():.3f}",
        f"{np.median([each.dice for each in judgements]):.3f}",
        f"{np.abs(errors).mean():.3f}" if errors.size else "-",
        f"{errors.mean():+.3f}" if errors.size else "-",
        f"{np.median([each.cpu_ms for each in judgements]):.1f}",
    )
