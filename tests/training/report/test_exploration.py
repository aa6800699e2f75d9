from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lambda_fn.manifest import MODEL_FOLDER
from training.__main__ import main
from training.report.network_stages import stages
from training.synthetic.samples import write_samples


def explore(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["train", "explore", *map(str, arguments)])


def test_one_file_shows_cells_means_subjects_statistics_and_the_network(tmp_path: Path) -> None:
    write_samples(tmp_path / "cells", 20, seed=0)
    result = explore(tmp_path / "cells", "--out", tmp_path / "report.html")
    assert result.exit_code == 0, result.output
    page = (tmp_path / "report.html").read_text("utf-8")
    assert page.count("<svg") == 4
    assert page.count('alt="ALL cell"') == page.count('alt="normal cell"') == 10
    assert "mean ALL cell less mean normal cell" in page
    assert "224\N{MULTIPLICATION SIGN}224\N{MULTIPLICATION SIGN}3" in page
    assert "<script" not in page
    assert 'src="http' not in page
    assert len(page) < 700_000


def test_the_stages_of_the_served_network_are_found() -> None:
    drawn_stages = stages(MODEL_FOLDER / "model.onnx")
    assert [stage.side for stage in drawn_stages if stage.side] == [224, 112, 56, 28, 14]
    assert drawn_stages[0].channels == 3
    assert drawn_stages[-1].channels == 1
    assert sum(stage.layers.total() for stage in drawn_stages[1:] if stage.side) == 19


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("empty",), "holds no labelled cells"),
        (("one",), "holds only cells labelled normal; training needs both classes"),
        (("one", "--out", "one/a.csv"), "exists already"),
    ],
)
def test_what_cannot_be_explored_is_answered_in_one_line(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "one").mkdir()
    (tmp_path / "one/a.csv").touch()
    (tmp_path / "one/UID_H1_1_1_hem.png").touch()
    result = explore(*arguments)
    assert result.exit_code != 0
    assert message in " ".join(result.output.split())
    assert not (tmp_path / "exploration.html").exists()
