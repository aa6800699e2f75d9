"""How people's answers agree with the model's view of the same pixels."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Literal

from infra.promise.readers import agreement_of_pairs, in_words
from infra.slide_report.answers import PersonsAnswer
from lambda_fn.labels import Answer, Queue
from lambda_fn.results import ResultDocument

# What the model made of a cell: a decision, or the likelier class of a cell that it left to a person.
Outcome = Literal["decided_all", "decided_normal", "left_all", "left_normal", "not_scored"]
OUTCOMES: Final[dict[Outcome, str]] = {
    "decided_all": "decided ALL",
    "decided_normal": "decided normal",
    "left_all": "left to a person, likelier ALL",
    "left_normal": "left to a person, likelier normal",
    "not_scored": "not scored",
}
_CLASS: Final[dict[Outcome, Answer]] = {
    "decided_all": "ALL",
    "decided_normal": "normal",
    "left_all": "ALL",
    "left_normal": "normal",
}


@dataclass
class Agreement:
    """Counts of answered cells.

    Attributes:
        counts: by why the cell was answered, the model's outcome, and the person's answer.
        reviewers: answers of each person.
        blind: answers that were given before anything of the model's view was seen.
        pairs: cells by the answers of two people who did not see each other's.
        outdated: answers that were given to another version of the image. They are not counted above.
    """

    counts: Counter[tuple[Queue, Outcome, Answer]] = field(default_factory=Counter)
    reviewers: Counter[str] = field(default_factory=Counter)
    blind: int = 0
    pairs: Counter[tuple[Answer, Answer]] = field(default_factory=Counter)
    outdated: int = 0

    def add(self, document: ResultDocument, answer: PersonsAnswer) -> None:
        """Count an answer to these very pixels."""
        self.counts[answer.queue, outcome_of(document), answer.label] += 1
        self.reviewers[answer.reviewer] += 1
        self.blind += answer.blind
        if answer.pair:
            self.pairs[answer.pair] += 1

    @property
    def answered(self) -> int:
        """Number of answered cells."""
        return self.counts.total()

    @property
    def of_readers(self) -> str:
        """How far two people agree, in words; empty if no cell was answered by two."""
        return in_words(agreement_of_pairs(self.pairs))

    def rows(self, queue: Queue) -> list[tuple[str, tuple[int, int, int]]]:
        """Return the outcomes that were answered, in words, each with the answers ALL, normal and cannot say."""
        rows = []
        for outcome, words in OUTCOMES.items():
            numbers = tuple(self.counts[queue, outcome, answer] for answer in ("ALL", "normal", "cannot_say"))
            if any(numbers):
                rows.append((words, numbers))
        return rows  # type: ignore[return-value] # three numbers

    def compared(self, queue: Queue) -> tuple[int, int]:
        """Return how many scored cells a person gave a class to, and in how many it is the model's likelier class."""
        both = agree = 0
        for (of_queue, outcome, answer), count in self.counts.items():
            if of_queue == queue and outcome in _CLASS and answer != "cannot_say":
                both += count
                agree += count * (_CLASS[outcome] == answer)
        return both, agree


def outcome_of(document: ResultDocument) -> Outcome:
    """Return what the model made of a cell."""
    prediction = document["prediction"]
    if prediction is None:
        return "not_scored"
    match document["decision"]:
        case "ALL":
            return "decided_all"
        case "normal":
            return "decided_normal"
    return "left_all" if prediction["label"] == "ALL" else "left_normal"


def contradicts(document: ResultDocument, answer: PersonsAnswer) -> bool:
    """Return whether a person gave the other class to a decided cell."""
    return document["decision"] != "review" and {document["decision"], answer.label} == {"ALL", "normal"}
