"""Deletes parts of a cell in an order of relevance: the logit of a faithful order falls first.

Pixel flipping (Bach et al. 2015, PLOS ONE 10:e0130140; Samek et al. 2017, IEEE TNNLS 28:2660). Deleted fields get the
cell's mean colour: holes in black would make edges, and any order would then change the probability.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from lambda_fn.cells import BACKGROUND_LEVEL

Pixels = NDArray[np.uint8]
Fields = NDArray[np.float64]
# Side of a field in pixels.
FIELD = 16
# Shares of the cell's fields that are deleted.
SHARES = (0.05, 0.15, 0.3, 0.5)


def field_means(values: NDArray[np.generic]) -> Fields:
    """Mean of each field, shape (rows, columns), of an array of shape (size, size)."""
    side = len(values) // FIELD
    cut = values[: side * FIELD, : side * FIELD].reshape(side, FIELD, side, FIELD)
    return np.asarray(cut.mean(axis=(1, 3)), np.float64)


def mask_of(pixels: Pixels) -> NDArray[np.bool_]:
    """The cell's pixels, shape (size, size)."""
    return np.asarray(pixels.max(axis=2) > BACKGROUND_LEVEL)


def baseline_orders(pixels: Pixels, random: np.random.Generator) -> dict[str, Fields]:
    """Relevance of each field by orders that know nothing of the model, by their names.

    Args:
        pixels: the cell, uint8 of shape (size, size, 3).
        random: draws the two random orders. The smooth one resembles a map: blurred maps do well in tests of deletion
            (Hooker et al. 2019, NeurIPS; Rong et al. 2022, ICML).
    """
    mask = mask_of(pixels)
    lit = field_means(mask)
    rows, columns = np.indices(lit.shape)
    weight = max(lit.sum(), 1e-9)
    centre = (rows * lit).sum() / weight, (columns * lit).sum() / weight
    brightness = field_means(np.where(mask, pixels.mean(axis=2), 0)) / np.maximum(lit, 1e-9)
    noise = random.normal(size=lit.shape)
    return {
        "random": random.normal(size=lit.shape),
        "smooth_random": _blurred(_blurred(noise)),
        "centre_first": -np.hypot(rows - centre[0], columns - centre[1]),
        "dark_first": -brightness,
    }


def deletions(pixels: Pixels, relevance: Fields) -> Iterator[Pixels]:
    """The cell without its most relevant fields, then without its least relevant ones, for each of ``SHARES``."""
    mask = mask_of(pixels)
    fields = np.flatnonzero(field_means(mask).ravel() > 0)
    colour = pixels[mask].mean(axis=0).round().astype(np.uint8) if mask.any() else np.zeros(3, np.uint8)
    falling = fields[np.argsort(-relevance.ravel()[fields], kind="stable")]
    for share in SHARES:
        count = round(share * len(fields))
        for order in (falling, falling[::-1]):
            deleted = np.zeros(relevance.size, bool)
            deleted[order[:count]] = True
            chosen = deleted.reshape(relevance.shape).repeat(FIELD, axis=0).repeat(FIELD, axis=1)
            whole = np.zeros(mask.shape, bool)
            whole[: len(chosen), : chosen.shape[1]] = chosen
            yield np.where((whole & mask)[..., None], colour, pixels)


def deletion_score(pixels: Pixels, relevance: Fields, logits: Callable[[Pixels], NDArray[np.float64]]) -> float:
    """Logit without the least relevant fields minus the logit without the most relevant ones, mean over ``SHARES``.

    Args:
        pixels: the cell, uint8 of shape (size, size, 3).
        relevance: of each field, in logits for ALL or in any unit that has the same order.
        logits: of images of shape (n, size, size, 3).

    Returns:
        About 0 for an order without any meaning.
    """
    values = logits(np.stack(list(deletions(pixels, relevance)))).reshape(len(SHARES), 2)
    return float((values[:, 1] - values[:, 0]).mean())


def _blurred(values: Fields) -> Fields:
    padded = np.pad(values, 1, mode="edge")
    rows, columns = values.shape
    return np.asarray(sum(padded[y : y + rows, x : x + columns] for y in range(3) for x in range(3)) / 9)
