"""Chooses thresholds for a laboratory from its own labels, by the rule by which the model's own were chosen.

The rule counts slides as it counts subjects in training (``training.evaluation.thresholds``). Each labelled cell weighs
as many cells as it stands for: an audited one stands for many decided ones.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from infra.errors import InfraError
from infra.promise.evidence import Evidence
from lambda_fn.decisions import Thresholds
from lambda_fn.manifest import ErrorRate, Manifest
from lambda_fn.own_thresholds import MadeFrom, OwnThresholds
from training.evaluation.group_bounds import can_carry
from training.evaluation.thresholds import ErrorRates, LabelledPredictions, choose_thresholds

# Why a rate is not offered: too few slides have cells of the class, or too few labels stand for too many cells.
NotOffered = Literal["slides", "labels"]

# If none of n cells is an error, up to 3 / n of all cells may be, with a confidence of 95 %: Hanley & Lippman-Hand
# (1983), JAMA 249, 1743-1745.
_RULE_OF_THREE: Final = 3.0


class TooFewLabelsError(InfraError):
    """The labels carry no thresholds."""


@dataclass(frozen=True)
class Effects:
    """Effects of thresholds in the laboratory, as its labels show them; shares from 0 to 1.

    Attributes:
        rates: share of the class that is decided wrongly, by the name of the promise: a mean over slides.
        review_share: share of the scored cells that goes to review.
    """

    rates: dict[ErrorRate, float]
    review_share: float


@dataclass(frozen=True)
class Recalibration:
    """Thresholds of a laboratory, and what they change.

    Attributes:
        own: the new thresholds.
        shipped: effects of the manifest's thresholds.
        recalibrated: effects of the new ones.
        not_offered: rates that the labels do not carry, and why. Their thresholds stay the manifest's.
    """

    own: OwnThresholds
    shipped: Effects
    recalibrated: Effects
    not_offered: dict[ErrorRate, NotOffered]


def recalibrate(
    evidence: Evidence, manifest: Manifest, rates: Mapping[ErrorRate, float], now: datetime | None = None
) -> Recalibration:
    """Choose new thresholds.

    Args:
        evidence: results and labels of the manifest's model.
        manifest: of the model.
        rates: the error rates to keep, by name, both of them.
        now: the time that the thresholds get; None for this moment.

    Raises:
        TooFewLabelsError: neither rate is carried by the labels, or labels of a kind are missing altogether.
        CalibrationError: no thresholds separate the labelled cells.
    """
    table, made_from = _table(evidence)
    not_offered = _not_offered(table, rates)
    if len(not_offered) == len(rates):
        raise TooFewLabelsError(
            f"{made_from.labels_all} labels of ALL on {made_from.slides_all} slides and {made_from.labels_normal} of "
            f"normal on {made_from.slides_normal} carry neither rate: label more flagged and audited cells."
        )
    chosen = choose_thresholds(
        table,
        ErrorRates(all_decided_normal=rates["all_decided_normal"], normal_decided_all=rates["normal_decided_all"]),
        manifest.thresholds.unlike_above,
    )
    thresholds = _keep(chosen, manifest.thresholds, not_offered)
    made_at = (now or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    effects = _effects(evidence, table, thresholds)
    identity = hashlib.sha256(repr((manifest.sha256, thresholds, made_from, made_at)).encode()).hexdigest()
    own = OwnThresholds(
        version=f"laboratory-{made_at[:10]}-{identity[:8]}",
        model_version=manifest.version,
        model_sha256=manifest.sha256,
        operating_point=thresholds.operating_point,
        normal_below=thresholds.normal_below,
        all_from=thresholds.all_from,
        chosen_for={name: rate for name, rate in rates.items() if name not in not_offered},
        review_share=effects.review_share,
        made_from=made_from,
        made_at=made_at,
    )
    return Recalibration(own, _effects(evidence, table, manifest.thresholds), effects, not_offered)


def _table(evidence: Evidence) -> tuple[LabelledPredictions, MadeFrom]:
    weights, decided = evidence.weights(), {decision for _, decision in evidence.cells}
    for decision in sorted(decided - set(weights)):
        kind = "flagged cell" if decision == "review" else f"cell that was decided {decision} and drawn for an audit"
        raise TooFewLabelsError(f"there is no label of any {kind}: thresholds need labels of every kind of cell.")
    cells = [cell for cell in evidence.labelled if cell.answer != "cannot_say" and cell.slide]
    names = {slide: number for number, slide in enumerate(sorted({cell.slide for cell in cells}))}
    groups = np.array([names[cell.slide] for cell in cells], np.int64)
    is_all = np.array([cell.answer == "ALL" for cell in cells], np.bool_)
    slides_all, slides_normal = (len(np.unique(groups[chosen])) for chosen in (is_all, ~is_all))
    if min(slides_all, slides_normal) < 2:
        raise TooFewLabelsError(
            f"{slides_all} slides have cells labelled ALL and {slides_normal} normal ones: at least 2 of each are "
            "needed. A slide is the folder of an image's key; choose it with --prefix-depth."
        )
    table = LabelledPredictions(
        probabilities=np.array([cell.probability_all for cell in cells]),
        is_all=is_all,
        groups=groups,
        weights=np.array([weights[cell.decision] for cell in cells]),
    )
    return table, MadeFrom(int(is_all.sum()), int((~is_all).sum()), slides_all, slides_normal)


def _not_offered(table: LabelledPredictions, rates: Mapping[ErrorRate, float]) -> dict[ErrorRate, NotOffered]:
    found: dict[ErrorRate, NotOffered] = {}
    for name, rate in rates.items():
        of_class = table.of_class(is_all=name == "all_decided_normal")
        weights = np.concatenate(of_class.weights or [])
        if not can_carry(len(of_class.values), rate):
            found[name] = "slides"
        elif _RULE_OF_THREE * weights.max() > rate * weights.sum():
            found[name] = "labels"
    return found


def _keep(chosen: Thresholds, shipped: Thresholds, not_offered: Mapping[ErrorRate, NotOffered]) -> Thresholds:
    """The chosen thresholds, with the shipped ones for the rates that are not offered."""
    all_from = shipped.all_from if "normal_decided_all" in not_offered else chosen.all_from
    normal_below = shipped.normal_below if "all_decided_normal" in not_offered else chosen.normal_below
    normal_below = min(normal_below, all_from)
    operating_point = min(max(chosen.operating_point, normal_below), all_from)
    return Thresholds(operating_point, normal_below, all_from, shipped.unlike_above)


def _effects(evidence: Evidence, table: LabelledPredictions, thresholds: Thresholds) -> Effects:
    probabilities = np.array(evidence.probabilities)
    uncertain = (probabilities >= thresholds.normal_below) & (probabilities < thresholds.all_from)
    missed = _mean_over_slides(table, table.is_all, table.probabilities < thresholds.normal_below)
    alarms = _mean_over_slides(table, ~table.is_all, table.probabilities >= thresholds.all_from)
    return Effects(
        {"all_decided_normal": missed, "normal_decided_all": alarms},
        (evidence.always_flagged + int(uncertain.sum())) / evidence.scored,
    )


def _mean_over_slides(table: LabelledPredictions, of_class: NDArray[np.bool_], wrong: NDArray[np.bool_]) -> float:
    weights = np.ones(len(of_class)) if table.weights is None else table.weights
    shares = []
    for group in np.unique(table.groups[of_class]):
        chosen = of_class & (table.groups == group)
        shares.append(weights[chosen & wrong].sum() / weights[chosen].sum())
    return float(np.mean(shares))
