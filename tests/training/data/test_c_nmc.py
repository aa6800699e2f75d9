import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from training.data.sources import find_cells
from training.errors import DatasetError

SaveCell = Callable[..., Path]


@pytest.mark.parametrize(
    ("name", "label", "subject"),
    [
        ("UID_14_2_3_all.bmp", "ALL", "14"),
        ("fold_0/all/UID_14_2_3_all.webp", "ALL", "14"),
        ("a/b/c/fold_2/hem/UID_H7_1_10_hem.PNG", "normal", "H7"),
        ("fold_1/hem/uid_h7_1_10_HEM.tiff", "normal", "H7"),
    ],
)
def test_a_cell_named_as_in_c_nmc_gives_its_label_and_subject(
    name: str, label: str, subject: str, tmp_path: Path
) -> None:
    other = {"ALL": "UID_H99_1_1_hem.bmp", "normal": "UID_99_1_1_all.bmp"}[label]
    for path in (tmp_path / name, tmp_path / other):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    title, cells = find_cells(tmp_path)
    assert title == "C-NMC 2019"
    assert [(c.name, c.label, c.subject) for c in cells if c.name == name] == [(name, label, subject)]


def test_files_with_other_names_are_no_cells(cells: Path) -> None:
    before = find_cells(cells)
    (cells / "1.bmp").touch()
    (cells / "UID_5_1_1_all.txt").touch()
    assert find_cells(cells) == before


def save_preliminary(folder: Path, rows: list[tuple[str, str, str]]) -> Path:
    table = folder / "C-NMC_test_prelim_phase_data_labels.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("Patient_ID", "new_names", "labels"), *rows])
    return table


PRELIMINARY = [("UID_57_29_1_all.bmp", "1.bmp", "1"), ("UID_H30_6_2_hem.bmp", "2.bmp", "0")]


@pytest.mark.parametrize("by_folder", [True, False])
def test_the_preliminary_set_tells_by_its_table_whose_cells_it_holds(
    by_folder: bool, tmp_path: Path, save_cell: SaveCell
) -> None:
    for name in ("1.bmp", "2.bmp"):
        save_cell(f"preliminary/images/{name}")
    table = save_preliminary(tmp_path / "preliminary", PRELIMINARY)
    title, cells = find_cells(tmp_path if by_folder else table)
    assert title == "C-NMC 2019"
    assert [(cell.label, cell.subject, Path(cell.location).name) for cell in cells] == [
        ("ALL", "57", "1.bmp"),
        ("normal", "H30", "2.bmp"),
    ]
    assert all(Path(cell.location).is_file() for cell in cells)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("UID_57_29_1_all.bmp", "1.bmp", "0"), "line 2: needs a Patient_ID"),
        (("UID_57_29_1_all.bmp", "1.bmp", "blast"), "line 2: needs a Patient_ID"),
        (("57", "1.bmp", "1"), "line 2: needs a Patient_ID"),
    ],
)
def test_a_preliminary_table_that_contradicts_itself_is_refused(
    row: tuple[str, str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=message):
        find_cells(save_preliminary(tmp_path, [row]))


def test_a_number_that_names_two_images_is_refused(tmp_path: Path, save_cell: SaveCell) -> None:
    for phase in ("preliminary", "final"):
        save_cell(f"{phase}/1.bmp")
    with pytest.raises(DatasetError, match="lies twice"):
        find_cells(save_preliminary(tmp_path, PRELIMINARY))
