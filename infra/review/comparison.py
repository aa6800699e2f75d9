"""The measurements of a cell, and the labelled cells that are nearest to it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import quantiles

from lambda_fn.labels import LabelDocument
from lambda_fn.morphology_facts import MorphologyFacts, quantities

# Numbers that were measured on a cell, by name.
Measures = Mapping[str, float]
# Two cells are compared only if at least this many of their measures are known.
_LEAST_SHARED = 2
# The fields of ``not_measured`` that give the reason for quantities of other names.
_FIELDS = {"pale_spot_count": "pale_spots", "pale_spot_area_px": "pale_spots", "vacuole_count": "vacuoles"}
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


def measures(morphology: MorphologyFacts | None) -> Measures:
    """What was measured of ``QUANTITIES``; empty if nothing was, or if another version wrote the morphology."""
    return {name: float(value) for name, value in _quantities(morphology).items() if value is not None}


def unmeasured(morphology: MorphologyFacts | None) -> dict[str, str]:
    """Why a quantity is null, by its name; an empty text if the result gives no reason."""
    if morphology is None:
        return {}
    reasons = morphology.get("not_measured", {})
    missing = [name for name, value in _quantities(morphology).items() if value is None]
    return {name: reasons.get(_FIELDS.get(name, name), "") for name in missing}


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


def _quantities(morphology: MorphologyFacts | None) -> dict[str, float | None]:
    try:
        return quantities(morphology)
    except (KeyError, TypeError):
        return {}


def _spread(values: list[float]) -> float:
    """The interquartile range; the whole range of fewer than four values, or if half of them are equal."""
    if len(values) < 2:
        return 1.0
    lower, _, upper = quantiles(values, n=4, method="inclusive")
    return upper - lower or max(values) - min(values)
