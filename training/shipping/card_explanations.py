"""The model card's section on explanations."""

from typing import Any

from training.evaluation.faithfulness_table import Row, table

_SECTION = """
## How far its explanations can be trusted
An explanation adds up to the logit of the probability: a typical normal cell, a map of the cell, and bars for colour
and detail. Tested on {cells} cells of {groups} groups of subjects, each by a fold's model that never saw its subject.
Intervals: 95 %, bootstrap over groups.

| test | value | 95 % interval | aim |
|---|---|---|---|
{rows}

*Deleting* fills fields of 16 px with the cell's mean colour, 5 to 50 % of the cell: the logit without the least
relevant fields minus the logit without the most relevant ones. The map adds up by construction; that alone is no proof
of meaning. A field of the map is spread over what it sees of the cell, 43 px and more, so its edges are soft.
"""


def explanations_section(figures: dict[str, Any]) -> str:
    """Write the section from ``metrics.explanation`` of a manifest, as Markdown."""
    rows = "\n".join(f"| {row.title} | {row.value} | {row.interval} | {_aim(row)} |" for row in table(figures))
    return _SECTION.format(cells=figures["cells"], groups=figures["groups"], rows=rows)


def _aim(row: Row) -> str:
    return f"{row.aim}: {'passed' if row.passed else '**not passed**'}" if row.aim else ""
