import numpy as np

from training.evaluation.distances import choose_distance, combine_distances


def test_about_one_in_a_hundred_lies_beyond_the_chosen_distance() -> None:
    distances = np.random.default_rng(0).gamma(3, size=2000)
    assert (distances > choose_distance(distances)).sum() in (19, 20)


def test_with_few_cells_the_farthest_gives_the_distance() -> None:
    assert choose_distance(np.array([0.5, 2.0, 1.0])) == 2


def test_two_distances_in_one_unit_flag_as_many_cells_each() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.gamma(3, size=2000), generator.gamma(5, 20, size=2000)
    factor, threshold = combine_distances(first, second)
    limit = choose_distance(first)
    assert (first > limit).sum() == (factor * second > limit).sum()
    assert (np.maximum(first, factor * second) > threshold).sum() in (19, 20)
