from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lambda_fn.cells import find_cell
from lambda_fn.decisions import Label
from training.data.class_differences import compare_classes
from training.data.exploration import SAMPLES, Exploration, explore
from training.data.measures import MEASURES, measure
from training.data.reading import ReadCell
from training.data.sources import find_cells
from training.errors import DatasetError


def measured(colour: tuple[int, int, int], box: tuple[int, int, int, int], noise: float = 0) -> dict[str, float]:
    image = Image.new("RGB", (450, 450))
    ImageDraw.Draw(image).ellipse(box, fill=colour)
    pixels = np.asarray(image)
    grain = np.random.default_rng(0).normal(0, noise, (450, 450, 1)) if noise else 0
    pixels = np.where(pixels > 0, np.clip(pixels + grain, 1, 255), 0).astype(np.uint8)
    return dict(zip(MEASURES, measure(ReadCell(pixels, find_cell(pixels), "", 450, 450, 0)), strict=True))


def test_a_disc_is_measured_as_what_it_is() -> None:
    disc = measured((100, 50, 150), (125, 125, 324, 324))
    assert disc["diameter, px"] == pytest.approx(200, abs=1)
    assert [disc[name] for name in ("circularity", "solidity", "aspect")] == pytest.approx([1, 1, 1], abs=0.02)
    assert (disc["deepest cleft"], disc["pale spots"]) == (0, 0)
    assert (disc["red"], disc["green"], disc["blue"], disc["brightness"]) == pytest.approx((100, 50, 150, 100))
    assert disc["saturation"] == pytest.approx(2 / 3)
    assert (disc["contrast"], disc["fine texture"]) == pytest.approx((0, 0), abs=1e-3)


def test_an_ellipse_is_elongated_and_grain_is_texture() -> None:
    ellipse, grainy = measured((90, 60, 90), (75, 150, 374, 299)), measured((90, 60, 90), (75, 150, 374, 299), 8)
    assert ellipse["aspect"] == pytest.approx(0.5, abs=0.01)
    assert grainy["fine texture"] > 1 > ellipse["fine texture"]


def test_every_subject_weighs_the_same_in_the_mean_and_samples_are_of_different_ones(cells: Path) -> None:
    explored = explore(find_cells(cells)[1], seed=0)
    assert explored.measures.shape == (32, len(MEASURES))
    assert explored.sizes == {(100, 100): 32}
    classes: tuple[tuple[Label, NDArray[np.bool_]], ...] = (("ALL", explored.is_all), ("normal", ~explored.is_all))
    for label, of_class in classes:
        assert len(explored.samples[label]) == min(SAMPLES, of_class.sum())
        assert explored.means[label].shape == (300, 300, 3)
        assert explored.means[label][150, 150].min() > 30
    difference = explored.means["ALL"][150, 150] - explored.means["normal"][150, 150]
    assert difference[0] > 30  # blasts are drawn redder
    assert difference[2] < -10


def made(shift_of_class: float, shift_of_subject: float) -> Exploration:
    generator = np.random.default_rng(0)
    subject = np.repeat(np.arange(40), 50)
    is_all = subject < 20
    values = generator.normal(size=(2000, len(MEASURES)))
    values += shift_of_class * is_all[:, None] + shift_of_subject * generator.normal(size=(40, len(MEASURES)))[subject]
    return Exploration(is_all, subject.astype(str), values, {}, {}, {}, ())


def test_a_difference_between_classes_is_told_from_one_between_persons() -> None:
    of_class, of_persons, none = (compare_classes(made(*shifts)) for shifts in ((1, 0.3), (0, 3), (0, 0)))
    assert all(row.superiority > 0.9 and row.p_value < 0.001 for row in of_class)
    assert all(row.p_value > 0.05 and row.between_subjects > 0.8 for row in of_persons)
    assert all(row.between_subjects < 0.05 for row in none)


def test_images_of_one_class_alone_that_can_be_read_are_refused(cells: Path) -> None:
    cells_below = find_cells(cells)[1]
    for cell in cells_below:
        if cell.label == "normal":
            Path(cell.location).write_text("no image", "utf-8")
    with pytest.raises(DatasetError, match="What could be read holds only cells labelled ALL"):
        explore(cells_below, seed=0)
