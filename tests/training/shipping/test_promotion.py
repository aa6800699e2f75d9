import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from lambda_fn.manifest import MODEL_FOLDER
from training.shipping.promotion import PromotionError, promote_model, ship

FILES = ("model.onnx", "model.json", "MODEL_CARD.md")


def write(folder: Path, text: str) -> Path:
    folder.mkdir()
    for name in FILES:
        (folder / name).write_text(f"{text} {name}", "utf-8")
    return folder


def read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


def test_a_replaced_model_is_kept(tmp_path: Path) -> None:
    old, new = write(tmp_path / "served", "old"), write(tmp_path / "new", "new")
    ship(new, old, tmp_path / "backup")
    assert read(old) == {name: f"new {name}" for name in FILES}
    assert read(tmp_path / "backup/1") == {name: f"old {name}" for name in FILES}


def test_a_first_model_needs_no_backup(tmp_path: Path) -> None:
    ship(write(tmp_path / "new", "new"), tmp_path / "served", tmp_path / "backup")
    assert set(read(tmp_path / "served")) == set(FILES)
    assert not (tmp_path / "backup").exists()


@pytest.mark.parametrize("missing", FILES)
def test_a_crash_on_the_way_leaves_the_old_model_whole(missing: str, tmp_path: Path) -> None:
    old, new = write(tmp_path / "served", "old"), write(tmp_path / "new", "new")
    (new / missing).unlink()
    with pytest.raises(FileNotFoundError):
        ship(new, old, tmp_path / "backup")
    assert {name: (old / name).read_text("utf-8") for name in FILES} == {name: f"old {name}" for name in FILES}


def test_every_replaced_model_is_kept(tmp_path: Path) -> None:
    served = write(tmp_path / "served", "first")
    for name in ("second", "third"):
        ship(write(tmp_path / name, name), served, tmp_path / "backup")
    backups = [read(tmp_path / "backup" / number)["model.onnx"] for number in ("1", "2")]
    assert backups == ["first model.onnx", "second model.onnx"]


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """The folder of a run that made the shipped model."""
    shutil.copytree(MODEL_FOLDER, tmp_path / "run/model")
    return tmp_path / "run"


def present(folder: Path, auc: float = 0.0, specificity: float = 0.0, digest: str | None = None) -> Path:
    """A served model like the shipped one, but with other figures, by so much."""
    manifest: dict[str, Any] = json.loads((MODEL_FOLDER / "model.json").read_text("utf-8"))
    manifest |= {"version": "present", "sha256": "0" * 64}
    manifest["metrics"]["ranking"]["roc_auc"]["value"] += auc
    manifest["metrics"]["at_operating_point"]["specificity"]["value"] += specificity
    manifest["training"]["data_digest"] = digest or manifest["training"]["data_digest"]
    folder.mkdir()
    (folder / "model.json").write_text(json.dumps(manifest), "utf-8")
    return folder


def version(folder: Path) -> str:
    return str(json.loads((folder / "model.json").read_text("utf-8"))["version"])


@pytest.mark.parametrize(
    ("differs", "refusal"),
    [
        ({}, None),
        ({"auc": -0.02, "specificity": -0.1}, None),
        ({"auc": 0.004}, None),
        ({"auc": 0.006}, r"its ROC AUC is 0\.\d{3}, that of present 0\.\d{3}"),
        ({"auc": -0.02, "specificity": 0.006}, r"its specificity at the operating point is 0\.\d{3}"),
        ({"auc": -0.02, "digest": "1" * 64}, "measured on other cells than present"),
    ],
)
def test_a_worse_or_incomparable_model_takes_no_place_unless_told(
    differs: dict[str, Any], refusal: str | None, finished: Path, tmp_path: Path
) -> None:
    served = present(tmp_path / "served", **differs)
    if refusal:
        with pytest.raises(PromotionError, match=refusal):
            promote_model(finished, served)
        assert version(served) == "present"
    changes = promote_model(finished, served, even_if_worse=refusal is not None)
    assert version(served) == version(MODEL_FOLDER)
    assert version(finished / "replaced/1") == "present"
    assert [line.partition(":")[0] for line in changes] == ["ROC AUC", "specificity at the operating point"]


@pytest.mark.parametrize("measured", ["2", None])
def test_a_model_that_learned_from_more_cells_is_compared_if_it_was_measured_on_the_same(
    measured: str | None, finished: Path, tmp_path: Path
) -> None:
    manifest: dict[str, Any] = json.loads((finished / "model/model.json").read_text("utf-8"))
    same = manifest["training"].get("measured_digest", manifest["training"]["data_digest"])
    manifest["training"] |= {"data_digest": "1" * 64, "measured_digest": measured or same}
    (finished / "model/model.json").write_text(json.dumps(manifest), "utf-8")
    served = present(tmp_path / "served", auc=-0.02, digest=same)
    if measured:
        with pytest.raises(PromotionError, match="measured on other cells"):
            promote_model(finished, served)
    else:
        assert len(promote_model(finished, served)) == 2


def test_a_first_model_needs_no_comparison(finished: Path, tmp_path: Path) -> None:
    assert promote_model(finished, tmp_path / "served") == []
    assert version(tmp_path / "served") == version(MODEL_FOLDER)


def test_a_model_that_is_served_already_is_not_promoted_again(finished: Path, tmp_path: Path) -> None:
    promote_model(finished, tmp_path / "served")
    with pytest.raises(PromotionError, match="already"):
        promote_model(finished, tmp_path / "served")


def test_a_damaged_model_takes_no_place(finished: Path, tmp_path: Path) -> None:
    with (finished / "model/model.onnx").open("ab") as file:
        file.write(b"damage")
    with pytest.raises(PromotionError, match=r"cannot be served: model\.onnx has digest"):
        promote_model(finished, tmp_path / "served")
    assert not (tmp_path / "served").exists()


def test_a_model_that_says_something_else_than_its_manifest_takes_no_place(finished: Path, tmp_path: Path) -> None:
    manifest = json.loads((finished / "model/model.json").read_text("utf-8"))
    manifest["training"]["reference_probabilities"][0] += 0.01
    (finished / "model/model.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(PromotionError, match=r"says other probabilities here than where it was made, by 0\.01"):
        promote_model(finished, tmp_path / "served")


def test_a_folder_without_a_finished_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PromotionError, match="holds no finished model"):
        promote_model(tmp_path, tmp_path / "served")


@pytest.mark.parametrize("missing", FILES)
def test_a_promotion_that_fails_leaves_no_file_behind(missing: str, tmp_path: Path) -> None:
    old, new = write(tmp_path / "served", "old"), write(tmp_path / "new", "new")
    (new / missing).unlink()
    with pytest.raises(FileNotFoundError):
        ship(new, old, tmp_path / "backup")
    assert set(read(old)) == set(FILES)
