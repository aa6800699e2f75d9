"""Connected pieces, growing and shrinking, with SciPy as the oracle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from lambda_fn.masks import count_in_fields, grow, label, largest_piece, shrink

FOUR, EIGHT = ndimage.generate_binary_structure(2, 1), ndimage.generate_binary_structure(2, 2)
SEEDS, SIDES = st.integers(0, 2**32 - 1), st.integers(1, 40)
DENSITIES = st.sampled_from([0.1, 0.4, 0.6, 0.9])


def noise(seed: int, rows: int, columns: int, density: float) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).random((rows, columns)) < density


@given(SEEDS, SIDES, SIDES, DENSITIES)
def test_pieces_are_numbered_as_a_library_numbers_them(seed: int, rows: int, columns: int, density: float) -> None:
    mask = noise(seed, rows, columns, density)
    labels, count = label(mask)
    expected, expected_count = ndimage.label(mask, EIGHT)
    assert count == expected_count
    assert len(set(zip(labels.ravel().tolist(), expected.ravel().tolist(), strict=True))) == count + (not mask.all())
    if count:
        assert np.count_nonzero(largest_piece(mask)) == np.bincount(expected.ravel())[1:].max()


def test_a_comb_of_many_teeth_is_as_many_pieces_until_its_back_joins_them() -> None:
    comb = np.zeros((600, 600), np.bool_)
    comb[:-1, ::2] = True  # 180,000 runs, each below one of the row above
    assert label(comb)[1] == 300
    comb[-1] = True
    assert label(comb)[1] == 1


@given(SEEDS, SIDES, SIDES, DENSITIES, st.integers(0, 6))
def test_a_mask_grows_and_shrinks_by_steps_to_four_and_to_eight_neighbours(
    seed: int, rows: int, columns: int, density: float, steps: int
) -> None:
    mask = noise(seed, rows, columns, density)
    grown, shrunk = mask, mask
    for step in range(steps):
        grown = ndimage.binary_dilation(grown, EIGHT if step % 2 else FOUR)
        shrunk = ndimage.binary_erosion(shrunk, EIGHT if step % 2 else FOUR)
    assert np.array_equal(grow(mask, steps), grown)
    assert np.array_equal(shrink(mask, steps), shrunk)


@pytest.mark.parametrize("field", [1, 2, 3, 7])
def test_every_pixel_is_counted_in_one_field(field: int) -> None:
    mask = noise(0, 20, 31, 0.4)
    counts = count_in_fields(mask, field)
    assert counts.shape == (-(-20 // field), -(-31 // field))
    assert counts.sum() == mask.sum()
    assert counts[0, 0] == mask[:field, :field].sum()
