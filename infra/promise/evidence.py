"""Gathers what a laboratory's results and labels say about the promised error rates."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from lambda_fn import labels
from lambda_fn.decisions import Decision, Label
from lambda_fn.labels import Answer, LabelDocument, LabelEntry
from lambda_fn.manifest import ErrorRate
from lambda_fn.promises import ClassEvidence
from lambda_fn.results import ModelFacts, ResultDocument
from lambda_fn.slides import slide_of

# The class of each promise; its cells are decided wrongly if they are decided as the other class.
CLASS_OF: Mapping[ErrorRate, Label] = {"all_decided_normal": "ALL", "normal_decided_all": "normal"}
# Why a label does not count. ``other_version``: of other pixels. ``other_decision``: the answer was given to a result
# of another model, of other thresholds or of another decision. ``not_blind``: the reviewer of an audit saw the model's
# view. ``not_drawn``: a person chose a decided cell to label.
LeftOut = Literal["other_version", "other_decision", "not_blind", "not_drawn"]


class LabelledCell(NamedTuple):
    """A label that counts: of a flagged cell, or of a decided one that was drawn by chance and answered blind."""

    slide: str
    decision: Decision
    answer: Answer
    probability_all: float


@dataclass
class Evidence:
    """The results that one model decided by the same thresholds, and their labels.

    Attributes:
        model: the model and the thresholds.
        newest: when the newest of the results was scored.
        cells: number of scored cells by slide and decision.
        labelled: the labels that count.
        left_out: number of labels that do not count, by the reason.
        changed: number of audited cells whose reviewer gave another answer after the model's view was shown. The first,
            blind answer counts: if second thoughts counted, errors of the model would be taken back more often than
            right decisions.
        probabilities: probabilities of ALL of the cells on which thresholds alone decide.
        always_flagged: number of scored cells that go to review for another reason than their probability.
    """

    model: ModelFacts
    newest: str = ""
    cells: Counter[tuple[str, Decision]] = field(default_factory=Counter)
    labelled: list[LabelledCell] = field(default_factory=list)
    left_out: Counter[LeftOut] = field(default_factory=Counter)
    changed: int = 0
    probabilities: "array[float]" = field(default_factory=lambda: array("d"))
    always_flagged: int = 0

    @property
    def scored(self) -> int:
        """The number of scored cells."""
        return self.cells.total()

    @property
    def audits(self) -> list[LabelledCell]:
        """The audited cells."""
        return [cell for cell in self.labelled if cell.decision != "review"]

    def add(self, result: ResultDocument, label: LabelDocument | None, depth: int | None) -> None:
        """Count a scored result, and its label if it has one."""
        prediction, slide = result["prediction"], slide_of(result["image"]["key"], depth)
        if prediction is None:
            return
        self.newest = max(self.newest, result["scored_at"])
        self.cells[slide, result["decision"]] += 1
        if set(result["review"]["reasons"]) <= {"uncertain", "audit"}:
            self.probabilities.append(prediction["probability_all"])
        else:
            self.always_flagged += 1
        entry = _counting_entry(result, label) if label else None
        if label is None or entry is None or entry["label"] is None:
            return
        reason = _why_left_out(result, entry)
        if reason:
            self.left_out[reason] += 1
            return
        if result["decision"] != "review":
            self.changed += label["label"] != entry["label"]
        self.labelled.append(LabelledCell(slide, result["decision"], entry["label"], prediction["probability_all"]))

    def of_class(self, promise: ErrorRate) -> ClassEvidence:
        """What is known of the class of a promise, in all slides together."""
        return _of_class(CLASS_OF[promise], self._decisions(), self.labelled)

    def of_slides(self, promise: ErrorRate) -> list[ClassEvidence]:
        """What is known of the class of a promise, slide by slide. Images outside any folder are of no known slide."""
        by_slide: dict[str, list[LabelledCell]] = {}
        for cell in self.labelled:
            by_slide.setdefault(cell.slide, []).append(cell)
        decisions: dict[str, Counter[Decision]] = {}
        for (slide, decision), count in self.cells.items():
            decisions.setdefault(slide, Counter())[decision] += count
        return [
            _of_class(CLASS_OF[promise], counts, by_slide.get(slide, []))
            for slide, counts in decisions.items()
            if slide
        ]

    def weights(self) -> dict[Decision, float]:
        """How many cells a labelled cell stands for, by its decision."""
        labelled = Counter(cell.decision for cell in self.labelled)
        return {
            decision: count / labelled[decision] for decision, count in self._decisions().items() if labelled[decision]
        }

    def _decisions(self) -> Counter[Decision]:
        decisions: Counter[Decision] = Counter()
        for (_, decision), count in self.cells.items():
            decisions[decision] += count
        return decisions


class Gatherer:
    """Gathers evidence from results, one by one."""

    def __init__(self, labels_by_key: Mapping[str, LabelDocument], depth: int | None = None) -> None:
        """Take the labels.

        Args:
            labels_by_key: labels by the key of their image. Labels without a result are passed over.
            depth: number of folders that name a slide, as ``slides.slide_of`` takes it.
        """
        self._labels, self._depth = labels_by_key, depth
        self._found: dict[tuple[str, str], Evidence] = {}

    def add(self, result: ResultDocument) -> None:
        """Count a result."""
        model = result["model"]
        evidence = self._found.setdefault((model["sha256"], model.get("thresholds", "")), Evidence(model))
        evidence.add(result, self._labels.get(result["image"]["key"]), self._depth)

    @property
    def evidence(self) -> list[Evidence]:
        """The evidence of each model and its thresholds that scored a cell, the newest first."""
        scored = (one for one in self._found.values() if one.scored)
        return sorted(scored, key=lambda one: one.newest, reverse=True)


def gather(
    results: Iterable[ResultDocument], labels_by_key: Mapping[str, LabelDocument], depth: int | None = None
) -> list[Evidence]:
    """Gather the evidence of all results, which are read one by one, as ``Gatherer`` does."""
    gatherer = Gatherer(labels_by_key, depth)
    for result in results:
        gatherer.add(result)
    return gatherer.evidence


def _counting_entry(result: ResultDocument, label: LabelDocument) -> LabelEntry:
    """The answer that stands; to a decided cell, the first blind one of an audit by which a person stood."""
    if result["decision"] == "review":
        return label
    blind = (one for one in labels.stood_by(label) if one["label"] and _why_left_out(result, one) is None)
    return next(blind, label)


def _why_left_out(result: ResultDocument, label: LabelEntry) -> LeftOut | None:
    if not labels.is_same_image(label["image"], result["image"]):
        return "other_version"
    now, then = result["model"], label["model"]
    same = (now["sha256"], now.get("thresholds")) == (then["sha256"], then.get("thresholds"))
    if not same or label["decision"] != result["decision"]:
        return "other_decision"
    if result["decision"] == "review":
        return None
    if label["queue"] != "audit":
        return "not_drawn"
    return None if label["shown"]["blind"] else "not_blind"


def _of_class(of_class: Label, decisions: Mapping[Decision, int], labelled: Iterable[LabelledCell]) -> ClassEvidence:
    wrong: Label = "normal" if of_class == "ALL" else "ALL"
    counts = Counter((cell.decision, cell.answer) for cell in labelled)
    audits = sum(count for (decision, _), count in counts.items() if decision != "review")
    errors, right = counts[wrong, of_class], counts[of_class, of_class]
    return ClassEvidence(
        decided=decisions.get("ALL", 0) + decisions.get("normal", 0),
        decided_wrong_way=decisions.get(wrong, 0),
        errors=errors,
        right=right,
        others=audits - errors - right,
        flagged=decisions.get("review", 0),
        flagged_labelled=sum(count for (decision, _), count in counts.items() if decision == "review"),
        flagged_of_class=counts["review", of_class],
    )
