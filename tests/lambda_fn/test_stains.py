"""Measures of the stain, with scikit-image as the oracle for Otsu's threshold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.filters import threshold_otsu

from lambda_fn.stains import MIN_SEPARABILITY, measure_stain, otsu
from tests.lambda_fn.test_outlines import disc

NUCLEUS, CYTOPLASM = 45, 130


def drawn(nucleus: float = 0, spots: tuple[tuple[int, int], ...] = ()) -> NDArray[np.float64]:
    """Green of a cell of radius 90 in the middle of 220 px: a nucleus of some radius, none for one that fills it."""
    green = np.where(disc(nucleus), NUCLEUS, CYTOPLASM) if nucleus else np.full((220, 220), NUCLEUS)
    rows, columns = np.mgrid[:220, :220] - 109.5
    noise = np.random.default_rng(0).normal(0, 1, green.shape)
    for row, column in spots:
        noise += 25 * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * 6**2))
    return np.asarray(green + noise)


@given(st.lists(st.integers(0, 255), min_size=2, max_size=60))
def test_the_threshold_is_otsus(levels: list[int]) -> None:
    values = np.array(levels, np.uint8)
    threshold, separability = otsu(values)
    if len(set(levels)) == 1:
        assert separability == 0
        return
    # Two thresholds can part the classes equally well; then rounding decides which of them is taken.
    assert between_classes(values, threshold) == pytest.approx(between_classes(values, threshold_otsu(values)))
    assert 0 < separability <= 1


def between_classes(values: NDArray[np.uint8], threshold: float) -> float:
    below, above = values[values <= threshold], values[values > threshold]
    return float(len(below) * len(above) * (below.mean() - above.mean()) ** 2)


def test_the_separability_of_one_normal_distribution_is_2_over_pi_and_of_two_far_ones_is_1() -> None:
    generator = np.random.default_rng(0)
    one = generator.normal(128, 20, 200_000).clip(0, 255).astype(np.uint8)
    assert otsu(one)[1] == pytest.approx(2 / np.pi, abs=0.01)
    assert otsu(np.repeat(np.array([20, 200], np.uint8), 50))[1] == pytest.approx(1)


@pytest.mark.parametrize("radius", [50, 65, 75])
def test_a_nucleus_in_pale_cytoplasm_is_measured(radius: float) -> None:
    stain = measure_stain(drawn(radius).astype(np.uint8), disc(), 180)
    assert stain is not None
    assert stain.separability > MIN_SEPARABILITY
    assert stain.nucleus_area == pytest.approx(np.pi * radius**2, rel=0.05)
    assert stain.vacuoles == ()


@pytest.mark.parametrize(
    "green",
    [
        drawn(),
        (drawn(70) - CYTOPLASM) / 5 + 60,  # a nucleus hardly darker than the rest
        drawn(86),  # a rim no wider than the light of the background reaches
        drawn() + np.linspace(0, 60, 220),  # a thick and a thin side
        drawn() + 60 * (np.indices((220, 220)).sum(axis=0) // 12 % 2),  # clumped chromatin
    ],
    ids=["even", "hardly darker", "rim", "gradient", "clumps"],
)
def test_cytoplasm_is_not_taken_for_visible_without_a_pale_part_at_the_rim(green: NDArray[np.float64]) -> None:
    stain = measure_stain(green.clip(0, 255).astype(np.uint8), disc(), 180)
    assert stain is not None
    assert (stain.nucleus_area, stain.vacuoles) == (None, None)


def test_pale_spots_are_found_where_they_are_with_their_area_at_half_height() -> None:
    stain = measure_stain(drawn(0, ((-30, 0), (20, 35), (25, -30))).astype(np.uint8), disc(), 180)
    assert stain is not None
    assert len(stain.pale_spots) == 3
    places = sorted((round(spot.place[0] - 109.5), round(spot.place[1] - 109.5)) for spot in stain.pale_spots)
    assert np.allclose(places, [(-30, 0), (20, 35), (25, -30)], atol=2)
    assert [spot.area for spot in stain.pale_spots] == pytest.approx([2 * np.pi * np.log(2) * 36] * 3, rel=0.4)


def test_noise_alone_is_no_pale_spot_and_no_chromatin_pattern() -> None:
    stain = measure_stain(drawn().astype(np.uint8), disc(), 180)
    assert stain is not None
    assert stain.pale_spots == ()
    assert stain.chromatin_cv < 0.02


def test_chromatin_varies_as_its_optical_density_does() -> None:
    green = np.where(np.indices((220, 220))[0] // 20 % 2, 40, 80).astype(np.uint8)
    stain = measure_stain(green, disc(), 180)
    densities = np.log10(255 / np.array([40, 80]))
    assert stain is not None
    assert stain.chromatin_cv == pytest.approx(densities.std() / densities.mean(), rel=0.02)


def test_nothing_is_measured_on_a_cell_that_is_all_rim() -> None:
    line = np.zeros((9, 200), np.bool_)
    line[4] = True
    assert measure_stain(np.full(line.shape, 90, np.uint8), line, 16) is None
