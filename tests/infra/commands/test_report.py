"""``cellflag report``, of a deployment and of a folder."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from fhir.resources.R4B.bundle import Bundle

from infra.commands.report import report
from infra.slide_report import html_page
from infra.slide_report.cards import PictureCards
from infra.slide_report.gathering import gather
from infra.slide_report.html_page import write_html
from infra.slide_report.promise_state import PromisedRate, PromiseState
from lambda_fn import labels
from lambda_fn.known_subjects import KnownSubjects, Quantiles, SubjectSpread
from lambda_fn.results import to_json
from lambda_fn.slides import NOTES
from tests.infra.commands.report_pages import CELLS, Page, below, page_of
from tests.infra.slide_report.material import SERVED, facts, result, write_label, write_results

Run = Callable[..., Result]
HOSTILE = '"><img src=x onerror=alert(1)>/\u202e&amp;{{ 7*7 }}.bmp'


def test_the_page_states_counts_share_and_what_must_be_read_beside_them(tmp_path: Path) -> None:
    page = page_of(write_results(tmp_path, *CELLS, result("p7/torn.bmp", None)))
    assert "6 images 2 decided ALL, 33.3" in page.text
    assert "3 of 5 scored cells are likelier ALL than normal: 0.60 , 95 % interval 0.23 to 0.88" in page.text
    assert all(note in page.text for note in NOTES)
    assert "not a medical device" in page.text
    assert SERVED.version in page.text
    assert SERVED.sha256 in page.text
    assert f"normal below {SERVED.thresholds.normal_below:.2f}" in page.text
    assert "torn.bmp The file is damaged." in page.text
    assert "Promised error rates in this laboratory" in page.text


def test_the_page_asks_nothing_of_a_network(tmp_path: Path) -> None:
    page = page_of(write_results(tmp_path, *CELLS, result(HOSTILE, 0.99)))
    assert not {tag for tag, _ in page.elements} & {"script", "link", "iframe", "object", "a"}
    outside = [value for _, found in page.elements for name, value in found.items() if name in ("src", "href")]
    assert all(value and value.startswith("data:") for value in outside)
    assert not re.search(r"url\((?!#)|@import", (tmp_path / "report.html").read_text("utf-8"))
    (rules,) = [found["content"] for tag, found in page.elements if tag == "meta" and "http-equiv" in found]
    assert rules and rules.startswith("default-src 'none'")


def test_a_hostile_key_is_text_everywhere(tmp_path: Path) -> None:
    documents = [result(f"{number}{HOSTILE}", score) for number, score in enumerate((0.99, 0.5, None, 0.1))]
    page = page_of(write_results(tmp_path, *documents))
    shown = HOSTILE.replace("\u202e", r"\u202e")
    assert all(page.text.count(f"{number}{shown}") for number in (0, 1, 2))
    assert page.pictures() == []
    assert not [tag for tag, found in page.elements if "onerror" in found]


def test_a_page_of_the_longest_keys_keeps_within_3_mb(tmp_path: Path) -> None:
    quotes = '"' * 1_000
    documents = [result(f"{number:03}/{quotes}", (0.99, 0.5, 0.1, None)[number % 4]) for number in range(400)]
    write_results(tmp_path, *documents)
    page_of(tmp_path, "--cells", "40")
    assert (tmp_path / "report.html").stat().st_size + 1_300_000 < 3_000_000  # pictures take up to 1.3 MB


def test_options_choose_a_prefix_and_a_day(tmp_path: Path) -> None:
    other_day = result("p7/9.bmp", 0.9, scored_at="2026-11-23T00:00:00.000Z")
    folder = write_results(tmp_path / "all", *CELLS, other_day)
    assert "5 images" in page_of(folder, "--day", "2026-11-22").text
    (folder / "report.html").unlink()
    assert below(folder, "--since", "2999-01-01").exit_code == 2
    assert not (folder / "report.html").exists()
    for number, key in enumerate(("a/1.bmp", "b/1.bmp")):
        path = tmp_path / "two" / "results" / f"{key}.json"
        path.parent.mkdir(parents=True)
        path.write_bytes(to_json(result(key, 0.9 - number)))
    assert "1 images" in page_of(tmp_path / "two", "--prefix", "b/").text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--day", "2026-11-22", "--since", "2h"], "choose --day or --since"),
        (["--prefix", "p8/"], "there is no result to report on with these options"),
        (["--stage", "test"], "--folder goes without --stage"),
        (["--cells", "41"], "41 is not in the range"),
    ],
)
def test_options_that_cannot_be_met_are_refused_and_nothing_is_written(
    options: list[str], words: str, tmp_path: Path
) -> None:
    outcome = below(write_results(tmp_path, *CELLS), *options)
    assert (outcome.exit_code, words in " ".join(outcome.output.split())) == (2, True), outcome.output
    assert not (tmp_path / "report.html").exists()


def test_images_of_a_deployment_are_not_taken_from_a_folder(run: Run, tmp_path: Path) -> None:
    outcome = run(report, "--images", str(tmp_path), "--out", str(tmp_path / "r.html"))
    assert (outcome.exit_code, "--images goes with --folder" in outcome.output) == (2, True)


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("mine")
    assert below(write_results(tmp_path, *CELLS)).exit_code == 2
    assert (tmp_path / "report.html").read_text() == "mine"


def test_answers_of_people_stand_beside_the_models_view(tmp_path: Path) -> None:
    folder = write_results(tmp_path, *CELLS)
    write_label(folder, CELLS[0], "normal", "<b>Ada</b>", drawn=True)
    write_label(folder, CELLS[2], "ALL", "Grace")
    (folder / "labels/p7/odd.json").write_text("[]")
    outcome = below(folder)
    page = Page(folder / "report.html")
    assert "Decided cells, drawn by chance the model a person: ALL normal cannot say decided ALL 0 1 0" in page.text
    assert "left to a person, likelier ALL 1 0 0" in page.text
    assert "Decided cells that a person gave the other class to" in page.text
    assert "p7/0.bmp 0.950 decided ALL normal (<b>Ada</b>)" in page.text
    assert "2 of 2 were given blind" in page.text
    assert "odd.json: left out" in outcome.stderr


def test_two_people_who_did_not_see_each_others_answers_are_compared(tmp_path: Path) -> None:
    folder = write_results(tmp_path, *CELLS)
    path = write_label(folder, CELLS[2], "ALL", "Grace")
    shown: labels.Shown = {"probability": False, "map": False, "blind": True}
    second = labels.entry(CELLS[2], "normal", "Ada", seconds=1.0, shown=shown)
    path.write_bytes(labels.to_json(labels.with_second(labels.from_json(path.read_bytes()), second)))
    below(folder)
    text = Page(folder / "report.html").text
    assert "Two people answered 1 cell blind to each other, and agree on 0 of them." in text
    assert "Cohen's kappa cannot be said: that takes 10 cells." in text


def test_known_subjects_stand_beside_the_share_of_their_own_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quantiles = Quantiles(0.1, 0.2, 0.3, 0.4, 0.5)
    known = KnownSubjects(SubjectSpread(25, quantiles, quantiles), SubjectSpread(14, quantiles, quantiles))
    about = facts()
    about = replace(about, view=replace(about.view, manifest=replace(SERVED, known_subjects=known)))
    found = gather(iter(CELLS), {}, 0)
    assert found
    write_html(tmp_path / "own.html", found, about, PictureCards(None, about.view))
    assert "25 known subjects with ALL" in Page(tmp_path / "own.html").text
    others = [{**cell, "model": {"version": "other", "sha256": "0" * 64}} for cell in CELLS]
    found = gather(iter(others), {}, 0)  # type: ignore[arg-type] # the fields of a document
    assert found
    write_html(tmp_path / "other.html", found, about, PictureCards(None, about.view))
    text = Page(tmp_path / "other.html").text
    assert "25 known subjects" not in text
    assert "No comparison with known subjects: another model gave these results" in text
    assert "normal below" not in text


def test_results_of_two_models_are_not_compared(tmp_path: Path) -> None:
    other = result("p7/9.bmp", 0.9, model={"version": "older", "sha256": "0" * 64})
    text = page_of(write_results(tmp_path, *CELLS, other)).text
    assert "2 models gave these results. Their scores do not compare." in text
    assert "older" in text


def test_the_state_of_the_promise_is_shown_if_there_is_one(tmp_path: Path) -> None:
    rates = (
        PromisedRate(
            "normal_decided_all", "normal cells decided ALL", 0.1, None, None, 0, "open", "cannot be said yet"
        ),
        PromisedRate(
            "all_decided_normal", "ALL cells decided normal", 0.04, 0.021, (0.005, 0.034), 210, "holds", "holds"
        ),
    )
    found = gather(iter(CELLS), {}, 0)
    assert found
    about = replace(facts(), promise=PromiseState(rates, ("Of audited cells alone.",)))
    write_html(tmp_path / "r.html", found, about, PictureCards(None, about.view))
    text = Page(tmp_path / "r.html").text.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "normal cells decided ALL 10.0 % - 0 cannot be said yet" in text
    assert "ALL cells decided normal 4.0 % 2.1 % 0.5 % to 3.4 % 210 holds Of audited cells alone." in text


def test_the_page_says_what_is_missing_to_test_the_promise(tmp_path: Path) -> None:
    text = page_of(write_results(tmp_path, *CELLS)).text.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "ALL decided normal 4.0 % - 0 cannot be said: no decided cell was audited" in text


def test_many_slides_are_cut_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_page, "MOST_SLIDES", 2)
    text = page_of(write_results(tmp_path, *(result(f"{slide}/1.bmp", 0.9) for slide in "abc"))).text
    assert "1 more slides." in text


def test_a_bundle_in_fhir_is_written_on_request(tmp_path: Path) -> None:
    folder = write_results(tmp_path, *CELLS)
    write_label(folder, CELLS[0], "ALL", drawn=True)
    outcome = below(folder, "--format", "fhir", out="report.json")
    assert outcome.exit_code == 0, outcome.output
    written: dict[str, Any] = json.loads((folder / "report.json").read_text("utf-8"))
    Bundle.model_validate(written)
    kinds = [entry["resource"]["resourceType"] for entry in written["entry"]]
    assert kinds == ["DiagnosticReport", *["Observation"] * 8, "Device", *["Provenance"] * 2]
    codes = [
        entry["resource"]["code"]["coding"][0]["code"]
        for entry in written["entry"]
        if entry["resource"]["resourceType"] == "Observation"
    ]
    assert codes == [
        *("images", "share-all", "mean-probability-all", "known-subjects-all", "known-subjects-normal"),
        *("promise-all-decided-normal", "promise-normal-decided-all", "agreement"),
    ]


@pytest.mark.parametrize("kind", ["html", "fhir"])
def test_each_result_is_read_once_and_no_path_of_the_machine_is_told(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_results(tmp_path / "slides of may", *CELLS)
    read: list[str] = []
    read_bytes = Path.read_bytes

    def count(path: Path) -> bytes:
        read.append(path.name)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", count)
    assert below(folder, "--format", kind, out="report").exit_code == 0
    assert sorted(name for name in read if name.startswith("000")) == [f"{n:04}.json" for n in range(len(CELLS))]
    written = (folder / "report").read_text("utf-8")
    assert str(tmp_path) not in written
    assert kind == "fhir" or "slides of may." in written
