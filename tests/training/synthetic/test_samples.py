"""Drawn cells are like segmented real ones in what a program can measure, and samples are written as promised."""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from training.synthetic.cell import draw_cell
from training.synthetic.outline import draw_fragment, draw_outline
from training.synthetic.samples import write_samples
from training.synthetic.stain import draw_stain

BOTH_CLASSES = pytest.mark.parametrize("label", ["all", "hem"])


@cache
def cells_of(label: str) -> tuple[NDArray[np.uint8], ...]:
    return tuple(draw_cell(label, np.random.default_rng(number)) for number in range(24))


def inside_of(cell: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray(cell.max(axis=2) > 0)


def connected_to_first_pixel(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """All pixels reached from one inside pixel over its eight neighbours."""
    reached = np.zeros_like(inside)
    reached[tuple(np.argwhere(inside)[0])] = True
    while True:
        wider = np.pad(reached, 1)
        wider = wider[:-2] | wider[1:-1] | wider[2:]
        wider = (wider[:, :-2] | wider[:, 1:-1] | wider[:, 2:]) & inside
        if (wider == reached).all():
            return reached
        reached = wider


@BOTH_CLASSES
def test_a_cell_is_an_rgb_image_of_450_px_on_exactly_black(label: str) -> None:
    cell = draw_cell(label, np.random.default_rng(1))
    assert cell.shape == (450, 450, 3)
    assert cell.dtype == np.uint8
    assert (cell[:3] == 0).all() and (cell[:, :3] == 0).all()
    assert 0.03 < inside_of(cell).mean() < 0.3


@BOTH_CLASSES
def test_a_cell_is_in_one_piece_near_the_middle_and_off_the_border(label: str) -> None:
    for cell in cells_of(label):
        inside = inside_of(cell)
        rows, columns = np.nonzero(inside)
        box = inside[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert (connected_to_first_pixel(box) == box).all()
        for positions in (rows, columns):
            assert positions.min() > 2 and positions.max() < 447
            assert abs((positions.min() + positions.max()) / 2 - 224.5) < 40


# 5th percentile, least and greatest credible median, 95th percentile of C-NMC 2019 (doi 10.7937/tcia.2019.dc64i46r).
@pytest.mark.parametrize(
    ("label", "fifth", "median", "ninety_fifth"),
    [("all", 25_000, (33_000, 40_000), 47_700), ("hem", 17_600, (23_000, 30_000), 42_200)],
)
def test_the_areas_are_those_of_real_cells(label: str, fifth: int, median: tuple[int, int], ninety_fifth: int) -> None:
    areas = np.array([inside_of(cell).sum() for cell in cells_of(label)])
    assert median[0] < np.median(areas) < median[1]
    assert ((areas > 0.9 * fifth) & (areas < 1.1 * ninety_fifth)).mean() > 0.85


@BOTH_CLASSES
def test_the_nuclei_are_violet_like_stained_real_ones(label: str) -> None:
    means = np.array([cell[inside_of(cell)].mean(axis=0) for cell in cells_of(label)])
    # Medians over the cells of C-NMC 2019: 68 red, 29 green, 79 blue.
    assert np.abs(np.median(means, axis=0) - [68, 29, 79]).max() < 6
    assert (means[:, 2] > means[:, 1] + 20).all()


def test_a_paler_stain_gives_paler_cells() -> None:
    stain = draw_stain(np.random.default_rng(0))
    for number in range(3):
        dark, pale = (
            draw_cell("all", np.random.default_rng(number), replace(stain, red=red))[200:250, 200:250]
            for red in (55.0, 85.0)
        )
        assert pale[..., 0].mean() > dark[..., 0].mean() + 15


def test_equal_generators_draw_equal_cells_and_others_do_not() -> None:
    first, again, other = (draw_cell("all", np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert (first == again).all()
    assert (first != other).any()


def test_an_unknown_label_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'blast'"):
        draw_cell("blast", np.random.default_rng(0))


@pytest.mark.parametrize("seed", range(20))
def test_a_fragment_touches_its_cell(seed: int) -> None:
    generator = np.random.default_rng(seed)
    cell = draw_outline(30_000, 1.0, generator)
    fragment = draw_fragment(cell, generator)
    assert ((cell.coverage(450) > 0) & (fragment.coverage(450) > 0)).any()
    assert fragment.reach() < 222


@pytest.mark.parametrize(("area", "raggedness"), [(15_000, 0.3), (30_000, 1.0), (50_000, 2.0)])
def test_an_outline_encloses_the_area_asked_for(area: int, raggedness: float) -> None:
    cell = draw_outline(area, raggedness, np.random.default_rng(3))
    assert cell.coverage(450).sum() == pytest.approx(area, rel=0.03)


def test_samples_are_24_bit_bitmaps_of_450_px(tmp_path: Path) -> None:
    for cell in write_samples(tmp_path, 3):
        assert cell.path.stat().st_size == 608_454
        with Image.open(cell.path) as image:
            assert (image.format, image.mode, image.size) == ("BMP", "RGB", (450, 450))


def test_the_table_of_labels_names_every_sample(tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    drawn = write_samples(out, 9)
    with (out / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [{"path": cell.path.name, "label": cell.label, "subject": cell.subject} for cell in drawn]
    assert {row["path"] for row in rows} == {image.name for image in out.glob("*.bmp")}
    assert sorted(row["label"] for row in rows) == ["all"] * 5 + ["hem"] * 4


def test_a_subject_has_one_class_and_each_class_several_subjects(tmp_path: Path) -> None:
    cells = write_samples(tmp_path, 12)
    for label in ("all", "hem"):
        subjects = {cell.subject for cell in cells if cell.label == label}
        assert subjects == {f"synthetic-{label}-0{number}" for number in (1, 2, 3)}


def test_the_names_do_not_tell_the_classes(tmp_path: Path) -> None:
    labels = [cell.label for cell in write_samples(tmp_path, 12)]
    assert labels != sorted(labels)
    assert labels[::2].count("all") not in (0, 6)


def test_the_same_seed_writes_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    for folder, seed in (("first", 4), ("again", 4), ("other", 5)):
        write_samples(tmp_path / folder, 4, seed)
    contents = {
        folder: [file.read_bytes() for file in sorted((tmp_path / folder).iterdir())]
        for folder in ("first", "again", "other")
    }
    assert len(contents["first"]) == 5
    assert contents["first"] == contents["again"]
    assert all(one != another for one, another in zip(contents["first"][:4], contents["other"][:4], strict=True))


@pytest.mark.parametrize("name", ["cell-0002.bmp", "labels.csv"])
def test_nothing_is_written_where_a_file_is_in_the_way(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(FileExistsError, match=name):
        write_samples(tmp_path, 3)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_every_sample_is_reported_once_it_is_written(tmp_path: Path) -> None:
    sizes: dict[Path, int] = {}
    cells = write_samples(tmp_path, 3, on_drawn=lambda path: sizes.update({path: path.stat().st_size}))
    assert sizes == {cell.path: 608_454 for cell in cells}


@pytest.mark.parametrize(
    ("count", "seed", "named"), [(0, 0, "count is 0"), (-2, 0, "count is -2"), (1, -1, "seed is -1")]
)
def test_impossible_numbers_are_refused(count: int, seed: int, named: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=named):
        write_samples(tmp_path, count, seed)
    assert not list(tmp_path.iterdir())
