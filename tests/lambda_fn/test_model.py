import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from lambda_fn.errors import ModelError
from lambda_fn.manifest import Manifest
from lambda_fn.model import Model, start_session


@pytest.fixture
def model_copy(model_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model_folder, tmp_path / "copy"))


@pytest.mark.parametrize("red", [0, 51, 255])
def test_a_cell_gets_its_probability(red: int, model: Model) -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[5, 5, 0] = red
    prediction = model.predict(pixels)
    assert prediction.probability_all == pytest.approx(red / 255)
    assert prediction.distance == 0


def test_a_session_starts_from_a_graph_or_its_file_and_names_its_outputs(model_folder: Path) -> None:
    pixels = np.full((1, 64, 64, 3), 51, np.uint8)
    file = model_folder / "model.onnx"
    for session in (start_session(file), start_session(file.read_bytes(), threads=1)):
        assert [output.name for output in session.get_outputs()] == ["probability_all"]
        assert session.run(None, {"image": pixels})[0].item() == pytest.approx(0.2)


def test_a_graph_whose_digest_differs_from_the_manifest_is_refused(model_copy: Path) -> None:
    graph = bytearray((model_copy / "model.onnx").read_bytes())
    graph[-1] ^= 1
    (model_copy / "model.onnx").write_bytes(graph)
    with pytest.raises(ModelError, match="has digest"):
        Model(model_copy)


@pytest.mark.parametrize("name", ["model.json", "model.onnx"])
def test_a_model_folder_without_one_of_its_files_is_refused(name: str, model_copy: Path) -> None:
    (model_copy / name).unlink()
    with pytest.raises(ModelError, match=f"{name} is missing"):
        Model(model_copy)


@pytest.mark.parametrize(
    "damage",
    [
        lambda fields: fields.pop("sha256"),
        lambda fields: fields["decision"].pop("all_from"),
        lambda fields: fields["decision"].update(all_from=0.1),
        lambda fields: fields.update(outputs=[]),
        lambda fields: fields["outputs"][0].update(name="score"),
        lambda fields: fields["preprocessing"].update(crop="wide"),
        lambda fields: fields["preprocessing"].update(background="green"),
        lambda fields: fields["preprocessing"].update(limits={"sides": 4}),
        lambda fields: fields["preprocessing"].update(limits={"pixels": "many"}),
        lambda fields: fields["preprocessing"].update(limits={"aspect": 0.5}),
    ],
    ids=[
        *("no digest", "no threshold", "thresholds out of order", "no output", "another output", "crop is no number"),
        *("unknown background", "unknown limit", "limit is no number", "limit that no image keeps"),
    ],
)
def test_a_manifest_is_refused_if_a_needed_part_is_missing_or_wrong(damage: object, model_folder: Path) -> None:
    fields = json.loads((model_folder / "model.json").read_text())
    assert callable(damage)
    damage(fields)
    with pytest.raises(ModelError, match=r"model\.json is not a manifest"):
        Manifest.from_json(json.dumps(fields))


@pytest.mark.parametrize(("stated", "background"), [({}, "black"), ({"background": "smear"}, "smear")])
def test_a_manifest_states_what_surrounded_the_training_cells(
    stated: dict[str, str], background: str, model_folder: Path
) -> None:
    fields = json.loads((model_folder / "model.json").read_text())
    fields["preprocessing"] = {"crop": 64, "size": 32} | stated
    assert Manifest.from_json(json.dumps(fields)).preprocessing.background == background


def test_a_manifest_that_is_not_json_is_refused() -> None:
    with pytest.raises(ModelError, match=r"model\.json is not a manifest"):
        Manifest.from_json("model")
