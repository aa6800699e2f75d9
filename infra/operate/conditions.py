"""Conditions on the numbers of a result, such as ``deepest_cleft>=0.1``."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from lambda_fn.morphology_facts import QUANTITIES, quantities
from lambda_fn.results import ResultDocument

NAMES = ("probability_all", *QUANTITIES)
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}


@dataclass(frozen=True)
class Condition:
    """A comparison of a number of a result.

    Attributes:
        name: one of ``NAMES``.
        comparison: one of ``>=``, ``<=``, ``>``, ``<`` and ``=``.
        value: what the number is compared with.
    """

    name: str
    comparison: str
    value: float

    def holds(self, document: ResultDocument) -> bool:
        """Whether a result meets the condition; it does not if the number was not measured."""
        prediction = document["prediction"]
        numbers = {"probability_all": prediction["probability_all"] if prediction else None}
        number = (numbers | quantities(document["morphology"]))[self.name]
        return number is not None and _COMPARISONS[self.comparison](number, self.value)


def read_condition(text: str) -> Condition:
    """Read a condition, written as name, comparison and number.

    Raises:
        ValueError: the text is none, or there is no number of that name.
    """
    parts = re.fullmatch(r"\s*(\w+)\s*(>=|<=|>|<|=)\s*([0-9.eE+-]+)\s*", text)
    if not parts or parts[1] not in NAMES:
        raise ValueError(f"{text!r} is no condition")
    return Condition(parts[1], parts[2], float(parts[3]))
