import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.fitting.balance import balanced_weights, downsample

# Cells of each of the subjects of one class.
SIZES = st.lists(st.integers(1, 30), min_size=1, max_size=20)


@given(SIZES, SIZES)
def test_both_classes_weigh_the_same_and_cells_weigh_one_on_average(of_all: list[int], of_normal: list[int]) -> None:
    is_all = np.repeat([True, False], [sum(of_all), sum(of_normal)])
    weights = balanced_weights(is_all, np.repeat(np.arange(len(of_all + of_normal)), of_all + of_normal))
    assert weights.dtype == np.float32
    assert weights.mean() == pytest.approx(1, rel=1e-4)
    assert weights[is_all].sum() == pytest.approx(weights[~is_all].sum(), rel=1e-4)


def test_a_subject_weighs_as_the_root_of_its_cells() -> None:
    groups = np.repeat([0, 1, 2], [100, 4, 7])
    weights = balanced_weights(groups < 2, groups)
    assert weights[groups == 0].sum() / weights[groups == 1].sum() == pytest.approx(5, rel=1e-4)


@pytest.mark.parametrize(("of_all", "kept"), [(100, 48), (49, 48), (48, 48), (10, 10)])
def test_downsampling_leaves_55_to_45_and_touches_no_normal_cell(of_all: int, kept: int) -> None:
    is_all = np.arange(of_all + 60) < of_all
    indices = np.concatenate([np.arange(of_all), np.arange(of_all, of_all + 40)])
    left = downsample(indices, is_all, seed=0)
    assert is_all[left].sum() == kept
    assert (~is_all[left]).sum() == 40
    assert (np.diff(left) > 0).all()
