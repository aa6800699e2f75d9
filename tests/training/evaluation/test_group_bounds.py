import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.group_bounds import by_group, can_carry, highest_threshold

# Values of each group; few different ones, so that most are tied.
GROUPS = st.lists(st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.6, 0.8, 1.0]), min_size=1, max_size=20), min_size=2)


def mean_below(of_groups: list[np.ndarray], threshold: float) -> float:
    return float(np.mean([(values < threshold).mean() for values in of_groups]))


@given(GROUPS, st.floats(0, 0.5), st.sampled_from([None, 0.5, 0.9, 0.99]))
def test_the_mean_over_groups_never_exceeds_the_rate(
    values: list[list[float]], rate: float, confidence: float | None
) -> None:
    of_groups = [np.sort(each) for each in values]
    assert mean_below(of_groups, highest_threshold(of_groups, rate, confidence)) <= rate + 1e-9


@given(GROUPS, st.floats(0, 0.5))
def test_more_confidence_never_raises_the_threshold(values: list[list[float]], rate: float) -> None:
    of_groups = [np.sort(each) for each in values]
    thresholds = [highest_threshold(of_groups, rate, confidence) for confidence in (0.99, 0.9, 0.5, None)]
    assert thresholds == sorted(thresholds)


@given(GROUPS, st.floats(0, 0.5))
def test_without_a_bound_no_higher_value_keeps_the_rate(values: list[list[float]], rate: float) -> None:
    of_groups = [np.sort(each) for each in values]
    threshold = highest_threshold(of_groups, rate, None)
    higher = [value for each in values for value in each if value > threshold]
    assert all(mean_below(of_groups, value) > rate for value in higher)


def test_a_subject_with_many_cells_weighs_as_much_as_one_with_few() -> None:
    small = [np.linspace(0, 1, 11) for _ in range(9)]
    thresholds = [highest_threshold([*small, np.full(count, 0.05)], 0.1, None) for count in (1, 1000)]
    assert thresholds[0] == thresholds[1]


def test_subjects_that_differ_cost_more_than_subjects_that_are_alike() -> None:
    generator = np.random.default_rng(0)
    cells = generator.uniform(0, 1, (20, 50))
    alike = [np.sort(each) for each in cells]
    different = list(np.sort(cells.ravel()).reshape(20, 50))
    thresholds = [highest_threshold(of_groups, 0.1, 0.9) for of_groups in (alike, different)]
    assert thresholds[1] < thresholds[0]


def test_the_bound_of_25_subjects_keeps_the_rate_for_all_subjects_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)

    def subjects(count: int) -> list[np.ndarray]:
        shifts = generator.normal(0, 0.6, count)
        return [np.sort(shift + generator.normal(0, 1, 40)) for shift in shifts]

    population = subjects(1000)
    kept = [mean_below(population, highest_threshold(subjects(25), 0.1, 0.9)) <= 0.1 for _ in range(60)]
    # A bootstrap of few groups is a little too narrow: 0.82 in 60 such draws, not 0.90.
    assert 0.75 < np.mean(kept) < 0.95


@pytest.mark.parametrize(
    ("groups", "rate", "enough"),
    [(12, 0.1, True), (12, 0.04, False), (13, 0.04, True), (5, 0.1, True), (4, 0.1, False)],
)
def test_a_rate_needs_enough_subjects(groups: int, rate: float, enough: bool) -> None:
    assert can_carry(groups, rate) == enough


def test_values_are_gathered_by_group_in_rising_order() -> None:
    gathered = by_group(np.array([0.5, 0.2, 0.1, 0.9]), np.array([7, 3, 7, 7]))
    assert [each.tolist() for each in gathered] == [[0.2], [0.1, 0.5, 0.9]]
