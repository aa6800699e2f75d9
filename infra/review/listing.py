"""The cells of a queue in the order in which they are shown, filtered as the reviewer wants."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from infra.review.cards import disagree
from infra.review.desk import Desk
from infra.review.waiting import WaitingCell, draw
from infra.review.words import short
from lambda_fn import labels

# ``open``: cells that wait for this reviewer. ``answered``: cells with a standing label, the newest first.
# ``disagreed``: those of them whose readers disagree.
State = Literal["open", "answered", "disagreed"]


@dataclass(frozen=True)
class Filters:
    """Conditions on the cells of a listing.

    Attributes:
        state: which cells.
        prefix: the image's key begins with it.
        reason: a reason of the flag; empty for any. It would betray a blind cell, so it leaves all of them out.
        since: the first day, in UTC, on which the flag or the label was written; None for any.
        until: the last such day; None for any.
    """

    state: State = "open"
    prefix: str = ""
    reason: str = ""
    since: date | None = None
    until: date | None = None

    def in_time(self, day: date) -> bool:
        """Whether a day is in the range."""
        return (self.since is None or day >= self.since) and (self.until is None or day <= self.until)


def list_cells(desk: Desk, filters: Filters, limit: int) -> dict[str, Any]:
    """The cells of a listing, and the counts that the page shows.

    Args:
        desk: the reviewer's desk.
        filters: the conditions.
        limit: the most cells to list.
    """
    cells = _open(desk, filters) if filters.state == "open" else _answered(desk, filters)
    return {
        "cells": cells[:limit],
        "total": len(cells),
        "open": len(desk.waiting.all()),
        "answered": len(desk.labelled.last_of(desk.reviewer)),
        "unread": desk.labelled.unread,
        "loading": desk.waiting.loading,
        "fault": desk.refresher.fault,
        "reasons": _reasons(desk),
    }


def _reasons(desk: Desk) -> list[str]:
    """The reasons to filter by. A reason is the model's view, so blind mode and blind cells have none."""
    if desk.blind:
        return []
    return sorted({reason for cell in desk.waiting.all() if not cell.is_audit for reason in cell.reasons})


def _open(desk: Desk, filters: Filters) -> list[dict[str, Any]]:
    cells = [
        cell
        for cell in desk.waiting.all()
        if cell.key.startswith(filters.prefix)
        and filters.in_time(cell.modified.date())
        and (not filters.reason or (filters.reason in cell.reasons and not desk.blind and not cell.is_audit))
    ]
    cells.sort(key=(lambda cell: (draw(cell.key), cell.key)) if desk.blind else (lambda cell: cell.urgency))
    return [_waiting(desk, cell) for cell in cells]


def _waiting(desk: Desk, cell: WaitingCell) -> dict[str, Any]:
    facts: dict[str, Any] = {"id": desk.id_of(cell.key), "key": cell.key}
    if desk.blind or cell.is_audit:
        return facts
    return facts | {"probability": cell.probability_all, "reasons": short(cell.reasons)}


def _answered(desk: Desk, filters: Filters) -> list[dict[str, Any]]:
    cells = []
    for key, document in desk.labelled.answered():
        if desk.is_second(document) or (filters.state == "disagreed" and not disagree(document)):
            continue
        day = _day(document["labelled_at"])
        if not key.startswith(filters.prefix) or (day and not filters.in_time(day)):
            continue
        facts: dict[str, Any] = {"id": desk.id_of(key), "key": key}
        # In blind mode the answer of somebody else is hidden, too.
        own = document["reviewer"] == desk.reviewer
        has_said = own or desk.reviewer in labels.answers_of(document)
        if has_said or not (desk.blind or labels.queue_of(document["reasons"]) == "audit"):
            facts |= {"label": document["label"], "reviewer": document["reviewer"]}
        cells.append(facts)
    return cells


def _day(time: str) -> date | None:
    try:
        return date.fromisoformat(time[:10])
    except ValueError:
        return None
