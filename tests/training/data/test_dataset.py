import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lambda_fn.cells import find_cell
from lambda_fn.manifest import Preprocessing
from lambda_fn.morphology import measure
from lambda_fn.morphology_facts import QUANTITIES, quantities
from training.data.dataset import load
from training.errors import DatasetError

SaveCell = Callable[..., Path]
SMALL = Preprocessing(crop=64, size=32)


def test_two_spellings_of_a_subject_are_one_subject(cells: Path, save_cell: SaveCell) -> None:
    save_cell("fold_0/hem/UID_h1_9_9_hem.png", seed=999)
    dataset = load(cells, SMALL)
    assert len(set(dataset.subjects)) == 8
    assert len(set(dataset.groups[dataset.subjects == "H1"])) == 1


def test_a_table_names_cells_of_any_name(tmp_path: Path, save_cell: SaveCell) -> None:
    save_cell("x.png", 1)
    save_cell("sub folder/y.png", 2)
    (tmp_path / "labels.csv").write_text("subject,path,label\np1,x.png,all\np2,sub folder/y.png,hem\n", "utf-8")
    dataset = load(tmp_path, SMALL)
    assert dataset.title == tmp_path.name
    assert list(zip(dataset.names, dataset.is_all, dataset.subjects, strict=True)) == [
        ("sub folder/y.png", False, "P2"),
        ("x.png", True, "P1"),
    ]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("path,label\nx.png,all\n", "lacks the column subject"),
        ("", "lacks the column path"),
        ("path,label,subject\nx.png,blast,p1\n", "line 2: needs"),
        ("path,label,subject\nx.png,all,p1\ny.png,hem,\n", "line 3: needs"),
        ("path,label,subject\nx.png\n", "line 2: needs"),
        ("path,label,subject\n", "holds no labelled cells"),
        ("path,label,subject\nx.png,all,p1\n", "only cells labelled ALL"),
        ("path,label,subject\nx.png,all,p1\ngone.png,hem,p2\n", "gone.png: No such file"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_the_reason(
    table: str, message: str, tmp_path: Path, save_cell: SaveCell
) -> None:
    save_cell("x.png", 1)
    (tmp_path / "labels.csv").write_text(table, "utf-8")
    with pytest.raises(DatasetError, match=message):
        load(tmp_path, SMALL)


@pytest.mark.parametrize("table", [b"path,label,subject\n\xff,all,p1\n", b'path,label,subject\n"x,all,p1\n'])
def test_a_table_that_cannot_be_read_is_refused(table: bytes, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(table)
    with pytest.raises(DatasetError, match="cannot be read as a table"):
        load(tmp_path, SMALL)


def test_a_folder_without_cells_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no labelled cells"):
        load(tmp_path, SMALL)


def test_files_that_cannot_be_read_are_left_out_and_named(cells: Path) -> None:
    (cells / "fold_0/all/UID_1_9_9_all.png").write_text("not an image", "utf-8")
    (cells / "fold_0/all/UID_1_9_8_all.png").touch()
    dataset = load(cells, SMALL)
    assert len(dataset.names) == 32
    assert [line.split(":")[0] for line in dataset.left_out] == [
        "fold_0/all/UID_1_9_8_all.png",
        "fold_0/all/UID_1_9_9_all.png",
    ]


def test_every_file_is_counted_while_cells_are_loaded(cells: Path) -> None:
    calls: list[tuple[int, int]] = []
    load(cells, SMALL, lambda done, total: calls.append((done, total)))
    assert calls == [(done, 32) for done in range(1, 33)]


def test_cells_are_loaded_as_the_function_would_see_them(cells: Path) -> None:
    dataset = load(cells, SMALL)
    assert dataset.pixels.shape == (32, 32, 32, 3)
    assert dataset.pixels.dtype == np.uint8
    assert (dataset.pixels[:, 16, 16] > 40).all()
    assert (dataset.pixels[:, 0, 0] == 0).all()


def test_the_morphology_of_every_cell_is_measured_as_the_function_measures_it(cells: Path) -> None:
    dataset = load(cells, SMALL)
    assert dataset.measured is not None
    assert dataset.measured.shape == (len(dataset.names), len(QUANTITIES))
    first = find_cell(np.asarray(Image.open(next(cells.rglob(f"{dataset.names[0]}*"))).convert("RGB")))
    facts = measure(first.pixels, first.mask)
    assert facts is not None
    assert dataset.measured[0, :6].tolist() == list(quantities(facts).values())[:6]


def test_the_digest_changes_with_a_label_but_not_with_the_place(cells: Path, tmp_path: Path) -> None:
    digest = load(cells, SMALL).digest
    moved = tmp_path / "moved"
    for name in ("fold_0", "fold_1", "fold_2"):
        shutil.move(cells / name, moved / name)
    assert load(moved, SMALL).digest == digest
    path = moved / "fold_1/all/UID_1_1_1_all.png"
    path.rename(path.with_name("UID_1_1_1_hem.png"))
    assert load(moved, SMALL).digest != digest


def test_a_cell_that_stands_under_two_subjects_links_them(cells: Path) -> None:
    (cells / "fold_0/all/UID_77_1_1_all.png").write_bytes((cells / "fold_1/all/UID_1_1_1_all.png").read_bytes())
    dataset = load(cells, SMALL)
    group = dict(zip(dataset.subjects, dataset.groups, strict=True))
    assert group["77"] == group["1"]
    assert len(set(group.values())) == 8


def test_a_cell_in_two_stains_links_its_subjects(cells: Path) -> None:
    with Image.open(cells / "fold_1/all/UID_1_1_1_all.png") as image:
        image.convert("RGB", (0.9, 0, 0, 0, 0, 1.1, 0, 0, 0, 0, 0.8, 0)).save(cells / "fold_0/all/UID_77_1_1_all.png")
    dataset = load(cells, SMALL)
    group = dict(zip(dataset.subjects, dataset.groups, strict=True))
    assert group["77"] == group["1"]
    assert len(np.unique(dataset.photographs)) == len(dataset.names) - 1
