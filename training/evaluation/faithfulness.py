"""Measures how far a model's explanations can be trusted, on cells of subjects that the model never saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lambda_fn.explanations import explain, place
from lambda_fn.kernel_machine import Floats, KernelMachine
from lambda_fn.manifest import FEATURES_OUTPUT, LOGIT_OUTPUT, ExplainedHead
from training.evaluation.deletion import FIELD, Pixels, baseline_orders, deletion_score, field_means, mask_of
from training.evaluation.metrics import REPLICATES, Estimate, draws_of_groups, with_interval

# A third of a field of the finest map.
SHIFT_PX = 3
# What is permuted, each time anew for each cell.
PERMUTED = {
    "coefficients": "the coefficients of the support vectors",
    "projection": "all weights of the projection",
    "features": "the features, each with its row of the projection's weights",
}
AT_THE_CELL = np.ones(1), np.ones(1)


@dataclass(frozen=True)
class Explainer:
    """A model that explains its probabilities.

    Attributes:
        head: describes the outputs.
        constants: of the head, by name.
        look: gives all outputs by name for images of shape (n, size, size, 3), each with n rows.
        features: gives the features alone, shape (n, features).
    """

    head: ExplainedHead
    constants: Mapping[str, Floats]
    look: Callable[[Pixels], Mapping[str, Floats]]
    features: Callable[[Pixels], Floats]


@dataclass(frozen=True)
class CellFigures:
    """The tests of one cell.

    Attributes:
        group: of its subject.
        residual: of its explanation, logits, without sign.
        deletion: ``deletion.deletion_score`` of the map, and of each other order, by name.
        permuted: Spearman's correlation of the map with the map of a head that was permuted, as ``PERMUTED`` describes,
            by name.
        stability: correlation of the map with the map of the cell that was moved (``shift``), mirrored or turned by a
            quarter, put back in its place.
    """

    group: int
    residual: float
    deletion: dict[str, float]
    permuted: dict[str, float]
    stability: dict[str, float]


def measure_cells(
    explainer: Explainer,
    pixels: Pixels,
    groups: NDArray[np.int64],
    seed: int,
    on_done: Callable[[], None] = lambda: None,
) -> list[CellFigures]:
    """Test the explanations of cells.

    Args:
        explainer: the model.
        pixels: model input, uint8 of shape (n, size, size, 3), of subjects that the model never saw.
        groups: of the subjects, shape (n,).
        seed: of random orders and permutations.
        on_done: called after each cell.

    Returns:
        The figures of each cell that has an explanation.
    """
    random = np.random.default_rng(seed)
    machine = KernelMachine(explainer.head, explainer.constants)

    def logits(images: Pixels) -> NDArray[np.float64]:
        return np.array([machine.logit(row) for row in explainer.features(images)])

    figures = []
    for cell, group in zip(pixels, groups.tolist(), strict=True):
        figure = _measure_cell(explainer, machine, logits, cell, group, random)
        figures += [figure] if figure else []
        on_done()
    return figures


def _measure_cell(
    explainer: Explainer,
    machine: KernelMachine,
    logits: Callable[[Pixels], NDArray[np.float64]],
    cell: Pixels,
    group: int,
    random: np.random.Generator,
) -> CellFigures | None:
    head, views = explainer.head, _views(cell)
    outputs = explainer.look(np.stack([cell, *views.values()]))
    first, *moved = ({name: values[row] for name, values in outputs.items()} for row in range(1 + len(views)))
    features = first[FEATURES_OUTPUT]
    logit = float(first[LOGIT_OUTPUT].item()) if LOGIT_OUTPUT in first else machine.logit(features)
    facts = explain(head, machine, first, logit, features, (0, 0, len(cell)))
    if isinstance(facts, str):
        return None
    placed = _map(head, machine, first)
    local = place(head, machine.path(features, AT_THE_CELL), features, first)
    orders = {"map": placed, "local_gradient": local}
    relevance = {name: field_means(_to_pixels(each, len(cell))) for name, each in orders.items()}
    relevance |= baseline_orders(cell, random)
    permuted = {name: _map(head, other, first) for name, other in _permuted(explainer, random).items()}
    inside = first[head.maps[0].shares].reshape(placed.shape) > 0
    maps_of_views = {name: _map(head, machine, view) for name, view in zip(views, moved, strict=True)}
    return CellFigures(
        group=group,
        residual=abs(facts["residual"]),
        deletion={name: deletion_score(cell, each, logits) for name, each in relevance.items()},
        permuted={name: _rank(placed, other, inside) for name, other in permuted.items()},
        stability={name: _agreement(cell, placed, other, name) for name, other in maps_of_views.items()},
    )


def summarise(figures: Sequence[CellFigures], seed: int, found: Sequence[bool] = ()) -> dict[str, Any]:
    """Figures of all cells, with the percentile intervals of a bootstrap that draws groups of subjects.

    Args:
        figures: of each cell, at least one.
        seed: of the bootstrap.
        found: for each drawn cell with a planted cue, whether the map was strongest there; empty if not tried.

    Returns:
        Plain values for JSON, as the manifest's ``metrics.explanation`` and ``metrics.json`` hold them.
    """
    groups = np.array([each.group for each in figures])
    names = figures[0].deletion

    def estimate(values: Sequence[float], statistic: Callable[..., Any] = np.mean) -> dict[str, float]:
        return asdict(_bootstrap(np.array(values), groups, statistic, seed))

    return {
        "cells": len(figures),
        "groups": len(np.unique(groups)),
        "residual_99th_percentile": float(np.quantile([each.residual for each in figures], 0.99)),
        "deletion": {name: estimate([each.deletion[name] for each in figures]) for name in names},
        "deletion_excess_over": {
            name: estimate([each.deletion["map"] - each.deletion[name] for each in figures])
            for name in names
            if name != "map"
        },
        "permuted": {
            name: estimate([each.permuted[name] for each in figures], np.median) for name in figures[0].permuted
        },
        "stability": {
            name: estimate([each.stability[name] for each in figures], np.median) for name in figures[0].stability
        },
        **({"planted_cue": {"cells": len(found), "found_first": float(np.mean(found))}} if len(found) else {}),
    }


def spread_over_groups(groups: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Choose at most ``count`` cells, in turn from each group, so that a bootstrap over groups has many of them."""
    random = np.random.default_rng(seed)
    turn = np.empty(len(groups), np.int64)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        turn[random.permutation(members)] = np.arange(len(members))
    return np.sort(np.lexsort((random.permutation(len(groups)), turn))[:count])


def strongest_field(explainer: Explainer, pixels: Pixels) -> tuple[int, int]:
    """Top and left, in pixels, of the field of one cell that speaks most for ALL."""
    outputs = {name: values[0] for name, values in explainer.look(pixels[None]).items()}
    placed = _map(explainer.head, KernelMachine(explainer.head, explainer.constants), outputs)
    fields = field_means(_to_pixels(placed, len(pixels)))
    row, column = np.unravel_index(fields.argmax(), fields.shape)
    return int(row) * FIELD, int(column) * FIELD


def _permuted(explainer: Explainer, random: np.random.Generator) -> dict[str, KernelMachine]:
    """The same head with permuted parts (Adebayo et al. 2018, NeurIPS), by the names in ``PERMUTED``."""
    coefficients, projection = explainer.constants["coefficients"], explainer.constants["projection"]
    changes = {
        "coefficients": {"coefficients": random.permutation(coefficients)},
        "projection": {"projection": random.permutation(projection.ravel()).reshape(projection.shape)},
        "features": {"projection": random.permutation(projection)},
    }
    return {name: KernelMachine(explainer.head, {**explainer.constants, **change}) for name, change in changes.items()}


def _map(head: ExplainedHead, machine: KernelMachine, outputs: Mapping[str, Floats]) -> NDArray[np.float64]:
    features = outputs[FEATURES_OUTPUT]
    return place(head, machine.path(features), features, outputs)


def _to_pixels(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    times = size // len(values)
    return values.repeat(times, axis=0).repeat(times, axis=1) / times**2


def _views(cell: Pixels) -> dict[str, Pixels]:
    """The same cell moved, mirrored and turned; a cell that touches the square's edge loses pixels when it is moved."""
    shifted = np.zeros_like(cell)
    shifted[SHIFT_PX:, SHIFT_PX:] = cell[:-SHIFT_PX, :-SHIFT_PX]
    return {"shift": shifted, "mirror": cell[:, ::-1], "turn": np.rot90(cell)}


def _agreement(cell: Pixels, one: NDArray[np.float64], other: NDArray[np.float64], view: str) -> float:
    """Correlation of two maps inside the cell, pixel by pixel, after the other was put back."""
    size = len(cell)
    back = _interpolated(other, size)
    if view == "shift":
        back = np.roll(back, (-SHIFT_PX, -SHIFT_PX), (0, 1))
    else:
        back = back[:, ::-1] if view == "mirror" else np.rot90(back, -1)
    inside = mask_of(cell)
    return _correlation(_interpolated(one, size)[inside], back[inside])


def _interpolated(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Enlarge a map without steps, which would not move by less than a field."""
    image = Image.fromarray(values.astype(np.float32))
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR), np.float64)


def _rank(one: NDArray[np.float64], other: NDArray[np.float64], inside: NDArray[np.bool_]) -> float:
    """Spearman's correlation of the fields inside the cell."""
    ranks = (values[inside].argsort().argsort().astype(np.float64) for values in (one, other))
    return _correlation(*ranks)


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    if len(one) < 2 or one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _bootstrap(
    values: NDArray[np.float64], groups: NDArray[np.int64], statistic: Callable[..., Any], seed: int
) -> Estimate:
    drawn = [statistic(values[draw]) for draw in islice(draws_of_groups(groups, seed), REPLICATES)]
    return with_interval(float(statistic(values)), drawn)
