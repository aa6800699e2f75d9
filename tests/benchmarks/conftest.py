"""Cells for measurements, and tables of their results."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from rich.table import Table

from infra.packaging.bundle import Bundle, build, local_target
from training.synthetic.cell import draw_cell

ROWS: list[tuple[str, ...]] = []
TABLES: list[Table] = []


class ComparisonRow(NamedTuple):
    """One row of the table: a measurement beside a reference from the same run."""

    subject: str
    reference: str
    unit: str
    ours: Sequence[float]
    theirs: Sequence[float]
    aim: str

    def report(self, faster: bool = False) -> None:
        """Add the row: both medians, the median ratio of the rounds, and the number of rounds."""
        pairs = zip(self.ours, self.theirs, strict=True)
        ratio = median(their / our if faster else our / their for our, their in pairs)
        values = (f"{median(side):.4g} {self.unit}" for side in (self.ours, self.theirs))
        ROWS.append((self.subject, self.reference, *values, f"{ratio:.2f}", self.aim, str(len(self.ours))))


def report(subject: str, value: str, aim: str, rounds: int = 1) -> None:
    """Add a row without a reference."""
    ROWS.append((subject, "", value, "", "", aim, str(rounds)))


def pytest_terminal_summary() -> None:
    table = Table("measured", "beside", "ours", "theirs", "ratio", "aim", "n", title="Medians of rounds in one run")
    for row in ROWS:
        table.add_row(*row)
    Console(width=150).print(*TABLES, table, sep="\n")


@pytest.fixture(scope="session")
def cells() -> list[bytes]:
    """Fifty drawn cells as 24-bit BMPs of 450 x 450 pixels, as a laboratory uploads them."""
    generator = np.random.default_rng(0)
    files = []
    for number in range(50):
        buffer = io.BytesIO()
        Image.fromarray(draw_cell(("all", "hem")[number % 2], generator)).save(buffer, "BMP")
        files.append(buffer.getvalue())
    return files


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return build(local_target())


@pytest.fixture(scope="session")
def unzipped(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the function's code, as Lambda unpacks it."""
    import zipfile

    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(bundle.code) as archive:
        archive.extractall(folder)
    return folder


def rounds(count: int, *sides: Callable[[], float]) -> list[list[float]]:
    """Measure each side once in every round, so that a busy moment of the machine slows all sides alike."""
    for side in sides:
        side()  # the first call of each imports modules and allocates buffers
    values: list[list[float]] = [[] for _ in sides]
    for _ in range(count):
        for side, measured in zip(sides, values, strict=True):
            measured.append(side())
    return values
