"""Tests a promised rate by betting, so that the answer may be read after every label, as often as one likes.

Somebody bets against a statement, such as "at most 4 % of the ALL cells are decided normal", with odds that are fair if
the statement is true. Then the money grows twentyfold with a chance of 1 in 20 at most, however long the game lasts
(Ville's inequality). Money that has grown twentyfold is thereby evidence against the statement at a level of 5 %, on
whichever day one looks: Waudby-Smith & Ramdas (2024), Journal of the Royal Statistical Society B 86, 1-27.

Three kinds of audited cells matter: *errors* (of the class, decided as the other one), *right* ones (of the class,
decided as it), and *others*, which are not of the class. Cells of the class that went to review are not audited; they
come in as their number for each decided cell, ``flagged``. Because each bet stakes a fixed share of the money, the
order of the labels does not matter, and the money follows from four numbers. Several such shares are bet side by side.

All three packages read this module, so it imports the standard library alone.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# Shares of the money, of the most that may be staked. The error rates are small: to bet that a rate is larger than
# promised, little money is staked against long odds. To bet that it is smaller, much is.
_STAKES_ON_MORE: Final = tuple(0.01 * 1.25**step for step in range(20))
_STAKES_ON_LESS: Final = tuple(0.1 + 0.0978 * step for step in range(10))


@dataclass(frozen=True)
class Audit:
    """Numbers of audited cells. Projections have parts of cells, so they need not be whole.

    Attributes:
        errors: cells of the class that were decided as the other class.
        right: cells of the class that were decided as it.
        others: audited cells that are not of the class, or of which the reviewer could not say it.
    """

    errors: float
    right: float
    others: float

    @property
    def cells(self) -> float:
        """The number of audited cells."""
        return self.errors + self.right + self.others


def against_at_most(rate: float, audit: Audit, flagged: float) -> float:
    """The logarithm of the money of a bet against "at most this rate of the class is decided wrongly".

    Args:
        rate: above 0, below 1.
        audit: decided cells that were drawn by chance.
        flagged: number of cells of the class that went to review, for each decided cell; 0 or more. A number that is
            too large makes the bet more cautious.

    Returns:
        0 without audits; the statement is refuted at a level of 5 % from ``log(20)`` on.
    """
    # ``error - rate * (error + right + flagged)`` is 0 on average if the rate is exactly this one. The most that can be
    # lost in a turn is ``rate * (1 + flagged)``, by a right cell.
    most, part = rate * (1 + flagged), flagged / (1 + flagged)
    return _mean_of_exponentials(
        audit.errors * math.log1p(stake * (1 / most - 1))
        + audit.right * math.log1p(-stake)
        + audit.others * math.log1p(-stake * part)
        for stake in _STAKES_ON_MORE
    )


def against_at_least(rate: float, audit: Audit, flagged: float) -> float:
    """The logarithm of the money of a bet against "at least this rate of the class is decided wrongly".

    Args:
        rate: above 0, below 1.
        audit: decided cells that were drawn by chance.
        flagged: as in ``against_at_most``, but a number that is too small makes the bet more cautious.
    """
    most, part = rate * (1 + flagged), flagged / (1 + flagged)
    if most >= 1:  # so many go to review that the rate would be smaller even if every decision were wrong
        return math.inf if audit.cells else 0.0
    odds = most / (1 - most)
    return _mean_of_exponentials(
        audit.errors * math.log1p(-stake)
        + audit.right * math.log1p(stake * odds)
        + audit.others * math.log1p(stake * odds * part)
        for stake in _STAKES_ON_LESS
    )


def _mean_of_exponentials(logarithms: Iterable[float]) -> float:
    values = list(logarithms)
    largest = max(values)
    return largest + math.log(sum(math.exp(value - largest) for value in values) / len(values))
