import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lambda_fn.manifest import MODEL_FOLDER
from training.__main__ import main
from training.synthetic.samples import write_samples


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the served model on drawn cells."""
    folder = tmp_path_factory.mktemp("report")
    write_samples(folder / "cells", 24, seed=1)
    arguments = ["train", "evaluate", str(MODEL_FOLDER), "--cells", str(folder / "cells"), "--out", str(folder / "out")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.commands.evaluate.UNUSUAL_IMAGES", 2)
        result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return folder / "out"


class Sources(HTMLParser):
    """Collects what a page would load, and counts its elements."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.elements: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]


def test_a_report_is_one_file_that_loads_nothing(report: Path) -> None:
    page = Sources()
    text = (report / "report.html").read_text("utf-8")
    page.feed(text)
    assert page.elements.count("svg") == 6
    assert page.elements.count("script") == page.elements.count("link") == 0
    assert all(source.startswith(("data:", "#")) for source in page.sources)
    assert not re.search(r"url\((?!#)|@import", text)
    assert (report / "report.html").stat().st_size < 500_000


def test_the_figures_of_the_page_are_those_of_the_metrics(report: Path) -> None:
    metrics = json.loads((report / "metrics.json").read_text("utf-8"))
    page = (report / "report.html").read_text("utf-8")
    figures = metrics["figures"]
    assert f"<b>{figures['ranking']['roc_auc']['value']:.3f}</b>" in page
    for estimates in figures.values():
        assert all(0 <= each["low"] <= each["high"] <= 1 for each in estimates.values())
    (right, missed), (alarms, calm) = metrics["confusion"]["at_half"]
    assert right + missed == metrics["cells"]["ALL"] == 12
    assert alarms + calm == metrics["cells"]["normal"] == 12
    assert figures["at_half"]["sensitivity"]["value"] == pytest.approx(right / 12)
    assert sum(each["cells"] for each in metrics["per_subject"]) == 24
    assert page.count('alt="a cell"') == missed + alarms
    assert {each["kind"]: each["reviewed"] for each in metrics["unusual_images"]}["black"] == 1


@pytest.mark.parametrize(("subjects", "warned"), [(4, True), (12, False)])
def test_intervals_over_few_subjects_come_with_a_warning(subjects: int, warned: bool, tmp_path: Path) -> None:
    rows = [f"{i}.png,{'all' if i % 2 else 'hem'},p{i % subjects},1,{0.3 + i / 50}" for i in range(24)]
    table = tmp_path / "predictions.csv"
    table.write_text("\n".join(["path,label,subject,fold,probability_all", *rows]), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        result = CliRunner().invoke(main, ["train", "evaluate", str(table), "--out", "out"])
    assert result.exit_code == 0, result.output
    page = (tmp_path / "out/report.html").read_text("utf-8")
    assert ("narrower than the truth" in page) == warned
    assert ("Area under the ROC curve over subjects" in page) == (24 // subjects >= 5)


def evaluate_table(folder: Path, rows: list[tuple[str, str, float]]) -> tuple[str, dict[str, Any]]:
    """The page and the metrics of predictions of cells: label, subject and probability of each."""
    lines = [f"{number}.png,{label},{subject},1,{p}" for number, (label, subject, p) in enumerate(rows)]
    table = folder / "predictions.csv"
    table.write_text("\n".join(["path,label,subject,fold,probability_all", *lines]), "utf-8")
    result = CliRunner().invoke(main, ["train", "evaluate", str(table), "--out", str(folder / "out")])
    assert result.exit_code == 0, result.output
    metrics: dict[str, Any] = json.loads((folder / "out/metrics.json").read_text("utf-8"))
    return (folder / "out/report.html").read_text("utf-8"), metrics


def test_subjects_are_compared_and_those_of_few_cells_left_out(tmp_path: Path) -> None:
    rows = [("all", f"p{n % 3}", 0.5 + n / 40) for n in range(18)] + [("hem", f"h{n % 3}", n / 30) for n in range(18)]
    page, metrics = evaluate_table(tmp_path, [*rows, ("hem", "few", 0.9)])
    compared = metrics["subject_shares"]
    assert (compared["left_out"], compared["least_cells"]) == (1, 5)
    assert compared["roc_auc"]["share_all"]["value"] == 1
    assert compared["spread"]["ALL"]["share_all"]["lowest"] == 1
    few = next(each for each in metrics["per_subject"] if each["subject"] == "few")
    assert (few["cells"], few["share_all"], few["mean_probability_all"]) == (1, None, None)
    assert "Left out are subjects with fewer than 5 cells (1)" in page
    assert "no verdict on a patient" in page
    assert "1.000 (1.000 to 1.000) by the share of cells called ALL" in page
