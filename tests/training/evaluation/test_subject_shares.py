"""Subjects instead of cells: shares, their spread, and the area under the ROC curve over subjects."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from lambda_fn.decisions import Thresholds
from lambda_fn.known_subjects import read_known_subjects
from lambda_fn.slides import LEAST_CELLS
from training.evaluation.subject_shares import SubjectShares, compare_subjects, shares_by_subject

THRESHOLDS = Thresholds(operating_point=0.3, normal_below=0.3, all_from=0.8)


def test_the_cells_of_a_subject_are_summed_up() -> None:
    probabilities = np.array([0.9, 0.5, 0.4, 0.1, 0.9, 0.1, 0.1, 0.2, 0.7, 0.9, 0.9])
    is_all = np.array([True] * 5 + [False] * 6)
    subjects = np.array(["1"] * 5 + ["H1"] * 5 + ["H2"])
    rows = shares_by_subject(probabilities, is_all, subjects, np.array([4] * 5 + [0] * 5 + [7]), THRESHOLDS)
    assert rows == [
        SubjectShares("1", "ALL", 5, 0.6, 0.4, 0.6, pytest.approx(0.56), 4),  # type: ignore[arg-type] # a float
        SubjectShares("H1", "normal", 5, 0.6, 0.2, 0.4, pytest.approx(0.4), 0),  # type: ignore[arg-type] # a float
        SubjectShares("H2", "normal", 1, 0.0, 0.0, None, None, 7),
    ]


def test_a_subject_with_cells_of_both_classes_has_two_entries() -> None:
    rows = shares_by_subject(np.full(10, 0.6), np.arange(10) < 5, np.full(10, "1"), np.zeros(10, np.int64), THRESHOLDS)
    assert [(row.label, row.cells, row.share_all) for row in rows] == [("ALL", 5, 1), ("normal", 5, 1)]


def subject(label: str, share: float, mean: float, group: int, cells: int = LEAST_CELLS) -> SubjectShares:
    stated = cells >= LEAST_CELLS
    return SubjectShares(str(group), label, cells, 1, 0, share if stated else None, mean if stated else None, group)


SHARES = st.sampled_from([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])


@given(st.lists(SHARES, min_size=1, max_size=12), st.lists(SHARES, min_size=1, max_size=12))
def test_the_area_over_subjects_is_that_of_scikit_learn(of_all: list[float], of_normal: list[float]) -> None:
    rows = [subject("ALL", share, share / 2, number) for number, share in enumerate(of_all)]
    rows += [subject("normal", share, share / 2, 100 + number) for number, share in enumerate(of_normal)]
    measured = compare_subjects(rows, seed=0, replicates=5).roc_auc
    expected = roc_auc_score([1] * len(of_all) + [0] * len(of_normal), of_all + of_normal)
    for estimate in measured.values():
        assert estimate.value == pytest.approx(expected)
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_subjects_of_fewer_than_five_cells_are_counted_and_left_out() -> None:
    rows = [subject("ALL", 0.8, 0.7, 0), subject("normal", 0.2, 0.3, 1), subject("normal", 1, 1, 2, cells=4)]
    compared = compare_subjects(rows, seed=0, replicates=20)
    assert (compared.left_out, compared.groups, compared.least_cells) == (1, 2, 5)
    assert compared.roc_auc["share_all"].value == 1
    assert (compared.spread["normal"].subjects, compared.spread["normal"].share_all.highest) == (1, 0.2)


@pytest.mark.parametrize("labels", [(), ("ALL",), ("normal", "normal")])
def test_without_subjects_of_both_classes_no_area_is_stated(labels: tuple[str, ...]) -> None:
    compared = compare_subjects([subject(label, 0.5, 0.5, n) for n, label in enumerate(labels)], seed=0)
    assert compared.roc_auc == {}
    assert set(compared.spread) == set(labels)


def test_quantiles_are_over_subjects_whatever_the_number_of_their_cells() -> None:
    rows = [subject("ALL", share, share, n, cells=5 + 90 * n) for n, share in enumerate((0, 0.25, 0.5, 0.75, 1.0))]
    assert asdict(compare_subjects(rows, seed=0).spread["ALL"].share_all) == {
        "lowest": 0,
        "lower_quartile": 0.25,
        "median": 0.5,
        "upper_quartile": 0.75,
        "highest": 1,
    }


def overlapping(groups: NDArray[np.int64]) -> list[SubjectShares]:
    generator = np.random.default_rng(2)
    rows = []
    for number, group in enumerate(groups):
        share, mean = generator.normal(0.6 if number < 12 else 0.4, 0.15, 2)
        rows.append(subject("ALL" if number < 12 else "normal", float(share), float(mean), int(group)))
    return rows


def test_a_person_under_several_names_does_not_narrow_the_interval() -> None:
    rows = overlapping(np.arange(24))
    once, five_times = (compare_subjects(rows * names, seed=0, replicates=200) for names in (1, 5))
    assert once.roc_auc == five_times.roc_auc
    assert once.roc_auc["share_all"].low < once.roc_auc["share_all"].value
    assert once.groups == five_times.groups == 24


def test_the_product_reads_the_spread_as_it_was_measured() -> None:
    compared = compare_subjects(overlapping(np.arange(24)), seed=0, replicates=20)
    known = read_known_subjects({"subject_shares": asdict(compared)})
    assert known
    assert {"ALL": known.all, "normal": known.normal} == compared.spread
