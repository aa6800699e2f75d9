"""Explain a probability: a map of the cell, and bars for what has no place, that add up to the probability's logit."""

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from lambda_fn.kernel_machine import Floats, KernelMachine, Path, multiply
from lambda_fn.manifest import ExplainedHead, PooledMap
from lambda_fn.results import ExplanationFacts, ExplanationMissing, MapFacts

# Of a number in the document. A value of the map may be rounded up or down, so that the sum over the map stays exact.
MAP_DIGITS, DIGITS = 3, 4
# Standard deviation, in fields of the finest map, of what a field sees: 43 px of 8 px each, evenly (43 / 8 / sqrt(12)).
SEEN_BY_A_FIELD = 1.55
# The shares of all fields sum to 1, or to 0 if nothing of the cell lies in the model's square.
LEAST_SHARE = 0.5


def explain(
    head: ExplainedHead,
    machine: KernelMachine,
    outputs: Mapping[str, Floats],
    logit: float,
    features: Floats,
    square: tuple[int, int, int],
) -> ExplanationFacts | ExplanationMissing:
    """Explain the probability of one cell.

    Args:
        head: the manifest's description of the outputs.
        machine: the head.
        outputs: maps and shares of the cell by their names, without the batch's dimension: float32 of shape (fields,
            channels) and (1, fields).
        logit: that the graph gave for the cell, before any rounding.
        features: of the cell, shape (features,).
        square: top, left and side, in pixels of the upright image, of the square that the model saw. It may reach
            beyond the image.

    Returns:
        The explanation, or a reason why there is none: ``empty_square`` if nothing of the cell lies in the square,
        ``not_finite`` if a number cannot be written.
    """
    if outputs[head.maps[0].shares].sum() < LEAST_SHARE:
        return "empty_square"
    path = machine.path(features)
    placed = place(head, path, features, outputs)
    contributions = path.weights * path.differences
    other = {
        name: round(float(contributions[first:end].sum()), DIGITS) + 0.0 for name, (first, end) in head.other.items()
    }
    numbers = [logit, path.baseline_logit, placed.sum(), path.distance, path.colour_distance, *other.values()]
    if not np.isfinite(numbers).all():
        return "not_finite"
    values = _rounded(placed)
    top, left, side = square
    grid: MapFacts = {"top": top, "left": left, "side_px": side, "values": values}
    ends = round(logit, DIGITS), round(path.baseline_logit, DIGITS)
    residual = ends[0] - ends[1] - sum(map(sum, values)) - sum(other.values())
    return {
        "logit": ends[0],
        "baseline_logit": ends[1],
        "map": grid,
        "other": other,
        "residual": round(residual, DIGITS) + 0.0,
        "nearest": {
            "stored_cell": path.nearest,
            "distance": round(path.distance, DIGITS),
            "colour_distance": round(path.colour_distance, DIGITS),
        },
    }


def place(head: ExplainedHead, path: Path, features: Floats, outputs: Mapping[str, Floats]) -> NDArray[np.float64]:
    """Spread the contributions of pooled features over the cell; their sum stays what it is.

    With shares w that sum to 1, a mean is the sum of ``w * f``, and a standard deviation s the sum of
    ``w * ((f - mean) ** 2 + tiny) / s``. The fields of a coarse map lie over several fields of the finest one, and are
    divided among these by their shares, so that all stays inside the cell. A field depends on more pixels than lie in
    it, so its contribution is spread over its neighbours.

    Args:
        head: the manifest's description of the outputs.
        path: to the cell.
        features: of the cell, shape (features,).
        outputs: as ``explain`` takes them.

    Returns:
        Logits of shape (side, side) of the finest map.
    """
    finest = head.maps[0]
    fine_shares = outputs[finest.shares].reshape(finest.side, finest.side).astype(np.float64)
    total = np.zeros_like(fine_shares)
    for pooled in head.maps:
        density = _density(pooled, head.tiny, path, features, outputs[pooled.maps])
        density = density.reshape(pooled.side, pooled.side)
        times = finest.side // pooled.side
        total += fine_shares * density.repeat(times, axis=0).repeat(times, axis=1)
    return _spread_over_neighbours(total, fine_shares)


def _spread_over_neighbours(values: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give each field's value to it and its neighbours, by a Gaussian and their shares of the cell; the sum stays.

    On held-out cells, the map's order then deletes the probability faster, and a cell that is moved keeps its map.
    """
    gaussian = _gaussian(len(values))
    reached = gaussian @ shares @ gaussian
    given = np.divide(values, reached, out=np.zeros_like(values), where=shares > 0)
    return np.asarray(shares * (gaussian @ given @ gaussian))


@cache
def _gaussian(side: int) -> NDArray[np.float64]:
    """Symmetric matrix of shape (side, side) that blurs rows or columns by ``SEEN_BY_A_FIELD``."""
    apart = np.arange(side)[:, None] - np.arange(side)
    return np.exp(-0.5 * (apart / SEEN_BY_A_FIELD) ** 2)


def _density(pooled: PooledMap, tiny: float, path: Path, features: Floats, values: Floats) -> NDArray[np.float64]:
    """Contribution of each field of one map, shape (fields,), for each unit of its share."""
    means, spreads = slice(*pooled.mean), slice(*pooled.spread)
    centre, spread = features[means], features[spreads]
    of_mean, of_spread = path.weights[means], path.weights[spreads]
    curvature = of_spread / spread
    constant = (of_mean @ path.baseline[means], tiny * curvature.sum(), of_spread @ path.baseline[spreads])
    deviations = values - centre
    linear = multiply(values, of_mean.astype(np.float32))
    np.multiply(deviations, deviations, out=deviations)
    square = multiply(deviations, curvature.astype(np.float32))
    return np.asarray(linear.astype(np.float64) + square - constant[0] + constant[1] - constant[2])


def _rounded(placed: NDArray[np.float64]) -> list[list[float]]:
    """Round each value up or down so that every partial sum, row after row, is right to half a unit.

    Returns:
        Rows of numbers. Fields outside the cell are a whole 0, which is shorter.
    """
    units = 10**MAP_DIGITS
    partial = np.rint(placed.ravel().cumsum() * units)
    values = (np.diff(partial, prepend=0.0) / units).reshape(placed.shape)
    return [[value or 0 for value in row] for row in values.tolist()]
