import math
from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_fn.betting import Audit, against_at_least, against_at_most

RATES = st.floats(0.005, 0.5)
SHARES = st.floats(0.001, 1)


def mean_money(
    money: Callable[[float, Audit, float], float],
    rate: float,
    flagged: float,
    chances: tuple[float, float],
    audits: int,
) -> float:
    """The mean money over all outcomes of some audits; ``chances`` are those of an error and of a right cell."""
    wrong, right = chances
    total = 0.0
    for errors, agreed in product(range(audits + 1), repeat=2):
        others = audits - errors - agreed
        if others >= 0:
            orders = math.comb(audits, errors) * math.comb(audits - errors, agreed)
            chance = orders * wrong**errors * right**agreed * (1 - wrong - right) ** others
            total += chance * math.exp(money(rate, Audit(errors, agreed, others), flagged))
    return total


@given(RATES, SHARES, st.floats(0, 0.3))
def test_a_bet_is_fair_if_the_rate_is_the_stated_one(rate: float, of_class: float, flagged: float) -> None:
    wrong = rate * (of_class + flagged) if rate * (of_class + flagged) <= of_class else of_class
    if wrong < of_class:  # the stated rate can be reached
        chances = (wrong, of_class - wrong)
        for money in (against_at_most, against_at_least):
            assert mean_money(money, rate, flagged, chances, 6) == pytest.approx(1, abs=1e-6)


@given(RATES, SHARES, st.floats(0, 1))
def test_a_bet_against_a_true_statement_loses_on_average(rate: float, of_class: float, part: float) -> None:
    less, more = rate * part * of_class, (rate + (1 - rate) * part) * of_class
    assert mean_money(against_at_most, rate, 0, (less, of_class - less), 6) <= 1 + 1e-6
    assert mean_money(against_at_least, rate, 0, (more, of_class - more), 6) <= 1 + 1e-6


@given(RATES, st.integers(0, 300), st.integers(0, 300), st.integers(0, 300), st.floats(0, 2))
def test_more_flagged_cells_speak_for_a_lower_rate(
    rate: float, errors: int, right: int, others: int, flagged: float
) -> None:
    audit = Audit(errors, right, others)
    assert against_at_most(rate, audit, flagged + 0.1) <= against_at_most(rate, audit, flagged) + 1e-9
    assert against_at_least(rate, audit, flagged + 0.1) >= against_at_least(rate, audit, flagged) - 1e-9


def test_no_audit_is_no_evidence() -> None:
    assert against_at_most(0.04, Audit(0, 0, 0), 0.2) == pytest.approx(0)
    assert against_at_least(0.04, Audit(0, 0, 0), 0.2) == pytest.approx(0)
    assert against_at_least(0.04, Audit(0, 0, 0), 30) == 0
