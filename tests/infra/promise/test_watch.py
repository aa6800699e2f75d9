"""When the promise is judged while cells are labelled."""

from dataclasses import dataclass, field

import pytest

from infra.promise.watch import PromiseWatch


@dataclass
class Session:
    """A reviewer who answers audits, and a clock that goes when it is told."""

    answered: int = 0
    now: float = 0.0
    fails: bool = False
    judged: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch = PromiseWatch(lambda: self.answered, self.judge, quiet_seconds=600, clock=lambda: self.now)

    def judge(self) -> None:
        if self.fails:
            raise OSError
        self.judged.append(self.answered)

    def later(self, seconds: float, answers: int = 0) -> None:
        self.now += seconds
        self.answered += answers
        self.watch.look()


def test_without_an_answer_to_an_audit_nothing_is_judged() -> None:
    session = Session()
    session.later(10_000)
    assert (session.judged, session.watch.is_due) == ([], False)


def test_it_waits_until_nobody_has_answered_for_ten_minutes_and_judges_once() -> None:
    session = Session()
    for _ in range(5):
        session.later(500, answers=1)
    session.later(599)
    assert session.judged == []
    assert session.watch.is_due
    session.later(1)
    session.later(5_000)
    assert (session.judged, session.watch.is_due) == ([5], False)


def test_the_end_judges_what_was_not_judged() -> None:
    session = Session()
    session.later(1, answers=3)
    session.watch.judge_now()
    assert (session.judged, session.watch.is_due) == ([3], False)


def test_an_answer_that_is_written_while_it_judges_is_judged_later() -> None:
    session = Session(answered=2)

    def answer_meanwhile() -> None:
        session.judged.append(session.answered)
        session.answered += 1

    watch = PromiseWatch(lambda: session.answered, answer_meanwhile)
    watch.judge_now()
    assert watch.is_due


def test_a_judgement_that_fails_is_due_again() -> None:
    session = Session(fails=True)
    session.later(1, answers=1)
    with pytest.raises(OSError):
        session.later(600)
    assert session.watch.is_due
