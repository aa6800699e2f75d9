"""``cellflag review --reopen``: flags of answered cells come back, and nothing that was said is lost."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from infra.commands import review as command
from infra.review import serving
from infra.review.desk import Desk
from infra.review.reopening import find_answered, reopen_all
from tests.infra.review.conftest import Laboratory
from tests.lambda_fn.test_labels import SCHEMA

VALIDATOR = Draft202012Validator(SCHEMA)


def test_the_flags_of_answered_cells_below_a_prefix_come_back_and_the_history_keeps_everything(
    laboratory: Laboratory,
) -> None:
    for number, key in enumerate(["plate 7/a", "plate 7/b", "plate 8/c"]):
        laboratory.add(key, number)
        laboratory.client("one").answer(key, "ALL", comment="ragged")
    found = find_answered(laboratory.place, "plate 7/")
    assert (sorted(found.keys), found.decided) == (["plate 7/a", "plate 7/b"], 0)
    assert list(reopen_all(laboratory.place, found.keys, "two")) == [True, True]
    assert [laboratory.is_flagged(key) for key in ("plate 7/a", "plate 7/b", "plate 8/c")] == [True, True, False]
    kept = laboratory.label("plate 7/a")
    VALIDATOR.validate(kept)
    assert (kept["label"], kept["reviewer"]) == (None, "two")
    (past,) = kept["history"]
    assert (past["label"], past["reviewer"], past["outcome"], past["comment"]) == ("ALL", "one", "reopened", "ragged")
    page = laboratory.client("one")
    assert page.keys() == ["plate 7/a", "plate 7/b"]
    assert page.answer("plate 7/a", "normal").status_code == 200
    assert [one["label"] for one in laboratory.label("plate 7/a")["history"]] == ["ALL", None]
    assert find_answered(laboratory.place, "plate 7/").keys == ["plate 7/a"]


def test_cells_that_are_decided_now_and_replaced_images_are_left_as_they_are(laboratory: Laboratory) -> None:
    decided = laboratory.add("decided", 1)
    laboratory.add("replaced", 2)
    laboratory.add("taken back", 3)
    page = laboratory.client()
    for key in ("decided", "replaced", "taken back"):
        page.answer(key)
    page.undo()
    laboratory.write("decided", decided | {"decision": "ALL", "review": {"required": False, "reasons": []}})
    laboratory.add("replaced", 4)
    before = [laboratory.label(key) for key in ("decided", "replaced", "taken back")]
    found = find_answered(laboratory.place, "")
    assert (found.keys, found.decided) == ([], 2)
    assert list(reopen_all(laboratory.place, ["decided", "replaced", "taken back", "none"], "one")) == [False] * 4
    assert [laboratory.label(key) for key in ("decided", "replaced", "taken back")] == before


def test_after_reopening_two_people_are_asked_again(folder: Laboratory) -> None:
    folder.add("a")
    for name in ("one", "two"):
        folder.client(name, reviewers=2).answer("a", "ALL")
    assert list(reopen_all(folder.place, ["a"], "one")) == [True]
    for name in ("one", "two"):
        page = folder.client(name, reviewers=2)
        assert page.keys() == ["a"]
        assert page.answer("a", "normal").status_code == 200
    assert folder.client("one", reviewers=2).keys() == []


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Desk]:
    """The desks whose pages the command would serve."""
    desks: list[Desk] = []
    monkeypatch.setattr(serving, "serve", lambda desk, *_, **__: desks.append(desk))
    return desks


def run(folder: Path, *options: str, answer: str | None = None) -> Result:
    arguments = [str(folder / "out"), "--images", str(folder / "images"), "--reviewer", "two", *options]
    return CliRunner().invoke(command.review, arguments, input=answer)


@pytest.mark.parametrize(
    ("options", "flagged", "words"),
    [
        (["--reopen", "plate 7/", "--yes"], [True, False], "1 flags are open again"),
        (["--reopen", "", "--yes"], [True, True], "2 flags are open again"),
        (["--reopen", "plate 9/"], [False, False], "0 answered cells can be asked about again"),
        (["--reopen", ""], [False, False], "Nothing was changed. To bring them back without a question, add --yes."),
    ],
)
def test_the_command_brings_flags_back_before_it_opens_the_page(
    folder: Laboratory, tmp_path: Path, served: list[Desk], options: list[str], flagged: list[bool], words: str
) -> None:
    (tmp_path / "out" / "results").mkdir()
    for number, key in enumerate(["plate 7/a", "plate 8/b"]):
        folder.add(key, number)
        folder.client("one").answer(key, "ALL")
    found = run(tmp_path, *options)
    assert found.exit_code == 0, found.output
    assert words in found.output
    assert [folder.is_flagged(key) for key in ("plate 7/a", "plate 8/b")] == flagged
    assert len(served) == ("Nothing was changed" not in words)


def test_the_command_takes_the_number_of_reviewers(folder: Laboratory, tmp_path: Path, served: list[Desk]) -> None:
    folder.add("a")
    assert run(tmp_path).exit_code == run(tmp_path, "--reviewers", "2", "--blind").exit_code == 0
    assert [(desk.reviewers, desk.blind) for desk in served] == [(1, False), (2, True)]


def test_a_new_score_of_the_same_pixels_brings_no_flag_back_unasked(folder: Laboratory, tmp_path: Path) -> None:
    document: Any = folder.add("a")
    folder.client("one").answer("a", "ALL")
    (tmp_path / "out" / "results" / "a.json").write_text(
        json.dumps(document | {"scored_at": "2026-12-02T00:00:00.000Z"})
    )
    assert folder.client("one").keys() == []
    assert list(reopen_all(folder.place, ["a"], "one")) == [True]
    assert folder.client("one").keys() == ["a"]
