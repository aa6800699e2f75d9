from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lambda_fn.model import Model
from training.evaluation.faithfulness import (
    CellFigures,
    Explainer,
    measure_cells,
    spread_over_groups,
    strongest_field,
    summarise,
)
from training.evaluation.faithfulness_table import table
from training.evaluation.served_explainer import served_explainer

from ...brightest_red import write_brightest_red
from ...explained_model import write_explained_model


@pytest.fixture(scope="module")
def explainer(tmp_path_factory: pytest.TempPathFactory) -> Explainer:
    folder = tmp_path_factory.mktemp("explained")
    write_explained_model(folder)
    found = served_explainer(Model(folder))
    assert found
    return found


@pytest.fixture(scope="module")
def cells() -> NDArray[np.uint8]:
    pixels = np.zeros((6, 64, 64, 3), np.uint8)
    random = np.random.default_rng(0)
    pixels[:, 6:58, 6:58] = random.integers(40, 200, (6, 13, 13, 3)).repeat(4, axis=1).repeat(4, axis=2)
    return pixels


def figures_of(group: int, of_map: float, of_others: float, residual: float = 0.001) -> CellFigures:
    names = ("local_gradient", "random", "smooth_random", "centre_first", "dark_first")
    return CellFigures(
        group,
        residual,
        {"map": of_map, **dict.fromkeys(names, of_others)},
        dict.fromkeys(("coefficients", "projection", "features"), 0.1),
        dict.fromkeys(("shift", "mirror", "turn"), 0.9),
    )


def test_a_model_whose_maps_are_exact_has_a_small_residual_and_beats_random_orders(
    explainer: Explainer, cells: NDArray[np.uint8]
) -> None:
    done: list[None] = []
    figures = measure_cells(explainer, cells, np.arange(6) // 2, 0, lambda: done.append(None))
    assert len(figures) == len(done) == 6
    assert [each.group for each in figures] == [0, 0, 1, 1, 2, 2]
    assert max(each.residual for each in figures) <= 0.01
    summary = summarise(figures, seed=0)
    assert summary["deletion_excess_over"]["random"]["value"] > 0
    assert (summary["cells"], summary["groups"]) == (6, 3)
    assert summarise(measure_cells(explainer, cells, np.arange(6) // 2, 0), seed=0) == summary


def test_a_cell_without_an_explanation_has_no_figures(explainer: Explainer) -> None:
    assert measure_cells(explainer, np.zeros((1, 64, 64, 3), np.uint8), np.zeros(1, np.int64), 0) == []


def test_the_strongest_field_lies_where_the_map_is_highest(explainer: Explainer, cells: NDArray[np.uint8]) -> None:
    top, left = strongest_field(explainer, cells[0])
    assert top % 16 == left % 16 == 0
    assert 0 <= min(top, left) <= max(top, left) <= 48


def test_a_model_without_explanations_cannot_be_tested(tmp_path: Path) -> None:
    write_brightest_red(tmp_path)
    assert served_explainer(Model(tmp_path)) is None


def test_an_interval_comes_from_groups_and_not_from_cells() -> None:
    same = [figures_of(group, float(group), 0.0) for group in range(3) for _ in range(50)]
    interval = summarise(same, seed=0)["deletion"]["map"]
    assert interval["value"] == pytest.approx(1.0)
    assert interval["high"] - interval["low"] > 1.0


@pytest.mark.parametrize(
    ("figures", "found", "not_passed"),
    [
        ([figures_of(group, 2.0, 1.0) for group in range(9)], [True] * 9 + [False], 0),
        ([figures_of(group, 2.0, 1.0, residual=0.02) for group in range(9)], [], 1),
        ([figures_of(group, (-1.0) ** group, 0.0) for group in range(10)], [], 5),
        ([figures_of(group, 2.0, 1.0) for group in range(9)], [True, False], 1),
    ],
    ids=["all passed", "does not add up", "no better than random", "cues not found"],
)
def test_the_table_says_which_tests_are_passed(figures: list[CellFigures], found: list[bool], not_passed: int) -> None:
    rows = table(summarise(figures, seed=0, found=found))
    assert sum(row.passed is False for row in rows) == not_passed
    assert all(row.aim for row in rows if row.passed is not None)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.integers(1, 40))
def test_cells_are_chosen_in_turn_from_all_groups(groups: list[int], count: int) -> None:
    array = np.array(groups)
    chosen = spread_over_groups(array, count, seed=0)
    assert len(chosen) == len(set(chosen.tolist())) == min(count, len(groups))
    taken = {group: int((array[chosen] == group).sum()) for group in set(groups)}
    left = {group: groups.count(group) - taken[group] for group in taken}
    assert max(taken.values()) - 1 <= min((taken[group] for group in taken if left[group]), default=40)
