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


@dataclass(frozen=True)
class Naming:
    """How the names of a data set are read.

    Attributes:
        classes: the class that each folder's name stands for; names are in lower case.
        subject_pattern: finds the subject in a cell's name: group ``subject``, else the first group, else the match.
        unknown: what to do with cells of unknown subjects: ``refuse`` them, take them for cells of ``one`` subject,
            which stay together in every split, or give ``each`` a subject of its own, if no person has two cells.
    """

    classes: Mapping[str, Label] = field(default_factory=lambda: LABEL_OF_WORD)
    subject_pattern: re.Pattern[str] | None = None
    unknown: Unknown = "refuse"

    def subject_of(self, name: str) -> str:
        """Read the subject of a cell from its name.

        Raises:
            DatasetError: it is unknown, and such cells are refused.
        """
        if named := read_name(name):
            return named[1]
        if match := self.subject_pattern and self.subject_pattern.search(name):
            groups = match.groupdict()
            return groups["subject"] if "subject" in groups else match[1 if match.re.groups else 0]
        if self.unknown != "refuse":
            return UNKNOWN if self.unknown == "one" else name
        reason = f"the pattern {self.subject_pattern.pattern!r} finds no subject in it" if self.subject_pattern else ""
        raise DatasetError(
            f"Nothing tells whose cell {name} is: {reason or 'name a --subject-pattern'}, or say --unknown-subjects "
            "one (they stay together in every split) or each (no person has two cells)."
        )
