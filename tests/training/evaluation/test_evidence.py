"""Which cells figures rest on, and which ones choose thresholds."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_fn.decisions import Thresholds
from training.data.dataset import Dataset
from training.evaluation.evidence import Evidence, OutOfFold, measure
from training.evaluation.thresholds import stricter, stricter_by_rate


def laboratory(uses: np.ndarray | None, shift: float = 0.0) -> tuple[Dataset, np.ndarray]:
    """40 subjects of a data set and 40 slides whose cells are audited, with drawn probabilities of 10 cells each.

    Args:
        uses: of the cells of the slides; None for no slides.
        shift: of the logits of the cells of the slides towards normal.
    """
    subjects = np.repeat(np.arange(40 if uses is None else 80), 10)
    generator = np.random.default_rng(2)
    is_all = subjects % 2 == 0
    of_slide = subjects >= 40
    logits = generator.normal(np.where(is_all, 2.5, -2.5), 1.2) - shift * of_slide
    count = len(subjects)
    dataset = Dataset(
        title="drawn",
        names=tuple(map(str, range(count))),
        pixels=np.zeros((count, 1, 1, 3), np.uint8),
        is_all=is_all,
        subjects=subjects.astype(str),
        groups=subjects,
        digest="0" * 64,
        left_out=(),
        contents=tuple(map(str, range(count))),
        photographs=np.arange(count),
        uses=None if uses is None else np.where(of_slide, uses, "all"),
        weights=np.where(of_slide, 50.0, 1.0),
    )
    return dataset, 1 / (1 + np.exp(-logits))


def evidence_of(dataset: Dataset, probabilities: np.ndarray) -> Evidence:
    held_out = dataset.part(dataset.is_held_out)
    chosen = probabilities[dataset.is_held_out]
    return measure(OutOfFold(held_out, np.arange(len(chosen)) % 4 + 1, chosen), dataset, seed=0, replicates=20)


PLAIN = evidence_of(*laboratory(None))


@pytest.mark.parametrize("shift", [-3.0, 0.0, 3.0])
def test_no_figure_rests_on_reviewed_cells_and_audits_never_make_thresholds_bolder(shift: float) -> None:
    evidence = evidence_of(*laboratory(np.array("thresholds"), shift))
    assert evidence.metrics.keys() == PLAIN.metrics.keys()
    assert all(evidence.metrics[part] == PLAIN.metrics[part] for part in PLAIN.metrics if part != "triage")
    assert evidence.achieved["review_share"] >= PLAIN.achieved["review_share"]
    assert (evidence.audits, len(evidence.predictions.dataset.names)) == (400, 400)
    assert evidence.thresholds.normal_below <= PLAIN.thresholds.normal_below
    assert evidence.thresholds.all_from >= PLAIN.thresholds.all_from


def test_audits_that_the_new_model_would_decide_wrongly_make_thresholds_stricter() -> None:
    evidence = evidence_of(*laboratory(np.array("thresholds"), 3.0))
    assert evidence.thresholds.normal_below < PLAIN.thresholds.normal_below / 2
    table, before = (
        {rate: value for rate, value in one.by_error_rate["all_decided_normal"]}  # noqa: C416 - lists of two
        for one in (evidence, PLAIN)
    )
    assert table.keys() == before.keys()
    assert all(table[rate] <= before[rate] for rate in table)


def test_cells_for_fitting_change_neither_figures_nor_thresholds() -> None:
    evidence = evidence_of(*laboratory(np.array("fitting"), 3.0))
    assert replace(evidence, predictions=PLAIN.predictions, learned_from=PLAIN.learned_from) == PLAIN
    assert (evidence.audits, len(evidence.learned_from.names)) == (0, 800)


def rising(values: list[float]) -> Thresholds:
    normal_below, operating_point, all_from = sorted(values)
    return Thresholds(operating_point, normal_below, all_from)


THRESHOLDS = st.lists(st.floats(0, 1), min_size=3, max_size=3).map(rising)


@given(THRESHOLDS, THRESHOLDS, st.floats(0, 1))
def test_the_stricter_thresholds_decide_a_cell_only_as_both_do(one: Thresholds, other: Thresholds, p: float) -> None:
    both = stricter(one, other)
    if p < both.normal_below:
        assert p < one.normal_below
        assert p < other.normal_below
    elif p >= both.all_from:
        assert p >= one.all_from
        assert p >= other.all_from


def test_a_rate_that_only_the_second_table_offers_is_not_offered() -> None:
    one = {"all_decided_normal": [[0.05, 0.2]], "normal_decided_all": [[0.1, 0.8], [0.2, 0.7]]}
    other = {"all_decided_normal": [[0.02, 0.1], [0.05, 0.3]], "normal_decided_all": [[0.1, 0.9]]}
    assert stricter_by_rate(one, other) == {
        "all_decided_normal": [[0.05, 0.2]],
        "normal_decided_all": [[0.1, 0.9], [0.2, 0.7]],
    }
