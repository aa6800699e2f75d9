import csv
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from lambda_fn.manifest import MODEL_FOLDER
from training.__main__ import main
from training.data.dataset import Dataset
from training.data.sources import find_cells
from training.errors import DatasetError
from training.evaluation.evidence import OutOfFold
from training.evaluation.predictions import (
    OUT_OF_FOLD,
    predict_cells,
    read_predictions,
    with_groups_of,
    write_predictions,
)
from training.synthetic.samples import write_samples

GOOD: list[tuple[str, ...]] = [
    ("path", "label", "subject", "fold", "probability_all"),
    ("a", "all", "1", "1", "0.9"),
    ("b", "hem", "2", "2", "0.2"),
]


def save(path: Path, rows: list[tuple[str, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def test_predictions_of_a_run_are_read_as_they_were_written(tmp_path: Path) -> None:
    predictions = read_predictions(save(tmp_path / "out-of-fold.csv", GOOD), None)
    assert predictions.names == ("a", "b")
    assert predictions.is_all.tolist() == [True, False]
    assert predictions.probabilities.tolist() == [0.9, 0.2]
    assert predictions.groups.tolist() == [0, 1]
    assert predictions.thresholds is None
    assert "a model of 2 that never saw its subject" in predictions.origin
    with_model = read_predictions(tmp_path / "out-of-fold.csv", MODEL_FOLDER)
    assert with_model.thresholds is not None


def test_out_of_fold_predictions_are_read_as_they_were_written(small_dataset: Dataset, tmp_path: Path) -> None:
    probabilities = np.linspace(0.9, 0.1, 40)
    write_predictions(tmp_path / OUT_OF_FOLD, OutOfFold(small_dataset, np.arange(40) % 3 + 1, probabilities))
    predictions = read_predictions(tmp_path / OUT_OF_FOLD, None)
    assert predictions.names == small_dataset.names
    assert (predictions.is_all == small_dataset.is_all).all()
    assert (predictions.subjects == small_dataset.subjects).all()
    assert predictions.probabilities == pytest.approx(probabilities, abs=5e-7)
    assert "a model of 3 that never saw its subject" in predictions.origin


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("path", "label", "subject", "probability"), *GOOD[1:]], "lacks the column probability_all"),
        ([GOOD[0], ("a", "all", "1", "1", "x")], "line 2: needs a label"),
        ([GOOD[0], ("a", "all", "1", "1", "1.5")], "line 2: needs a label"),
        ([GOOD[0], ("a", "blast", "1", "1", "0.5")], "line 2: needs a label"),
        (GOOD[:2], "only cells labelled ALL"),
        (GOOD[:1], "holds no predictions"),
    ],
)
def test_a_table_that_is_none_of_predictions_is_refused(
    rows: list[tuple[str, ...]], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=message):
        read_predictions(save(tmp_path / "p.csv", rows), None)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    write_samples(folder, 12, seed=0)
    result = CliRunner().invoke(main, ["train", "index", str(folder), "--out", str(folder / "index.csv")])
    assert result.exit_code == 0, result.output
    return folder


def test_the_served_model_predicts_an_index(drawn: Path) -> None:
    calls: list[tuple[int, int]] = []
    predictions = predict_cells(MODEL_FOLDER, drawn / "index.csv", lambda done, total: calls.append((done, total)))
    assert calls == [(done, 12) for done in range(1, 13)]
    assert len(np.unique(predictions.probabilities)) == 12
    assert "judge a model by subjects that it never saw" in predictions.origin


def test_an_index_tells_which_subjects_belong_together(drawn: Path) -> None:
    cells = find_cells(drawn / "index.csv")[1]
    rows = [(cell.name, "all" if cell.label == "ALL" else "hem", cell.subject, "1", "0.5") for cell in cells]
    predictions = read_predictions(save(drawn / "p.csv", [GOOD[0], *rows]), None)
    joined = [cell.__class__(**{**vars(cell), "group": "1"}) for cell in cells]
    assert len(set(with_groups_of(predictions, joined).groups)) == 1
    assert len(set(with_groups_of(predictions, cells).groups)) == len({cell.subject for cell in cells})
    assert (with_groups_of(predictions, cells[1:]).groups == predictions.groups).all()


def evaluate(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["train", "evaluate", *map(str, arguments)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("empty",), "is neither a run"),
        ((MODEL_FOLDER,), "name labelled cells with --cells"),
        (("wrong.csv",), "lacks the column probability_all"),
        (("run", "--out", "."), "is not empty"),
        (("run", "--cells", "drawn"), "None of the predicted cells is among those named, for instance a"),
    ],
)
def test_what_cannot_be_evaluated_is_answered_in_one_line(
    arguments: tuple[str | Path, ...], message: str, drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "drawn").symlink_to(drawn)
    save(tmp_path / "run/out-of-fold.csv", GOOD)
    save(tmp_path / "wrong.csv", [("path", "label", "subject")])
    result = evaluate(*arguments)
    assert result.exit_code != 0
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
