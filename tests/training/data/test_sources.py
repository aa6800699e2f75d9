import re
from collections.abc import Callable
from pathlib import Path

import pytest

from training.data.naming import Naming
from training.data.sources import find_cells, survey
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


def test_files_of_a_folder_that_become_no_cells_are_counted_by_their_kind(tree: Path, save_cell: SaveCell) -> None:
    for name in ("Blasts/p1/a.gif", "Blasts/b.GIF", "normal/notes", "normal/.DS_Store", ".cache/x.png"):
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).touch()
    naming = Naming(classes={"blasts": "ALL", "normal": "normal"}, unknown="each")
    counts = survey(tree, naming).counts()
    assert counts == {".gif": 2, "hidden": 2, "without a suffix": 1, "without a label": 1}


def test_a_table_and_the_files_that_it_names_are_not_passed_over(tmp_path: Path, save_cell: SaveCell) -> None:
    for name in ("x.png", "deeper/y.png", "z.png"):
        save_cell(name)
    (tmp_path / "raw").touch()
    (tmp_path / "labels.csv").write_text(
        "path,label,subject\nx.png,all,1\ndeeper/../deeper/y.png,hem,2\nraw,hem,3\nabsent.gif,hem,3\n", "utf-8"
    )
    assert survey(tmp_path, Naming()).counts() == {"without a label": 1}


def test_a_preliminary_set_counts_its_table_among_the_files_that_are_read(tmp_path: Path, save_cell: SaveCell) -> None:
    save_cell("set/1.bmp")
    save_cell("set/2.bmp")
    rows = ("Patient_ID,new_names,labels", "UID_57_29_1_all.bmp,1.bmp,1", "UID_H30_6_2_hem.bmp,2.bmp,0")
    (tmp_path / "set/labels_of_the_set.csv").write_text("\n".join(rows), "utf-8")
    (tmp_path / "set/notes.csv").write_text("a,b\n", "utf-8")
    assert survey(tmp_path, Naming()).counts() == {".csv": 1}
