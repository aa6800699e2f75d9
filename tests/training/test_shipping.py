from pathlib import Path

import pytest

from lambda_fn.model import ModelError
from training.shipping import ship, write_model

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
    assert read(tmp_path / "backup") == {name: f"old {name}" for name in FILES}


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


def test_a_manifest_that_the_function_cannot_read_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        write_model(tmp_path / "model", b"graph", {"version": "1"})
    assert not (tmp_path / "model").exists()
