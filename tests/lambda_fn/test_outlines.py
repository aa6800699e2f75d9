"""Size and shape of masks, with scikit-image as the oracle."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import perimeter_crofton, regionprops
from skimage.morphology import convex_hull_image

from lambda_fn.contours import hull_area, hull_of, trace
from lambda_fn.masks import largest_piece
from lambda_fn.outlines import measure_outline

Mask = NDArray[np.bool_]


def blob(seed: int, roughness: float = 6.0, side: int = 120) -> Mask:
    """The largest piece of blurred noise: an irregular shape, with or without holes."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(side, side)), roughness)
    rows, columns = np.mgrid[:side, :side] - side / 2
    mask = largest_piece(noise / noise.std() + 2 - np.hypot(rows, columns) / (side / 6) > 0)
    mask[side // 2, side // 2] |= not mask.any()
    lit = [np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0)]
    return mask[lit[0][0] : lit[0][-1] + 1, lit[1][0] : lit[1][-1] + 1]


def disc(radius: float = 90, side: int = 220) -> Mask:
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    return np.asarray(np.hypot(rows, columns) <= radius)


@given(st.integers(0, 10_000), st.sampled_from([1.5, 3.0, 6.0]))
@example(644, 1.5)  # the walk passes a corner of the hull twice
@example(2282, 1.5)
def test_measures_are_those_of_scikit_image(seed: int, roughness: float) -> None:
    mask = blob(seed, roughness)
    outline, (expected,) = measure_outline(mask), regionprops(mask.astype(np.uint8))
    assert outline.area == expected.area
    assert outline.diameter == pytest.approx(expected.equivalent_diameter_area)
    assert outline.perimeter == pytest.approx(perimeter_crofton(mask, directions=4))
    assert outline.aspect == pytest.approx(expected.axis_minor_length / max(expected.axis_major_length, 1e-9), abs=1e-3)
    hull = convex_hull_image(mask, offset_coordinates=False).sum()
    assert outline.area / outline.solidity == pytest.approx(hull, abs=1e-6 * hull)


@given(st.integers(0, 10_000), st.sampled_from([1.0, 2.0, 6.0]))
def test_a_contour_goes_around_the_filled_piece_once(seed: int, roughness: float) -> None:
    mask = blob(seed, roughness, 60)
    filled = ndimage.binary_fill_holes(mask)
    contour = trace(np.asarray(filled))
    assert mask[tuple(contour.T)].all()
    steps = np.abs(np.diff(contour, axis=0, append=contour[:1]))
    assert steps.max(initial=0) <= 1
    assert len(contour) == sum(np.count_nonzero(np.diff(np.pad(filled, 1), axis=axis)) for axis in (0, 1))
    assert hull_area(contour, hull_of(contour)) >= np.count_nonzero(filled)


def notched(depth: float, width: float = 14, angle: float = 0.4) -> Mask:
    """A disc with a notch: straight walls that are slanted to rows and columns, and a round bottom."""
    rows, columns = np.mgrid[:220, :220] - 109.5
    along = columns * math.cos(angle) + rows * math.sin(angle)
    across = rows * math.cos(angle) - columns * math.sin(angle)
    return np.asarray(disc() & ~((along > 90 - depth) & (np.abs(across) < width / 2)))


@pytest.mark.parametrize("depth", [10, 20, 40, 60])
def test_the_depth_of_a_notch_is_measured_in_diameters(depth: float) -> None:
    outline = measure_outline(notched(depth))
    (cleft,) = outline.clefts
    assert cleft.depth == pytest.approx(depth, abs=1.5)
    assert cleft.width == pytest.approx(14, abs=4)
    row, column = (place - 109.5 for place in cleft.place)
    assert math.hypot(row, column) == pytest.approx(90 - depth, abs=6)


def with_sliver() -> Mask:
    """A disc with a bent strip of a neighbour on it."""
    mask = disc(70)
    mask[20:45, 95:125] = True
    mask[20:30, 95:170] = True
    return mask


def with_straight_cut() -> Mask:
    """A disc that ends in a straight line, with a notch that begins at its end."""
    mask = disc()
    mask[:, :60] = False
    mask[100:112, 60:75] = False
    return mask


@pytest.mark.parametrize(
    ("mask", "at_frame"),
    [
        (disc(), {}),
        (with_sliver(), {}),
        (with_straight_cut(), {}),
        (notched(20)[:, :190], {"at_frame": (False, False, False, True)}),
    ],
    ids=["disc", "sliver", "straight cut", "frame"],
)
def test_a_hollow_beside_a_sliver_or_a_cut_is_no_cleft(mask: Mask, at_frame: dict[str, Any]) -> None:
    assert measure_outline(mask, **at_frame).clefts == ()


def test_a_sliver_belongs_to_the_cell_but_not_to_its_body() -> None:
    outline = measure_outline(with_sliver())
    assert np.count_nonzero(outline.body) == pytest.approx(np.count_nonzero(disc(70)), rel=0.03)
    assert outline.area == np.count_nonzero(with_sliver())


def test_the_shape_does_not_depend_on_rotation_by_a_right_angle() -> None:
    mask = blob(7)
    one, turned = measure_outline(mask), measure_outline(np.rot90(mask))
    for name in ("area", "diameter", "perimeter", "circularity", "solidity", "aspect"):
        assert getattr(one, name) == pytest.approx(getattr(turned, name), rel=1e-5)
