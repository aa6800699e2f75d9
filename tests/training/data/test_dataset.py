import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lambda_fn.cells import find_cell
from lambda_fn.morphology import measure
from lambda_fn.morphology_facts import QUANTITIES, quantities
from lambda_fn.preprocessing import Preprocessing
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


def _save_disc(path: Path, diameter: int, um_per_px: float | None, seed: int, ground: int = 0) -> None:
    pixels = np.full((160, 160, 3), ground, np.uint8)
    rows, columns = np.indices((160, 160)) - 80
    inside = np.hypot(rows, columns) < diameter / 2
    pixels[inside] = np.random.default_rng(seed).integers(60, 160, (int(inside.sum()), 3))
    path.parent.mkdir(exist_ok=True)
    dots: dict[str, Any] = {"dpi": (25_400 / um_per_px,) * 2} if um_per_px else {}
    Image.fromarray(pixels).save(path, **dots)


def _save_discs(folder: Path, scales: list[float | None]) -> None:
    """Cells of 10 micrometres, or of 100 px if the scale is unknown."""
    for number, scale in enumerate(scales):
        label, subject = ("all", number) if number % 2 else ("hem", f"H{number}")
        name = f"UID_{subject}_1_{number}_{label}.png"
        _save_disc(folder / label / name, round(10 / (scale or 0.1)), scale, number)


@pytest.mark.parametrize(
    ("scales", "common"),
    [
        ([0.1, 0.1, 0.1, 0.1], 0.1),
        ([0.1, 0.101, 0.1, 0.1], 0.1),
        ([0.1, 0.16, 0.1, 0.1], None),
        ([0.1, None, 0.1, 0.1], None),
        ([None, None, None, None], None),
    ],
    ids=["one scale", "nearly one", "two scales", "one unknown", "all unknown"],
)
def test_the_scale_of_a_data_set_is_that_which_all_its_images_state(
    scales: list[float | None], common: float | None, tmp_path: Path
) -> None:
    _save_discs(tmp_path, scales)
    dataset = load(tmp_path, Preprocessing(128, 128))
    assert dataset.preprocessing is not None
    found = dataset.preprocessing.um_per_px
    assert (found is None) == (common is None)
    assert (found or 0) == pytest.approx(common or 0, rel=1e-3)
    widths = dict(zip(dataset.names, dataset.pixels.any(axis=(1, 3)).sum(axis=1), strict=True))
    for number, scale in enumerate(scales):
        [width] = [width for name, width in widths.items() if f"_1_{number}_" in name]
        assert width == pytest.approx(10 / (scale or 0.1), abs=2)  # nothing was resampled


def test_cells_of_two_scales_are_brought_to_one(tmp_path: Path) -> None:
    _save_discs(tmp_path, [0.1, 0.16, 0.08, None])
    dataset = load(tmp_path, Preprocessing(128, 128, um_per_px=0.1))
    assert dataset.preprocessing == Preprocessing(128, 128, um_per_px=0.1)
    assert dataset.pixels.any(axis=(1, 3)).sum(axis=1) == pytest.approx(100, abs=4)


def test_a_cell_too_far_from_the_scale_is_left_out_with_both_scales(tmp_path: Path) -> None:
    _save_discs(tmp_path, [0.1, 0.1, 0.1, 0.1])
    _save_disc(tmp_path / "all" / "UID_9_1_9_all.png", 60, 0.9, 9)
    dataset = load(tmp_path, Preprocessing(128, 128, um_per_px=0.1))
    assert len(dataset.names) == 4
    assert "UID_9_1_9_all.png: It has 0.9 micrometres a pixel, the model 0.1" in dataset.left_out[0]


@pytest.mark.parametrize(("on_black", "on_grey", "background"), [(4, 2, "black"), (2, 4, "smear")])
def test_a_data_set_has_one_background_and_names_the_cells_on_another(
    on_black: int, on_grey: int, background: str, tmp_path: Path
) -> None:
    for number in range(on_black + on_grey):
        label, subject = ("all", number) if number % 2 else ("hem", f"H{number}")
        path = tmp_path / label / f"UID_{subject}_1_{number}_{label}.png"
        _save_disc(path, 100, None, number, ground=0 if number < on_black else 225)
    dataset = load(tmp_path, Preprocessing(128, 128))
    assert dataset.preprocessing is not None and dataset.preprocessing.background == background
    assert len(dataset.names) == max(on_black, on_grey)
    assert len(dataset.left_out) == min(on_black, on_grey)
    assert all("unlike most of the cells" in line for line in dataset.left_out)
