import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from training.data.folds import Split, deal, final_split, folds, leave_out_duplicates
from training.errors import DatasetError

# Numbers of cells of the subjects of each class.
SIZES = st.lists(st.integers(1, 30), min_size=6, max_size=20)


def cells_of(of_all: list[int], of_normal: list[int]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    groups = np.repeat(np.arange(len(of_all) + len(of_normal)), of_all + of_normal)
    return groups < len(of_all), groups


def check(split: Split, is_all: NDArray[np.bool_], groups: NDArray[np.int64]) -> None:
    parts = [part for part in (split.training, split.stopping, split.held_out) if len(part)]
    assert sorted(np.concatenate(parts)) == list(range(len(groups)))
    of_parts = [set(groups[part]) for part in parts]
    assert sum(map(len, of_parts)) == len(set.union(*of_parts)), "a subject stands in two parts"
    assert all(len(set(is_all[part])) == 2 for part in parts), "a part has one class only"


@given(SIZES, SIZES, st.integers(2, 5), st.integers(0, 9))
def test_no_subject_stands_in_two_parts_and_every_cell_is_held_out_once(
    of_all: list[int], of_normal: list[int], count: int, seed: int
) -> None:
    is_all, groups = cells_of(of_all, of_normal)
    try:
        splits = list(folds(is_all, groups, count, seed))
    except DatasetError:
        assert count == 2, "only half of six subjects can be too few"
        return
    assert len(splits) == count
    assert sorted(np.concatenate([split.held_out for split in splits])) == list(range(len(groups)))
    for split in splits:
        check(split, is_all, groups)


def test_the_final_model_holds_out_nothing_but_the_subjects_that_stop_it() -> None:
    is_all, groups = cells_of([9, 4, 4, 3, 2, 2], [8, 5, 3, 3, 1])
    split = final_split(is_all, groups, seed=0)
    check(split, is_all, groups)
    assert not len(split.held_out)


def test_the_same_seed_gives_the_same_folds() -> None:
    is_all, groups = cells_of([5] * 9, [5] * 9)
    first, second, other = ([s.held_out.tolist() for s in folds(is_all, groups, 3, seed)] for seed in (1, 1, 2))
    assert first == second != other


@pytest.mark.parametrize(
    ("of_all", "of_normal", "count", "message"),
    [
        ([5, 5, 5, 5, 5], [5, 5, 5, 5], 5, "5 folds need 5 subjects of each class, but one class has 4"),
        ([5, 5], [5, 5], 2, "two subjects of each class"),
        ([99, 5, 5], [5, 5, 5, 5], 2, "two subjects of each class"),
    ],
)
def test_too_few_subjects_are_refused(of_all: list[int], of_normal: list[int], count: int, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        list(folds(*cells_of(of_all, of_normal), count, seed=0))


def test_nothing_is_learned_from_a_photograph_that_is_held_out() -> None:
    split = leave_out_duplicates(
        Split(np.array([0, 1]), np.array([2, 3]), np.array([4, 5])), np.array([10, 11, 12, 13, 11, 13])
    )
    assert (split.training.tolist(), split.stopping.tolist(), split.held_out.tolist()) == ([0], [2], [4, 5])


def test_other_seeds_deal_subjects_of_other_sizes_to_the_same_fold() -> None:
    is_all, groups = cells_of(list(range(2, 22)), list(range(2, 14)))
    together = {
        frozenset(frozenset(groups[s.held_out].tolist()) for s in folds(is_all, groups, 4, n)) for n in range(5)
    }
    assert len(together) == 5


@given(SIZES, SIZES, st.integers(2, 6), st.integers(0, 9))
def test_every_part_gets_as_many_subjects_of_a_class_as_any_other_or_one_more(
    of_all: list[int], of_normal: list[int], parts: int, seed: int
) -> None:
    is_all, groups = cells_of(of_all, of_normal)
    part_of = deal(is_all, groups, parts, seed)
    for of_class in (is_all, ~is_all):
        counts = [len(np.unique(groups[of_class & (part_of == part)])) for part in range(parts)]
        assert max(counts) - min(counts) <= 1


def test_subjects_of_both_classes_that_leave_a_part_without_one_are_refused() -> None:
    is_all = np.array([True, True, False, True, True, False, True])
    with pytest.raises(DatasetError, match="no way to give each part both classes"):
        deal(is_all, np.array([0, 0, 0, 1, 1, 1, 2]), 3, seed=0)
