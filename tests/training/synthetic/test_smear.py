"""Drawn smears have one white cell in the middle, whose masks are true, among what lies on a real smear."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.synthetic.samples import Smears, write_samples
from training.synthetic.smear import DrawnSmear, draw_smear
from training.synthetic.smear_names import SCALES, STAINS, ScaleName, StainName
from training.synthetic.smear_style import UM_PER_PX, draw_smear_style

Kind = tuple[str, StainName, ScaleName]


@cache
def smears_of(label: str, stain: StainName, scale: ScaleName) -> tuple[DrawnSmear, ...]:
    generators = [np.random.default_rng(number) for number in range(5)]
    return tuple(draw_smear(label, each, draw_smear_style(each, stain, scale)) for each in generators)


EVERY_KIND = pytest.mark.parametrize(
    "kind", [(label, stain, scale) for label in ("all", "hem") for stain in STAINS for scale in SCALES]
)


@EVERY_KIND
def test_the_nucleus_lies_in_the_cell_and_leaves_cytoplasm_that_can_be_seen(
    kind: tuple[str, StainName, ScaleName],
) -> None:
    for smear in smears_of(*kind):
        assert (smear.cell[smear.nucleus]).all()
        assert 0.4 < smear.nucleus.sum() / smear.cell.sum() < 0.93
        assert sorted(np.unique(smear.mask)) == [0, 128, 255]


@EVERY_KIND
def test_the_nucleus_is_darker_than_the_cytoplasm_and_this_than_the_background(
    kind: tuple[str, StainName, ScaleName],
) -> None:
    for smear in smears_of(*kind):
        green = smear.pixels[..., 1].astype(float)
        nucleus, cytoplasm = green[smear.nucleus], green[smear.cell & ~smear.nucleus]
        assert np.median(nucleus) + 40 < np.median(cytoplasm) < np.percentile(green[~smear.cell], 90) - 10


@EVERY_KIND
def test_the_cell_is_whole_and_near_the_middle(kind: Kind) -> None:
    for smear in smears_of(*kind):
        for lines in (np.asarray(smear.cell.any(axis=axis)) for axis in (0, 1)):
            lit = np.flatnonzero(lines)
            assert lit[0] > 2 and lit[-1] < len(lines) - 3
            assert abs((lit[0] + lit[-1]) / 2 - len(lines) / 2) < 0.2 * len(lines)


@pytest.mark.parametrize("scale", SCALES)
def test_cells_have_the_size_of_lymphocytes_in_micrometres(scale: ScaleName) -> None:
    diameters = {
        label: np.median(
            [2 * np.sqrt(smear.cell.sum() / np.pi) * UM_PER_PX[scale] for smear in smears_of(label, "wright", scale)]
        )
        for label in ("all", "hem")
    }
    assert 8 < diameters["hem"] < diameters["all"] < 15


@EVERY_KIND
def test_the_background_is_not_black(kind: Kind) -> None:
    for smear in smears_of(*kind):
        frame = np.concatenate([smear.pixels[0], smear.pixels[-1], smear.pixels[:, 0], smear.pixels[:, -1]])
        assert (frame.max(axis=1) > 60).all()


@pytest.mark.parametrize(("stain", "least", "most"), [("wright", -15, 25), ("may-gruenwald", 15, 70)])
def test_the_ground_of_one_stain_is_nearly_white_and_of_the_other_yellowish(
    stain: StainName, least: int, most: int
) -> None:
    for smear in smears_of("all", stain, "fine"):
        bright = smear.pixels[smear.pixels.sum(axis=2) >= np.percentile(smear.pixels.sum(axis=2), 90)].astype(int)
        assert least < np.median(bright[:, 0] - bright[:, 2]) < most


def test_some_smears_have_another_white_cell_at_the_rim_and_most_have_none() -> None:
    neighbours = [draw_smear("hem", np.random.default_rng(number)).neighbour for number in range(20)]
    assert 1 <= sum(neighbours) <= 10


def test_equal_generators_draw_equal_smears_and_others_do_not() -> None:
    first, again, other = (draw_smear("all", np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert (first.pixels == again.pixels).all() and (first.mask == again.mask).all()
    assert first.pixels.shape != other.pixels.shape or (first.pixels != other.pixels).any()


def test_an_unknown_label_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'blast'"):
        draw_smear("blast", np.random.default_rng(0))


def test_the_files_state_the_scale_and_stand_beside_their_masks(tmp_path: Path) -> None:
    cells = write_samples(tmp_path, 4, smears=Smears(scale="coarse", masks=True))
    for cell in cells:
        with Image.open(cell.path) as image, Image.open(cell.path.with_suffix(".mask.png")) as mask:
            assert image.info["dpi"][0] == pytest.approx(25_400 / 0.16, rel=1e-4)
            assert mask.size == image.size == (188, 188)
            assert set(np.unique(np.asarray(mask))) == {0, 128, 255}
    assert {file.name for file in tmp_path.iterdir()} == {
        "labels.csv",
        *(f"cell-000{number}{suffix}" for number in (1, 2, 3, 4) for suffix in (".png", ".mask.png")),
    }


def test_cells_of_a_subject_have_one_stain_and_one_scale(tmp_path: Path) -> None:
    cells = write_samples(tmp_path, 12, smears=Smears())
    by_subject: dict[str, set[tuple[int, int]]] = {}
    for cell in cells:
        with Image.open(cell.path) as image:
            by_subject.setdefault(cell.subject, set()).add(image.size)
    assert all(len(sizes) == 1 for sizes in by_subject.values())
    assert len(set.union(*by_subject.values())) == 2


def test_the_same_seed_writes_the_same_smears(tmp_path: Path) -> None:
    for folder, seed in (("first", 4), ("again", 4), ("other", 5)):
        write_samples(tmp_path / folder, 3, seed, smears=Smears(masks=True))
    first, again, other = (
        [file.read_bytes() for file in sorted((tmp_path / folder).glob("*.png"))]
        for folder in ("first", "again", "other")
    )
    assert first == again and len(first) == 6
    assert all(one != two for one, two in zip(first, other, strict=True))


def test_smears_of_one_seed_differ_from_each_other(tmp_path: Path) -> None:
    drawn = sorted(cell.path.read_bytes() for cell in write_samples(tmp_path, 6, smears=Smears()))
    assert all(one != two for one, two in pairwise(drawn))
