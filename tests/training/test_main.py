"""The command line, from a folder of drawn cells to a model that the function serves."""

import csv
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from click.testing import CliRunner, Result

from lambda_fn.cells import Preprocessing
from lambda_fn.model import Model
from training.__main__ import main
from training.dataset import load
from training.export import ParityError


def train(folder: Path, out: Path, *options: str) -> Result:
    sizes = ("--crop", "64", "--size", "32", "--folds", "2", "--epochs", "1")
    arguments = ["train", "run", str(folder), "--out", str(out), "--model-folder", str(out.parent / "served")]
    return CliRunner().invoke(main, [*arguments, *sizes, *options])


def test_one_command_makes_a_served_model_from_a_folder_of_cells(
    cells: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("place")
    result = train(cells, place / "run")
    assert result.exit_code == 0, result.output

    manifest = json.loads((place / "served/model.json").read_text("utf-8"))
    assert manifest["training"]["cells"] == {"ALL": 16, "normal": 16}
    assert manifest["training"]["subjects"] == {"ALL": 4, "normal": 4}
    assert manifest["metrics"]["split"] == "out-of-fold, 2 subject-disjoint folds"
    assert manifest["decision"]["achieved"]["sensitivity"] >= manifest["decision"]["chosen_for"]["sensitivity"]
    card = (place / "served/MODEL_CARD.md").read_text("utf-8")
    assert manifest["version"] in card
    assert "CC BY 3.0" in card

    with (place / "run/out-of-fold.csv").open(encoding="utf-8", newline="") as file:
        predictions = list(csv.DictReader(file))
    dataset = load(cells, Preprocessing(64, 32))
    assert [row["path"] for row in predictions] == list(dataset.names)
    for subject in set(dataset.subjects):
        assert len({row["fold"] for row in predictions if row["subject"] == subject}) == 1

    network = keras.models.load_model(place / "run/final/best.keras", compile=False)
    model = Model(place / "served")
    served = [model.predict(pixels).probability_all for pixels in dataset.pixels]
    assert served == pytest.approx(network.predict(dataset.pixels, verbose=0)[:, 0], abs=1e-4)
    for text in (card, json.dumps(manifest)):
        assert str(cells) not in text
        assert str(Path.home()) not in text


def test_a_model_that_fails_the_parity_gate_leaves_the_served_model_as_it_was(
    cells: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> float:
        raise ParityError("The ONNX graph differs.")

    monkeypatch.setattr("training.shipping.check_parity", fail)
    monkeypatch.setattr("training.run.fit", lambda *_: None)
    monkeypatch.setattr("training.run.predict", lambda _, pixels: np.linspace(0.1, 0.9, len(pixels)))
    monkeypatch.setattr("training.shipping.to_onnx", lambda _: b"graph")
    place = tmp_path_factory.mktemp("place")
    (place / "served").mkdir()
    (place / "served/model.onnx").write_bytes(b"old")
    result = train(cells, place / "run")
    assert (result.exit_code, "Error: The ONNX graph differs." in result.output) == (1, True)
    assert [path.read_bytes() for path in (place / "served").iterdir()] == [b"old"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--size", "33"), "must be a multiple of 4"),
        (("--size", "96"), "not above --crop 64"),
        (("--folds", "5"), "5 folds need 5 subjects of each class"),
        (("--out", "."), "is not empty"),
    ],
)
def test_a_wrong_wish_is_answered_in_one_line(
    options: tuple[str, str], message: str, cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = train(cells, tmp_path / "run", *options)
    assert result.exit_code != 0
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert not (tmp_path / "run").exists()


def test_an_interrupted_run_says_where_the_best_networks_are(
    cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(dataset: object, split: object, recipe: object, folder: Path, *_: object) -> None:
        folder.mkdir(parents=True)
        (folder / "best.keras").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("training.run.fit", stop)
    result = train(cells, tmp_path / "run")
    assert result.exit_code != 0
    assert "run: 1, each the best of its training so far" in result.output.replace("\n", "")
    assert not (tmp_path / "served").exists()


def test_samples_are_drawn_said_to_be_drawn_and_never_overwritten(tmp_path: Path) -> None:
    arguments = ["samples", str(tmp_path / "drawn"), "--count", "4", "--seed", "3"]
    first, second = (CliRunner().invoke(main, arguments) for _ in range(2))
    assert "4 drawn cells, not real ones" in first.output
    assert len(list((tmp_path / "drawn").glob("*.bmp"))) == 4
    assert second.exit_code == 2
    assert "exists already" in second.output
