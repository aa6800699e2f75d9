import re
from collections.abc import Callable
from pathlib import Path

import pytest

from training.data.naming import Naming
from training.data.sources import find_cells
from training.errors import DatasetError

SaveCell = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path, save_cell: SaveCell) -> Path:
    for name in ("Blasts/p1/a.png", "Blasts/p2/b.png", "normal/p3/c.png", "notes/d.png"):
        save_cell(name)
    return tmp_path


@pytest.mark.parametrize(
    ("naming", "subjects"),
    [
        ({"subject_pattern": re.compile(r"(p[0-9]+)/")}, ["P1", "P2", "P3"]),
        ({"subject_pattern": re.compile(r"/(?P<subject>[^/]+)/")}, ["P1", "P2", "P3"]),
        ({"subject_pattern": re.compile("p[0-9]")}, ["P1", "P2", "P3"]),
        ({"subject_pattern": re.compile("p[12]"), "unknown": "one"}, ["P1", "P2", "UNKNOWN"]),
        ({"unknown": "one"}, ["UNKNOWN"] * 3),
        ({"unknown": "each"}, ["BLASTS/P1/A.PNG", "BLASTS/P2/B.PNG", "NORMAL/P3/C.PNG"]),
    ],
)
def test_folders_named_as_classes_are_cells_of_the_subjects_that_a_pattern_finds(
    naming: dict[str, object], subjects: list[str], tree: Path
) -> None:
    _, cells = find_cells(tree, Naming(classes={"blasts": "ALL", "normal": "normal"}, **naming))  # type: ignore[arg-type]
    assert [cell.label for cell in cells] == ["ALL", "ALL", "normal"]
    assert [cell.subject for cell in cells] == subjects


@pytest.mark.parametrize("pattern", [None, "q[0-9]"])
def test_folders_named_as_classes_are_refused_while_nothing_tells_their_subjects(
    pattern: str | None, tree: Path
) -> None:
    naming = Naming(subject_pattern=re.compile(pattern) if pattern else None)
    with pytest.raises(DatasetError, match=r"Nothing tells whose cell normal/p3/c\.png is.*--unknown-subjects"):
        find_cells(tree, naming)
