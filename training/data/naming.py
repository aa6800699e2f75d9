"""Reads classes and subjects from the names of folders and images."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lambda_fn.decisions import Label
from training.data.c_nmc import read_name
from training.data.labelled_cell import LABEL_OF_WORD
from training.errors import DatasetError

# The subject of all cells whose own is unknown, if they are taken for one.
UNKNOWN = "UNKNOWN"
Unknown = Literal["refuse", "one", "each"]
_LABEL_OF_DIGIT: dict[str, Label] = {"1": "ALL", "0": "normal"}


@dataclass(frozen=True)
class Naming:
    """How the names of a data set are read.

    Attributes:
        classes: the class that each folder's name stands for; names are in lower case.
        subject_pattern: finds the subject in a cell's name: group ``subject``, else the first group, else the match.
        unknown: what to do with cells of unknown subjects: ``refuse`` them, take them for cells of ``one`` subject,
            which stay together in every split, or give ``each`` a subject of its own, if no person has two cells.
        label_pattern: finds the word for the class in a cell's name, as ``subject_pattern`` finds the subject (group
            ``label``). Beside ``classes``, 1 stands for ALL and 0 for a normal cell.
    """

    classes: Mapping[str, Label] = field(default_factory=lambda: LABEL_OF_WORD)
    subject_pattern: re.Pattern[str] | None = None
    unknown: Unknown = "refuse"
    label_pattern: re.Pattern[str] | None = None

    def label_word_of(self, name: str) -> str | None:
        """The word for the class in a cell's name, in lower case; None if the pattern finds none."""
        span = _span(self.label_pattern, name, "label")
        return name[slice(*span)].lower() if span else None

    def label_of_word(self, word: str) -> Label | None:
        """The class that a word in a name stands for; None if it stands for none."""
        return self.classes.get(word) or _LABEL_OF_DIGIT.get(word)

    def subject_span(self, name: str) -> tuple[int, int] | None:
        """Start and end of the subject in a cell's name, as the pattern finds it; None if it finds none."""
        return _span(self.subject_pattern, name, "subject")

    def subject_of(self, name: str) -> str:
        """Read the subject of a cell from its name.

        Raises:
            DatasetError: it is unknown, and such cells are refused.
        """
        if named := read_name(name):
            return named[1]
        if span := self.subject_span(name):
            return name[slice(*span)]
        if self.unknown != "refuse":
            return UNKNOWN if self.unknown == "one" else name
        reason = f"the pattern {self.subject_pattern.pattern!r} finds no subject in it" if self.subject_pattern else ""
        raise DatasetError(
            f"Nothing tells whose cell {name} is: {reason or 'name a --subject-pattern'}, or say --unknown-subjects "
            "one (they stay together in every split) or each (no person has two cells)."
        )


def _span(pattern: re.Pattern[str] | None, name: str, group: str) -> tuple[int, int] | None:
    """Where a pattern finds something in a name: its named group, else its first group, else the whole match."""
    match = pattern.search(name) if pattern else None
    if match is None:
        return None
    start, end = match.span(group if group in match.re.groupindex else min(match.re.groups, 1))
    return (start, end) if start < end else None
