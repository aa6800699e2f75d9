"""The command line, from a folder of drawn cells to a model that the function serves."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from click.testing import CliRunner, Result

from lambda_fn.model import Model
from lambda_fn.preprocessing import Preprocessing
from training.__main__ import main
from training.data.dataset import load
from training.evaluation.scaling import Scaling
from training.fitting.network import fit
from training.shipping.graph import ParityError


def train(folder: Path, out: Path, *options: str) -> Result:
    sizes = ("--crop", "64", "--size", "32", "--folds", "2", "--epochs", "1")
    arguments = ["train", "run", str(folder), "--out", str(out)]
    return CliRunner().invoke(main, [*arguments, *sizes, *options])


def test_two_commands_make_a_served_model_from_a_folder_of_cells(
    cells: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("place")
    result = train(cells, place / "run")
    assert result.exit_code == 0, result.output
    arguments = ["train", "promote", str(place / "run"), "--model-folder", str(place / "served")]
    promoted = CliRunner().invoke(main, arguments)
    assert promoted.exit_code == 0, promoted.output

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
    trained = network.predict(dataset.pixels, verbose=0)[:, 0]
    scaling = Scaling(manifest["training"]["temperature"], manifest["training"]["shift"])
    assert scaling != Scaling()
    assert served == pytest.approx(scaling(trained), abs=1e-4)
    for text in (card, json.dumps(manifest)):
        assert str(cells) not in text
        assert str(Path.home()) not in text


def test_a_network_that_fails_the_parity_gate_becomes_no_model(
    cells: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> float:
        raise ParityError("The ONNX graph differs.")

    monkeypatch.setattr("training.shipping.export.check_parity", fail)
    monkeypatch.setattr("training.runs.network.fit", lambda *arguments: arguments[3].mkdir(parents=True))
    monkeypatch.setattr("training.runs.network.scale_logits", lambda *_: None)
    monkeypatch.setattr("training.runs.network.predict", lambda _, pixels: np.linspace(0.1, 0.9, len(pixels)))
    monkeypatch.setattr("training.shipping.export.to_onnx", lambda *_: b"graph")
    place = tmp_path_factory.mktemp("place")
    result = train(cells, place / "run")
    assert (result.exit_code, "Error: The ONNX graph differs." in result.output) == (1, True)
    assert not (place / "run/model").exists()


def test_a_killed_run_goes_on_and_a_finished_one_does_not(
    cells: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []

    def fit_until(fatal: str) -> Callable[..., Any]:
        def kill_or_fit(*arguments: Any) -> Any:
            if arguments[3].name == fatal:
                raise SystemExit(9)
            trained.append(arguments[3].name)
            return fit(*arguments)

        return kill_or_fit

    run = tmp_path_factory.mktemp("place") / "run"
    monkeypatch.setattr("training.runs.network.fit", fit_until("fold-2"))
    assert train(cells, run).exit_code == 9
    resume = ["train", "run", "--resume", str(run)]
    monkeypatch.setattr("training.runs.network.fit", fit_until("none"))
    wrong = CliRunner().invoke(main, [*resume, "--epochs", "3"])
    assert "leave out --epochs" in wrong.output
    result = CliRunner().invoke(main, resume)
    assert result.exit_code == 0, result.output
    assert trained == ["fold-1", "fold-2", "final"]
    again = CliRunner().invoke(main, resume)
    assert again.exit_code == 1
    assert "is finished" in again.output


def test_an_8_bit_model_says_so_and_can_be_promoted(
    cells: Path,
    tmp_path_factory: pytest.TempPathFactory,
    spread_network: keras.Model,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fitted(*arguments: Any) -> keras.Model:
        arguments[3].mkdir(parents=True)
        return spread_network

    monkeypatch.setattr("training.runs.network.fit", fitted)
    monkeypatch.setattr("training.shipping.quantization.MOST_DECISIONS_CHANGED", 1)  # of 8 cells, one would be too many
    monkeypatch.setattr("training.shipping.quantization.MOST_AUC_LOST", 1)
    run = tmp_path_factory.mktemp("place") / "run"
    result = train(cells, run, "--int8")
    assert result.exit_code == 0, result.output
    compared = json.loads((run / "model/model.json").read_text("utf-8"))["training"]["int8"]
    assert 0 < compared["cells"] < 32 - compared["calibration_cells"] + 1
    assert (run / "float32.onnx").read_bytes() != (run / "model/model.onnx").read_bytes()
    promoted = CliRunner().invoke(main, ["train", "promote", str(run), "--model-folder", str(run.parent / "served")])
    assert promoted.exit_code == 0, promoted.output


def test_a_run_does_not_go_on_with_other_cells(
    cells: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: object) -> None:
        raise SystemExit(9)

    monkeypatch.setattr("training.runs.network.fit", kill)
    run = tmp_path_factory.mktemp("place") / "run"
    train(cells, run)
    next(cells.rglob("UID_1_1_1_all.png")).unlink()
    result = CliRunner().invoke(main, ["train", "run", "--resume", str(run)])
    assert (result.exit_code, "began with other cells" in result.output) == (1, True)


def test_a_run_holds_its_folder_before_it_reads_cells_and_a_second_resume_is_refused(
    cells: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path_factory.mktemp("place") / "run"
    refusals: list[Result] = []

    def kill(*_: object) -> None:
        before = sorted(run.rglob("*"))
        refusals.append(CliRunner().invoke(main, ["train", "run", "--resume", str(run)]))
        refusals.append(train(cells, run))
        assert sorted(run.rglob("*")) == before
        raise SystemExit(9)

    monkeypatch.setattr("training.runs.progress.load", kill)
    assert train(cells, run).exit_code == 9
    assert [refusal.exit_code for refusal in refusals] == [1, 1]
    assert all("another process works in it" in refusal.output for refusal in refusals)
    assert not run.exists()


def test_a_recipe_that_is_stopped_leaves_its_folder_free(
    cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(plan: Any, *_: object) -> None:
        (plan.out / "out-of-fold.csv").touch()
        (plan.out / "model.keras").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("training.runs.pooled.make_pooled_model", stop)
    out = tmp_path / "stopped"
    result = CliRunner().invoke(main, ["train", "recipe", str(cells), "--out", str(out)])
    assert result.exit_code != 0
    assert "Nothing is kept: start the recipe again with the same command." in result.output
    assert not out.exists()


def test_a_folder_that_is_no_run_cannot_go_on(cells: Path) -> None:
    result = CliRunner().invoke(main, ["train", "run", "--resume", str(cells)])
    assert (result.exit_code, "it holds no run.json" in result.output) == (1, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--size", "34"), "2x2C1D cannot take images of 34 px: the side must be 32 or more and a multiple of 4"),
        (("--architecture", "Xception", "--size", "64"), "the side must be 71 or more"),
        (("--architecture", "9x9C1D"), "9x9C1D is no architecture; there are 1C1D, 2C1D,"),
        (("--size", "96"), "not be above --crop 64"),
        (("--weights", "absent.npz"), "absent.npz is neither imagenet nor none nor a file"),
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

    monkeypatch.setattr("training.runs.network.fit", stop)
    result = train(cells, tmp_path / "run")
    assert result.exit_code != 0
    assert "run: 1, each the best of its training so far" in result.output.replace("\n", "")
    assert "train run --resume" in result.output


def test_samples_are_drawn_said_to_be_drawn_and_never_overwritten(tmp_path: Path) -> None:
    arguments = ["samples", str(tmp_path / "drawn"), "--count", "4", "--seed", "3"]
    first, second = (CliRunner().invoke(main, arguments) for _ in range(2))
    assert "4 drawn cells, not real ones" in first.output
    assert len(list((tmp_path / "drawn").glob("*.bmp"))) == 4
    assert second.exit_code == 2
    assert "exists already" in second.output
