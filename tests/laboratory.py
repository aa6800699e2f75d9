"""A simulated laboratory: slides of cells with drawn predictions, flags that are all answered, and blind audits."""

from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from infra.promise.evidence import Evidence, LabelledCell
from lambda_fn.betting import Audit, against_at_least, against_at_most
from lambda_fn.decisions import Decision, Thresholds
from lambda_fn.labels import Answer
from lambda_fn.manifest import ErrorRate
from lambda_fn.promises import RISK, ClassEvidence, Verdict
from lambda_fn.results import ModelFacts

MODEL: ModelFacts = {"version": "simulated", "sha256": "5" * 64, "thresholds": "manifest"}
RATES: dict[ErrorRate, float] = {"all_decided_normal": 0.04, "normal_decided_all": 0.1}


@dataclass(frozen=True)
class Laboratory:
    """The cells of a laboratory.

    Attributes:
        probabilities: float array of shape (n,), 0 to 1: probability of ALL.
        is_all: boolean array of shape (n,).
        slides: integer array of shape (n,).
    """

    probabilities: NDArray[np.float64]
    is_all: NDArray[np.bool_]
    slides: NDArray[np.int64]

    def decided(self, thresholds: Thresholds) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Masks of the cells that are decided normal, and of those that are decided ALL."""
        normal = self.probabilities < thresholds.normal_below
        return normal, ~normal & (self.probabilities >= thresholds.all_from)

    def rates(self, thresholds: Thresholds) -> dict[str, float]:
        """The true rates."""
        normal, decided_all = self.decided(thresholds)
        return {
            "all_decided_normal": float(normal[self.is_all].mean()),
            "normal_decided_all": float(decided_all[~self.is_all].mean()),
        }

    def review_share(self, thresholds: Thresholds) -> float:
        """The share of cells that go to review."""
        return float(1 - np.logical_or(*self.decided(thresholds)).mean())


def draw_laboratory(
    generator: np.random.Generator, worse: float = 0.0, slides: int = 60, cells: int = 300
) -> Laboratory:
    """Draw slides of which half have ALL; in those, 4 in 5 cells are ALL.

    Args:
        generator: of chance.
        worse: logits by which all cells look more normal than in the laboratory of the known cells.
        slides: number of slides.
        cells: number of cells of each slide.
    """
    of = np.repeat(np.arange(slides), cells)
    is_all = (of % 2 == 0) & (generator.random(len(of)) < 0.8)
    shift = generator.normal(0, 0.5, slides)[of]
    logits = np.where(is_all, 2.0, -2.0) - worse + shift + generator.normal(0, 1.5, len(of))
    return Laboratory(1 / (1 + np.exp(-logits)), is_all, of)


def thresholds_for(all_decided_normal: float, normal_decided_all: float) -> Thresholds:
    """Thresholds with these true rates in a laboratory that is not worse."""
    known = draw_laboratory(np.random.default_rng(1), slides=2000)
    below = float(np.quantile(known.probabilities[known.is_all], all_decided_normal))
    above = float(np.quantile(known.probabilities[~known.is_all], 1 - normal_decided_all))
    return Thresholds(below, below, max(above, below))


def audit_until_said(
    laboratory: Laboratory, thresholds: Thresholds, generator: np.random.Generator, most: int, step: int = 1
) -> tuple[Verdict, int]:
    """Audit cell after cell, and look at the promise on ALL cells each time, until it can be said.

    Args:
        laboratory: the cells. All flags are answered.
        thresholds: of the model.
        generator: draws the audits.
        most: number of audits after which nobody goes on.
        step: looks at the answer after this many audits.

    Returns:
        The verdict, and the number of audits behind it.
    """
    normal, decided_all = laboratory.decided(thresholds)
    decided = np.flatnonzero(normal | decided_all)
    drawn = generator.permutation(decided)[:most]
    errors = np.cumsum(normal[drawn] & laboratory.is_all[drawn])
    right = np.cumsum(decided_all[drawn] & laboratory.is_all[drawn])
    flagged = float((~(normal | decided_all) & laboratory.is_all).sum() / len(decided))
    enough, promised = np.log(1 / RISK), RATES["all_decided_normal"]
    for audits in range(step, len(drawn) + 1, step):
        wrong, agreed = int(errors[audits - 1]), int(right[audits - 1])
        audit = Audit(wrong, agreed, audits - wrong - agreed)
        if against_at_most(promised, audit, flagged) >= enough:
            return "broken", audits
        if against_at_least(promised, audit, flagged) >= enough:
            return "holds", audits
    return "open", len(drawn)


def evidence_of(
    laboratory: Laboratory, thresholds: Thresholds, generator: np.random.Generator, audits: int
) -> Evidence:
    """The evidence after all flags were answered, and ``audits`` decided cells audited, with true answers."""
    normal, decided_all = laboratory.decided(thresholds)
    drawn = set(generator.permutation(np.flatnonzero(normal | decided_all))[:audits].tolist())
    evidence = Evidence(MODEL, newest="2026-12-01T12:00:00.000Z")
    for number, is_all, probability, slide in zip(
        count(), laboratory.is_all, laboratory.probabilities.tolist(), laboratory.slides.tolist(), strict=False
    ):
        decision: Decision = "normal" if normal[number] else "ALL" if decided_all[number] else "review"
        evidence.cells[f"slide {slide}/", decision] += 1
        evidence.probabilities.append(probability)
        if decision == "review" or number in drawn:
            answer: Answer = "ALL" if is_all else "normal"
            evidence.labelled.append(LabelledCell(f"slide {slide}/", decision, answer, probability))
    return evidence


def evidence_on_all(errors: int, right: int, others: int, flagged: int = 0, labelled: int = 0) -> ClassEvidence:
    """Evidence on ALL cells in a laboratory of 10,000 decided cells; all labelled flags are ALL."""
    return ClassEvidence(10_000, 5_000, errors, right, others, flagged, labelled, labelled)
