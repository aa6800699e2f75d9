"""`cellflag score` as a user types it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cellflag
from lambda_fn import model as served

Encode = Callable[..., bytes]


@pytest.fixture
def run(model_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs the command line; returns exit code, standard output and standard error."""
    monkeypatch.setattr(served.Model.__init__, "__defaults__", (model_folder, 1))

    def run_command(*arguments: object) -> tuple[object, str, str]:
        monkeypatch.setattr("sys.argv", ["cellflag", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cellflag.main()
        return stop.value.code, *capsys.readouterr()

    return run_command


@pytest.fixture
def folder(tmp_path: Path, encode: Encode) -> Path:
    images = tmp_path / "images"
    (images / "plate 7" / "日本").mkdir(parents=True)
    (images / "plate 7" / "日本" / "ü +1.BMP").write_bytes(encode())
    (images / "cell.png").write_bytes(encode("PNG"))
    (images / "notes.bmp").write_text("notes")
    (images / "README.txt").write_text("left out")
    return images


def test_a_folder_gets_one_document_an_image_under_the_same_path(run: Callable[..., Any], folder: Path) -> None:
    out = folder.parent / "out"
    code, output, _ = run("score", folder, "--out", out)
    assert code == 0
    assert "3 images: 0 ALL, 0 normal, 2 to review, 1 rejected" in output
    written = {path.relative_to(out).as_posix() for path in out.rglob("*.json")}
    keys = {"plate 7/日本/ü +1.BMP.json", "cell.png.json", "notes.bmp.json"}
    assert written == {f"{part}/{key}" for part in ("results", "review") for key in keys}
    document = json.loads((out / "results/plate 7/日本/ü +1.BMP.json").read_text("utf-8"))
    assert document["image"]["bucket"] is None
    assert document["image"]["key"] == "plate 7/日本/ü +1.BMP"


def test_documents_are_overwritten_only_when_told(run: Callable[..., Any], folder: Path) -> None:
    out = folder / "out"
    assert run("score", folder, "--out", out)[0] == 0
    code, _, error = run("score", folder, "--out", out)
    assert code == 2
    assert "--overwrite" in error
    assert run("score", folder, "--out", out, "--overwrite")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["score", "no-such-folder", "--out", "out"], "no-such-folder"),
        (["score", "."], "--out"),
        (["score", ".", "--out", "out"], "no image below"),
        (["score", ".", "--out", "out", "--fast"], "--fast"),
        (["scroe"], "scroe"),
    ],
)
def test_wrong_usage_ends_with_one_line_and_exit_code_2(
    arguments: list[str], message: str, run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, output, error = run(*arguments)
    assert (code, output) == (2, "")
    assert error.startswith("cellflag: ")
    assert error.count("\n") == 1
    assert message in error
