"""Goes through the results once, and keeps the counts, and of the documents themselves only the few that are shown."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heappush, heappushpop
from typing import Final

from infra.slide_report.agreement import Agreement, contradicts
from infra.slide_report.answers import PersonsAnswer
from infra.slide_report.histogram import ScoreCounts
from lambda_fn.labels import queue_of
from lambda_fn.results import DecisionOrRejected, ModelFacts, ResultDocument, decision_or_rejected
from lambda_fn.slides import SlideSummary, SlideTallies

# Most rows of each table. All that is left out is counted.
MOST_FLAGGED: Final = 60
MOST_REJECTED: Final = 40
MOST_CONTRADICTED: Final = 40


@dataclass(frozen=True, slots=True)
class ShownResult:
    """A result that is shown by itself, and the answer of a person to its pixels; None without one."""

    document: ResultDocument
    answer: PersonsAnswer | None


class Foremost:
    """The results with the highest probability of ALL among those that were added; of equal ones, the first."""

    def __init__(self, most: int) -> None:
        """Keep at most this many."""
        self.seen = 0
        self._most = most
        self._heap: list[tuple[float, int, ShownResult]] = []

    def add(self, result: ShownResult) -> None:
        """Add a result; one without a probability comes after all others."""
        prediction = result.document["prediction"]
        entry = (prediction["probability_all"] if prediction else -1.0, -self.seen, result)
        self.seen += 1
        if len(self._heap) < self._most:
            heappush(self._heap, entry)
        elif self._most:
            heappushpop(self._heap, entry)

    @property
    def results(self) -> list[ShownResult]:
        """The results, the most probable ALL first."""
        return [result for _, _, result in sorted(self._heap, key=lambda entry: entry[:2], reverse=True)]

    @property
    def left_out(self) -> int:
        """Number of results that were added and not kept."""
        return self.seen - len(self._heap)


@dataclass
class Gathered:
    """What a report states.

    Attributes:
        whole: all results together.
        slides: each slide for itself, by rising name.
        decisions: number of images by decision, with rejected ones apart.
        scores: probabilities of ALL by decision.
        models: the models that gave the results, with the number of each.
        suspicious: scored cells.
        flagged: scored cells that wait for a person.
        rejected: images that could not be scored.
        contradicted: decided cells that a person gave the other class to.
        agreement: what people said.
        awaiting_blind: decided cells, drawn by chance, that wait for a blind answer. A person who reads the report may
            have to give it, so nothing above shows such a cell by itself.
        first, last: when the first and the last image was scored, ISO 8601 in UTC; empty without results.
    """

    whole: SlideSummary
    slides: list[SlideSummary]
    decisions: Counter[DecisionOrRejected]
    scores: ScoreCounts
    models: Counter[tuple[str, str]]
    suspicious: Foremost
    flagged: Foremost
    rejected: Foremost
    contradicted: Foremost
    agreement: Agreement = field(default_factory=Agreement)
    awaiting_blind: int = 0
    first: str = ""
    last: str = ""

    @property
    def model(self) -> ModelFacts | None:
        """The model that gave all results; None if several did."""
        if len(self.models) != 1:
            return None
        ((version, sha256),) = self.models
        return {"version": version, "sha256": sha256}


def gather(documents: Iterable[ResultDocument], answers: Mapping[str, PersonsAnswer], cells: int) -> Gathered | None:
    """Read results one by one; returns None if there is none.

    Args:
        documents: the results.
        answers: by the key of the image.
        cells: number of the most suspicious cells to keep.
    """
    # No folder at all is a slide that holds every image.
    whole, slides = SlideTallies(depth=0), SlideTallies()
    foremost = Foremost(cells), Foremost(MOST_FLAGGED), Foremost(MOST_REJECTED), Foremost(MOST_CONTRADICTED)
    suspicious, flagged, rejected, contradicted = foremost
    agreement, scores, awaiting_blind = Agreement(), ScoreCounts(), 0
    decisions: Counter[DecisionOrRejected] = Counter()
    models: Counter[tuple[str, str]] = Counter()
    first = last = ""
    for document in documents:
        whole.add(document)
        slides.add(document)
        decisions[decision_or_rejected(document)] += 1
        models[document["model"]["version"], document["model"]["sha256"]] += 1
        scores.add(document)
        time = document["scored_at"]
        first, last = min(first or time, time), max(last, time)
        answer = answers.get(document["image"]["key"])
        if answer and not answer.is_about(document["image"]):
            agreement.outdated += 1
            answer = None
        if answer:
            agreement.add(document, answer)
        review = document["review"]
        if not answer and review["required"] and queue_of(review["reasons"]) == "audit":
            awaiting_blind += 1
            continue
        result = ShownResult(document, answer)
        if document["prediction"]:
            suspicious.add(result)
            if review["required"] and not answer:
                flagged.add(result)
        else:
            rejected.add(result)
        if answer and contradicts(document, answer):
            contradicted.add(result)
    if not decisions:
        return None
    (together,) = whole.summaries()
    return Gathered(
        together,
        slides.summaries(),
        decisions,
        scores,
        models,
        *foremost,
        agreement,
        awaiting_blind,
        first,
        last,
    )
