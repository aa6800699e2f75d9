"""Whether the promised error rates hold in this laboratory, as a report states it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PromisedRate:
    """An error rate that is promised, and what answers to cells drawn by chance say of it.

    Attributes:
        words: the error, such as "ALL cells decided normal".
        promised: the rate that the thresholds were chosen for, 0 to 1.
        estimate: of the rate, 0 to 1; None if too few cells were answered for one.
        low: lower end of the estimate's interval; None without an estimate.
        high: upper end.
        cells: answered cells that the estimate rests on.
        state: one word or two, such as "holds", "broken" or "cannot be said".
    """

    words: str
    promised: float
    estimate: float | None
    low: float | None
    high: float | None
    cells: int
    state: str


@dataclass(frozen=True)
class PromiseState:
    """The state of all promised rates, and the sentences that people must read beside them."""

    rates: tuple[PromisedRate, ...]
    notes: tuple[str, ...] = ()
