"""The tests of explanations as rows of a table, for the model card and the report."""

from typing import Any, NamedTuple

_ORDERS = {
    "random": "a random order",
    "smooth_random": "a smooth random order",
    "centre_first": "the centre first",
    "dark_first": "dark parts first",
    "local_gradient": "the local gradient",
}
_PERMUTED = {"coefficients": 0.2, "projection": 0.2, "features": None}
_VIEWS = {"shift": ("moved by 3 px", 0.85), "mirror": ("mirrored", None), "turn": ("turned by a quarter", None)}
# Logits that a sum may miss, and the share of planted cues that must be found.
_RESIDUAL, _FOUND = 0.01, 0.8


class Row(NamedTuple):
    """A test.

    Attributes:
        title: what was measured.
        value: the figure, in words.
        interval: its 95 % interval in words; empty if it has none.
        aim: when the test is passed; empty if it is only reported.
        passed: whether it is; None if it is only reported.
    """

    title: str
    value: str
    interval: str
    aim: str
    passed: bool | None


def table(figures: dict[str, Any]) -> list[Row]:
    """Describe the figures that ``faithfulness.summarise`` gives."""
    residual = figures["residual_99th_percentile"]
    title = "logits that the sum misses, 99th percentile"
    rows = [Row(title, f"{residual:.4f}", "", f"<= {_RESIDUAL}", residual <= _RESIDUAL)]
    rows.append(_row("logits that deleting by the map moves", figures["deletion"]["map"], "", None))
    for name, words in _ORDERS.items():
        excess = figures["deletion_excess_over"][name]
        rows.append(_row(f"more than by {words}", excess, "interval above 0", excess["low"] > 0))
    for name, most in _PERMUTED.items():
        figure = figures["permuted"][name]
        aim = "" if most is None else f"< {most}"
        passed = None if most is None else figure["value"] < most
        rows.append(_row(f"rank correlation with the map of permuted {name}", figure, aim, passed))
    for name, (words, least) in _VIEWS.items():
        figure = figures["stability"][name]
        aim = "" if least is None else f">= {least}"
        passed = None if least is None else figure["value"] >= least
        rows.append(_row(f"correlation with the map of the cell {words}", figure, aim, passed))
    if planted := figures.get("planted_cue"):
        title = f"drawn cells whose planted cue is found first, of {planted['cells']}"
        found = planted["found_first"]
        rows.append(Row(title, f"{found:.0%}", "", f">= {_FOUND:.0%}", found >= _FOUND))
    return rows


def _row(title: str, estimate: dict[str, float], aim: str, passed: bool | None) -> Row:
    interval = f"{estimate['low']:.2f} to {estimate['high']:.2f}"
    return Row(title, f"{estimate['value']:.2f}", interval, aim, passed)
