import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from lambda_fn.manifest import MODEL_FOLDER
from lambda_fn.preprocessing import Preprocessing
from training.__main__ import main
from training.data.dataset import Dataset, load
from training.data.index import write_index
from training.data.indexing import build
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


def test_groups_of_subjects_are_read_as_they_were_written(small_dataset: Dataset, tmp_path: Path) -> None:
    tied = replace(small_dataset, groups=np.where(small_dataset.groups == 3, 2, small_dataset.groups))
    write_predictions(tmp_path / OUT_OF_FOLD, OutOfFold(tied, np.arange(40) % 3 + 1, np.linspace(0.9, 0.1, 40)))
    groups = read_predictions(tmp_path / OUT_OF_FOLD, None).groups
    assert len(np.unique(groups)) == 7
    assert len(np.unique(groups[(tied.groups == 2)])) == 1


def test_a_table_without_subjects_is_answered_with_what_cannot_be_promised(tmp_path: Path) -> None:
    table = tmp_path / "predictions.csv"
    table.write_text("path,label,probability_all\na.png,all,0.9\nb.png,hem,0.1\n", "utf-8")
    with pytest.raises(DatasetError, match=r"lacks the column subject\. .*no error rate can be promised"):
        read_predictions(table, None)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a,all,1,0.9", "b,all,2,0.8", "c,hem,H1,0.1"], "all normal cells are of one subject"),
        (["a,all,1,0.5", "b,all,2,0.5", "c,hem,H1,0.5", "d,hem,H2,0.5"], "all probabilities are 0.5"),
        (["a,all,1,nan", "b,hem,H1,0.1"], "line 2: needs a label, a subject, and a probability_all from 0 to 1"),
    ],
)
def test_a_table_that_allows_no_thresholds_is_answered_in_one_line(
    rows: list[str], message: str, tmp_path: Path
) -> None:
    table = tmp_path / "predictions.csv"
    table.write_text("\n".join(["path,label,subject,probability_all", *rows]), "utf-8")
    result = CliRunner().invoke(main, ["train", "evaluate", str(table), "--out", str(tmp_path / "out")])
    assert result.exit_code != 0
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output


def model_of(digest: str, folder: Path, data_set: str = "noise") -> Path:
    """The served model, as if it had learned from other cells."""
    shutil.copytree(MODEL_FOLDER, folder)
    manifest = json.loads((folder / "model.json").read_text("utf-8"))
    manifest["training"] |= {"data_digest": digest, "data_set": data_set}
    (folder / "model.json").write_text(json.dumps(manifest), "utf-8")
    return folder


def test_predictions_of_other_cells_than_the_models_are_refused(cells: Path, tmp_path: Path) -> None:
    dataset = load(cells, Preprocessing(64, 32))
    table = tmp_path / OUT_OF_FOLD
    write_predictions(table, OutOfFold(dataset, np.arange(32) % 2 + 1, np.linspace(0, 1, 32)))
    predictions = read_predictions(table, model_of(dataset.digest, tmp_path / "same"))
    assert predictions.contents == dataset.contents
    with pytest.raises(DatasetError, match=r"predictions of other cells than .*other was trained on"):
        read_predictions(table, model_of("0" * 64, tmp_path / "other"))


def test_an_index_of_other_images_with_the_same_names_is_refused(cells: Path, tmp_path: Path) -> None:
    write_index(cells / "index.csv", build(find_cells(cells)[1])[0])
    dataset = load(cells / "index.csv", Preprocessing(64, 32))
    write_predictions(tmp_path / OUT_OF_FOLD, OutOfFold(dataset, np.arange(32) % 2 + 1, np.linspace(0, 1, 32)))
    predictions = read_predictions(tmp_path / OUT_OF_FOLD, None)
    labelled = find_cells(cells / "index.csv")[1]
    assert (with_groups_of(predictions, labelled).groups == dataset.groups).all()
    with pytest.raises(DatasetError, match="is another image in the index"):
        with_groups_of(predictions, [replace(labelled[0], sha256="0"), *labelled[1:]])


@pytest.mark.parametrize(
    ("same_cells", "data_set", "warning"),
    [
        (True, "any", "The model learned from these very cells"),
        (False, "C-NMC 2019 + drawn", "The model learned from drawn, too"),
        (False, "C-NMC 2019", ""),
    ],
)
def test_predictions_of_cells_that_the_model_learned_from_warn(
    same_cells: bool, data_set: str, warning: str, drawn: Path, tmp_path: Path
) -> None:
    title = find_cells(drawn / "index.csv")[0]
    digest = load(drawn / "index.csv", Preprocessing(64, 32)).digest if same_cells else "0"
    model = model_of(digest, tmp_path / "model", data_set.replace("drawn", title))
    predictions = predict_cells(model, drawn / "index.csv")
    assert bool(predictions.warning) is bool(warning)
    assert predictions.warning.startswith(warning.replace("drawn", title))
    assert predictions.warning in predictions.origin


def test_evaluate_shows_the_warning(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.commands.evaluate.UNUSUAL_IMAGES", 2)
    model = model_of(load(drawn / "index.csv", Preprocessing(64, 32)).digest, tmp_path / "model")
    result = evaluate(model, "--cells", drawn / "index.csv", "--out", tmp_path / "report")
    assert result.exit_code == 0, result.output
    assert "Warning: The model learned from these very cells, so the figures flatter it." in result.output


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
