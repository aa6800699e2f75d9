"""The measurements of a cell: beside the ranges of both classes, and the labelled cells that are nearest to it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from lambda_fn.labels import LabelDocument

# Numbers that were measured on a cell, by name.
Measures = Mapping[str, float]
# Two cells are compared only if at least this many of their measures are known.
_LEAST_SHARED = 2
# The cells of each class that a card shows.
NEAREST = 4


@dataclass(frozen=True)
class Neighbour:
    """A labelled cell, and its distance from the cell on the card.

    Attributes:
        key: the image's key.
        document: its label.
        distance: root of the mean squared difference of the shared measures, each in interquartile ranges.
    """

    key: str
    document: LabelDocument
    distance: float


def measures(morphology: object) -> Measures:
    """The numbers among the measurements of a result; those that are null, and all other values, are left out."""
    if not isinstance(morphology, Mapping):
        return {}
    return {name: float(value) for name, value in morphology.items() if _is_number(value)}


def unmeasured(morphology: object) -> dict[str, str]:
    """Why a measurement is null, by its name; an empty text if the result does not say why.

    The reasons are the texts of the members that are objects, such as ``"unmeasured": {"nc_ratio": "…"}``, and members
    such as ``nc_ratio_reason``.
    """
    if not isinstance(morphology, Mapping):
        return {}
    said: dict[str, str] = {}
    for name, value in morphology.items():
        if isinstance(value, Mapping):
            said |= {str(field): why for field, why in value.items() if isinstance(why, str)}
        elif isinstance(value, str) and name.endswith("_reason"):
            said[name.removesuffix("_reason")] = value
    return {name: said.get(name, "") for name, value in morphology.items() if value is None}


def nearest(
    found: Measures, library: Iterable[tuple[str, LabelDocument, Measures]], leave_out: str
) -> dict[str, list[Neighbour]]:
    """The labelled cells that are nearest to a cell, by class.

    Args:
        found: the measures of the cell.
        library: labelled cells with their measures.
        leave_out: the key of the cell itself.
    """
    cells = [cell for cell in library if cell[0] != leave_out]
    scales = {name: _spread([other[name] for _, _, other in cells if name in other]) for name in found}
    neighbours: dict[str, list[Neighbour]] = {"ALL": [], "normal": []}
    for key, document, other in cells:
        shared = [name for name in found if name in other and scales[name] > 0]
        if len(shared) < _LEAST_SHARED or document["label"] not in neighbours:
            continue
        squares = (((found[name] - other[name]) / scales[name]) ** 2 for name in shared)
        neighbours[document["label"]].append(Neighbour(key, document, (sum(squares) / len(shared)) ** 0.5))
    return {label: sorted(ones, key=lambda one: one.distance)[:NEAREST] for label, ones in neighbours.items()}


def class_ranges(manifest: Mapping[str, Any]) -> dict[str, dict[str, list[float]]]:
    """The quantiles of each measure by class, in rising order; empty if the manifest has none.

    Args:
        manifest: the content of ``model.json``. ``morphology`` holds quantiles by class and measure, or by measure and
            class; each is a list, or an object of numbers by the quantile's name.
    """
    by_measure: dict[str, dict[str, list[float]]] = {}
    content = manifest.get("morphology")
    content = content.get("quantiles", content) if isinstance(content, Mapping) else {}
    for outer, members in content.items():
        if not isinstance(members, Mapping):
            continue
        for inner, values in members.items():
            label, name = (outer, inner) if outer in ("ALL", "normal") else (inner, outer)
            numbers = sorted(value for value in _values(values) if _is_number(value))
            if label in ("ALL", "normal") and len(numbers) > 1:
                by_measure.setdefault(name, {})[label] = numbers
    return by_measure


def _values(values: object) -> list[Any]:
    if isinstance(values, Mapping):
        return list(values.values())
    return values if isinstance(values, list) else []


def _spread(values: list[float]) -> float:
    """The interquartile range; the whole range of fewer than four values, or if half of them are equal."""
    if len(values) < 2:
        return 1.0
    lower, _, upper = quantiles(values, n=4, method="inclusive")
    return upper - lower or max(values) - min(values)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
