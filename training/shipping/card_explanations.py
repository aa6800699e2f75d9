"""The model card's section on explanations."""

from typing import Any

_SECTION = """
## How far its explanations can be trusted
An explanation adds up to the logit of the probability: a typical normal cell, a map of the cell, and bars for colour
and detail. Tested on {cells} cells of {groups} groups of subjects, each by a fold's model that never saw its subject.
Intervals: 95 %, bootstrap over groups.

| test | value | 95 % interval | passed if |
|---|---|---|---|
{rows}

*Deleting* fills fields of 16 px with the cell's mean colour, 5 to 50 % of the cell: the logit without the least
relevant fields minus the logit without the most relevant ones. The map adds up by construction; that alone is no proof
of meaning. The network reads up to 155 px around a field of the map, so its edges are soft.
"""

_ORDERS = {
    "random": "a random order",
    "smooth_random": "a smooth random order",
    "centre_first": "the centre first",
    "dark_first": "dark parts first",
    "local_gradient": "the local gradient",
}
_PERMUTED = {"coefficients": "coefficients", "projection": "projection"}
_VIEWS = {"shift": ("moved by 3 px", ">= .85"), "mirror": ("mirrored", ""), "turn": ("turned by a quarter", "")}


def explanations_section(figures: dict[str, Any]) -> str:
    """Write the section from ``metrics.explanation`` of a manifest, as Markdown."""
    rows = [f"| logits that the sum misses, 99th percentile | {figures['residual_99th_percentile']:.4f} | | <= .01 |"]
    rows.append(_row("logits that deleting by the map moves", figures["deletion"]["map"], ""))
    for name, title in _ORDERS.items():
        rows.append(_row(f"more than by {title}", figures["deletion_excess_over"][name], "interval above 0"))
    for name, title in _PERMUTED.items():
        rows.append(_row(f"rank correlation with permuted {title}", figures["permuted"][name], "< .2"))
    for name, (title, aim) in _VIEWS.items():
        rows.append(_row(f"correlation with the map of the cell {title}", figures["stability"][name], aim))
    if planted := figures.get("planted_cue"):
        title = f"drawn cells whose planted cue is found first, of {planted['cells']}"
        rows.append(f"| {title} | {planted['found_first']:.0%} | | >= 80% |")
    return _SECTION.format(cells=figures["cells"], groups=figures["groups"], rows="\n".join(rows))


def _row(title: str, estimate: dict[str, float], aim: str) -> str:
    return f"| {title} | {estimate['value']:.2f} | {estimate['low']:.2f} to {estimate['high']:.2f} | {aim} |"
