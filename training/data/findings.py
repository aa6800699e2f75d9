"""A kind of fault in a data set, as `cellflag train index` shows it."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from training.files import appearing

COLUMNS = ("problem", "case", "remedy")


@dataclass(frozen=True)
class Finding:
    """A kind of fault in a data set.

    Attributes:
        problem: what is wrong.
        cases: each case, one line.
        remedy: what was done about it.
    """

    problem: str
    cases: tuple[str, ...]
    remedy: str


def write_findings(path: Path, findings: Iterable[Finding]) -> None:
    """Write a table with a line for each case. Names of files that are not UTF-8 are written with escapes.

    Raises:
        FileExistsError: there is such a file.
    """
    with (
        appearing(path, new=True) as arriving,
        arriving.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows((finding.problem, case, finding.remedy) for finding in findings for case in finding.cases)
