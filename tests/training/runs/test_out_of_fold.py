import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from training.data.folds import Split
from training.runs.out_of_fold import folds_of_cells, predict_held_out


def splits_of(fold_of: list[int]) -> list[Split]:
    folds = np.array(fold_of)
    rest = [np.flatnonzero(folds != number) for number in np.unique(folds)]
    held_out = [np.flatnonzero(folds == number)[::-1] for number in np.unique(folds)]
    return [Split(seen, seen[:0], fold) for seen, fold in zip(rest, held_out, strict=True)]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=30))
def test_every_cell_gets_the_outputs_of_the_fold_that_held_it_out(fold_of: list[int]) -> None:
    splits = splits_of(fold_of)

    def predict(number: int, split: Split) -> NDArray[np.float64]:
        return np.stack([split.held_out, np.full(len(split.held_out), number)], axis=1).astype(np.float64)

    shares: list[float] = []
    outputs = predict_held_out(splits, predict, shares.append)
    assert outputs[:, 0].tolist() == list(range(len(fold_of)))
    assert outputs[:, 1].tolist() == folds_of_cells(splits).tolist()
    assert len(shares) == len(splits) and shares[-1] == 1


@given(st.lists(st.integers(1, 4), min_size=1, max_size=30))
def test_folds_are_numbered_from_1_in_their_order(fold_of: list[int]) -> None:
    _, expected = np.unique(fold_of, return_inverse=True)
    assert folds_of_cells(splits_of(fold_of)).tolist() == (expected + 1).tolist()
