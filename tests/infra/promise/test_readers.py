"""Agreement of two readers: which answers are compared, and Cohen's kappa."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from infra.promise.readers import LEAST_PAIRS, agreement_of, in_words, independent_pair, kappa
from lambda_fn import labels
from lambda_fn.labels import Answer, LabelDocument
from tests.infra.promise.test_evidence import result

ANSWERS: tuple[Answer, ...] = ("ALL", "normal", "cannot_say")


def entry(reviewer: str, answer: Answer | None, time: int, sha256: str = "a" * 64) -> labels.LabelEntry:
    given = labels.entry(
        result("a", "review", sha256=sha256),
        answer,
        reviewer,
        seconds=1.0,
        shown={"probability": True, "map": False, "blind": False},
    )
    return given | {"labelled_at": f"2026-12-01T12:00:{time:02}.000Z"}


def read_by_two(first: Answer, second: Answer) -> LabelDocument:
    return labels.with_second(labels.with_answer(None, entry("one", first, 1)), entry("two", second, 2))


@given(st.lists(st.tuples(st.sampled_from(ANSWERS), st.sampled_from(ANSWERS)), min_size=1, max_size=40))
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[Answer, Answer]]) -> None:
    found = kappa(Counter(pairs))
    first, second = zip(*pairs, strict=True)
    if set(first) == set(second) and len(set(first)) == 1:
        assert found is None
    else:
        assert found is not None
        assert found[0] == pytest.approx(cohen_kappa_score(first, second, labels=list(ANSWERS)), abs=1e-12)
        assert found[1].low <= found[0] <= found[1].high


@pytest.mark.parametrize(("share", "cells"), [(0.5, 40), (0.8, 40), (0.8, 200), (0.95, 200)])
def test_the_interval_holds_the_true_kappa_about_as_often_as_it_says(share: float, cells: int) -> None:
    # Both readers see the class in a share of the cells, and else guess at random: kappa is that share squared.
    generator = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        truth = generator.random(cells) < 0.5
        one, two = (np.where(generator.random(cells) < share, truth, generator.random(cells) < 0.5) for _ in range(2))
        found = kappa(
            Counter(("ALL" if a else "normal", "ALL" if b else "normal") for a, b in zip(one, two, strict=True))
        )
        assert found is not None
        held += found[1].low <= share**2 <= found[1].high
    assert held / 400 >= 0.92


def test_the_first_answer_of_the_second_reader_counts_whatever_is_said_once_both_are_known() -> None:
    document = read_by_two("ALL", "normal")
    assert independent_pair(document) == ("ALL", "normal")
    taken_back = labels.without_second(document, "two")
    assert taken_back is not None
    assert independent_pair(labels.with_second(taken_back, entry("two", "ALL", 5))) == ("ALL", "normal")
    assert independent_pair(labels.with_answer(document, entry("two", "ALL", 5))) == ("ALL", "normal")


def test_the_last_answer_of_the_first_reader_counts_that_was_given_before_the_second() -> None:
    changed = labels.with_answer(labels.with_answer(None, entry("one", "ALL", 1)), entry("one", "normal", 2))
    assert independent_pair(labels.with_second(changed, entry("two", "normal", 3))) == ("normal", "normal")


@pytest.mark.parametrize(
    "document",
    [
        labels.with_answer(None, entry("one", "ALL", 1)),
        labels.with_answer(labels.with_answer(None, entry("one", "ALL", 1)), entry("two", "normal", 2)),
        labels.with_withdrawn(labels.with_answer(None, entry("one", "ALL", 1)), entry("two", "normal", 2)),
        labels.with_second(
            labels.with_answer(None, entry("one", "ALL", 1)), entry("two", "normal", 2, sha256="b" * 64)
        ),
    ],
)
def test_answers_of_people_who_saw_the_others_answer_or_other_pixels_are_not_compared(document: LabelDocument) -> None:
    assert independent_pair(document) is None
    assert in_words(agreement_of([document])) == ""


@pytest.mark.parametrize(
    ("documents", "words"),
    [
        (
            [read_by_two("ALL", "ALL")] * 3,
            f"agree on 3 of them. Cohen's kappa cannot be said: that takes {LEAST_PAIRS}",
        ),
        (
            [read_by_two("ALL", "ALL")] * 20,
            "agree on 20 of them. Cohen's kappa cannot be said: all answers are the same.",
        ),
        ([read_by_two("ALL", "ALL"), read_by_two("normal", "normal")] * 10, "Cohen's kappa: 1.00 (0.68 to 1.00)."),
    ],
)
def test_agreement_is_said_in_words(documents: list[LabelDocument], words: str) -> None:
    assert words in in_words(agreement_of(documents))
