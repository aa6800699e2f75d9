"""Whether the promised error rates hold in this laboratory, as a report states it."""

from dataclasses import dataclass

from lambda_fn.manifest import ErrorRate
from lambda_fn.promises import Verdict


@dataclass(frozen=True)
class PromisedRate:
    """An error rate that is promised, and what answers to cells drawn by chance say of it.

    Attributes:
        name: of the promise.
        words: the error, such as "ALL cells decided normal".
        promised: the rate that the thresholds were chosen for, 0 to 1.
        estimate: of the rate, 0 to 1; None if nothing can be said of it.
        interval: lowest and highest rate that the answers do not refute, 0 to 1; None without answers.
        cells: answered cells that this rests on.
        verdict: whether it holds.
        state: the verdict in words, such as "holds", "broken" or "cannot be said yet".
    """

    name: ErrorRate
    words: str
    promised: float
    estimate: float | None
    interval: tuple[float, float] | None
    cells: int
    verdict: Verdict
    state: str


@dataclass(frozen=True)
class PromiseState:
    """The state of all promised rates, and the sentences that people must read beside them."""

    rates: tuple[PromisedRate, ...]
    notes: tuple[str, ...] = ()
