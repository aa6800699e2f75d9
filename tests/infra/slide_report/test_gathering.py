"""What a report keeps of the results that it reads."""

from collections.abc import Iterator
from typing import Any, cast
from weakref import WeakSet

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.slide_report.agreement import Agreement
from infra.slide_report.gathering import MOST_FLAGGED, Foremost, Gathered, ShownResult, gather
from lambda_fn.labels import Answer
from lambda_fn.results import ResultDocument
from tests.infra.slide_report.material import answer, result


def gathered(*documents: ResultDocument, answers: dict[str, Any] | None = None, cells: int = 5) -> Gathered:
    found = gather(iter(documents), answers or {}, cells)
    assert found
    return found


def keys(foremost: Foremost) -> list[str]:
    return [shown.document["image"]["key"] for shown in foremost.results]


def test_images_are_counted_by_decision_and_by_slide() -> None:
    found = gathered(result("a/1.bmp", 0.9), result("a/2.bmp", 0.1), result("b/3.bmp", 0.5), result("b/4.bmp", None))
    whole = found.whole
    assert (whole.images, whole.decided_all, whole.decided_normal, whole.for_review, whole.rejected) == (4, 1, 1, 1, 1)
    assert [(slide.slide, slide.images) for slide in found.slides] == [("a/", 2), ("b/", 2)]


def test_without_results_there_is_no_report() -> None:
    assert gather(iter(()), {}, 5) is None


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])), st.integers(0, 6))
def test_the_most_probable_cells_are_kept_and_of_equal_ones_the_first(probabilities: list[float], most: int) -> None:
    foremost = Foremost(most)
    for number, probability in enumerate(probabilities):
        foremost.add(ShownResult(result(str(number), probability), None))
    order = sorted(range(len(probabilities)), key=lambda number: (-probabilities[number], number))
    assert keys(foremost) == [str(number) for number in order[:most]]
    assert foremost.left_out == max(len(probabilities) - most, 0)


def test_of_many_results_only_the_shown_ones_stay_in_memory() -> None:
    class Document(dict[str, Any]):
        __hash__ = object.__hash__  # type: ignore[assignment]

    alive: WeakSet[Document] = WeakSet()
    most = 0

    def documents() -> Iterator[ResultDocument]:
        nonlocal most
        for number in range(5_000):
            document = Document(result(f"{number % 7}/{number}.bmp", (number * 617 % 1000) / 1000))
            alive.add(document)
            most = max(most, len(alive))
            yield cast(ResultDocument, document)
            del document

    found = gather(documents(), {}, 10)
    assert found
    assert found.whole.images == 5_000
    assert most <= 10 + MOST_FLAGGED + 3


def test_a_cell_that_waits_for_a_blind_answer_is_counted_and_not_shown() -> None:
    waiting, answered = result("1.bmp", 0.99, "audit"), result("2.bmp", 0.98, "audit")
    found = gathered(waiting, answered, answers={"2.bmp": answer(answered, "ALL", audit=True)})
    assert (found.whole.decided_all, found.awaiting_blind) == (2, 1)
    assert keys(found.suspicious) == ["2.bmp"]
    assert keys(found.flagged) == []


def test_a_flag_that_was_answered_does_not_wait() -> None:
    first, second = result("1.bmp", 0.5), result("2.bmp", 0.6)
    found = gathered(first, second, answers={"1.bmp": answer(first, "cannot_say")})
    assert keys(found.flagged) == ["2.bmp"]


def test_an_answer_to_another_version_of_the_image_is_not_counted() -> None:
    old, new = result("1.bmp", 0.5), result("1.bmp", 0.5)
    new["image"]["sha256"] = "another"
    found = gathered(new, answers={"1.bmp": answer(old, "ALL")})
    assert (found.agreement.answered, found.agreement.outdated) == (0, 1)
    assert keys(found.flagged) == ["1.bmp"]


@pytest.mark.parametrize(
    ("probability", "label", "contradicted"),
    [
        (0.9, "normal", True),
        (0.1, "ALL", True),
        (0.9, "ALL", False),
        (0.9, "cannot_say", False),
        (0.6, "normal", False),
    ],
)
def test_a_decided_cell_of_the_other_class_is_shown(probability: float, label: Answer, contradicted: bool) -> None:
    document = result("1.bmp", probability)
    found = gathered(document, answers={"1.bmp": answer(document, label, audit=True)})
    assert keys(found.contradicted) == ["1.bmp"] * contradicted


def test_agreement_is_counted_for_flags_and_audits_apart() -> None:
    agreement = Agreement()
    for probability, label, audit in ((0.9, "ALL", True), (0.9, "normal", True), (0.6, "ALL", False)):
        document = result("1.bmp", probability)
        agreement.add(document, answer(document, label, audit=audit))  # type: ignore[arg-type] # an answer
    agreement.add(document, answer(document, "cannot_say", "Grace"))
    torn = result("2.bmp", None)
    agreement.add(torn, answer(torn, "cannot_say"))
    assert agreement.rows("audit") == [("decided ALL", (1, 1, 0))]
    assert agreement.rows("flag") == [("left to a person, likelier ALL", (1, 0, 1)), ("not scored", (0, 0, 1))]
    assert (agreement.compared("audit"), agreement.compared("flag")) == ((2, 1), (1, 1))
    assert (agreement.reviewers, agreement.blind) == ({"Ada": 4, "Grace": 1}, 2)


def test_results_of_two_models_have_no_common_model() -> None:
    other = result("2.bmp", 0.9, model={"version": "other", "sha256": "0" * 64})
    assert gathered(result("1.bmp", 0.9)).model == result("1.bmp", 0.9)["model"]
    assert gathered(result("1.bmp", 0.9), other).model is None
