"""The command ``cellflag score``, as a user types it."""

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import cellflag
from lambda_fn import model as served
from lambda_fn.manifest import Manifest

from .conftest import draw_disc
from .test_own_thresholds import OWN

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


@pytest.mark.parametrize(
    ("options", "reason"),
    [((), "not_in_model"), (("--explain", "all"), "not_in_model"), (("--explain", "none"), "not_asked")],
)
def test_explain_reaches_the_documents(
    options: tuple[str, ...], reason: str, run: Callable[..., Any], folder: Path
) -> None:
    out = folder.parent / "out"
    assert run("score", folder, "--out", out, *options)[0] == 0
    document = json.loads((out / "results/cell.png.json").read_text("utf-8"))
    assert document["explanation_missing"] == reason  # the model of these tests explains nothing


def test_a_share_of_the_decided_images_of_a_folder_is_audited_and_the_same_one_again(
    run: Callable[..., Any], tmp_path: Path, encode: Encode
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for red in range(200, 240):
        (images / f"{red}.bmp").write_bytes(encode(pixels=draw_disc((red, 40, 120))))

    def audited(out: Path, *options: str) -> set[str]:
        code, output, _ = run("score", images, "--out", out, "--audit-share", "0.5", *options)
        assert (code, output.split(".")[0]) == (0, "40 images: 40 ALL, 0 normal, 0 to review, 0 rejected")
        flags = [json.loads(path.read_bytes()) for path in (out / "review").rglob("*.json")]
        assert all(flag["review"]["reasons"] == ["audit"] and flag["decision"] == "ALL" for flag in flags)
        return {flag["image"]["key"] for flag in flags}

    first = audited(tmp_path / "one")
    assert 0 < len(first) < 40
    assert audited(tmp_path / "one", "--overwrite") == first
    assert audited(tmp_path / "two") != first


@pytest.fixture
def thresholds(model_folder: Path, tmp_path: Path) -> Path:
    """Thresholds of a laboratory by which the model of these tests decides every cell ALL."""
    manifest = Manifest.read(model_folder)
    own = replace(OWN, model_sha256=manifest.sha256, operating_point=0.0, normal_below=0.0, all_from=0.0)
    file = tmp_path / "thresholds.json"
    file.write_text(own.to_json(1), "utf-8")
    return file


def test_thresholds_of_a_file_decide_and_the_results_name_them(
    run: Callable[..., Any], folder: Path, thresholds: Path
) -> None:
    out = folder.parent / "out"
    code, output, _ = run("score", folder, "--out", out, "--thresholds", thresholds)
    assert (code, "3 images: 2 ALL, 0 normal, 0 to review, 1 rejected" in output) == (0, True)
    document = json.loads((out / "results/cell.png.json").read_text("utf-8"))
    assert (document["decision"], document["model"]["thresholds"]) == ("ALL", OWN.version)


def test_thresholds_of_another_model_score_nothing(run: Callable[..., Any], folder: Path, thresholds: Path) -> None:
    thresholds.write_text(OWN.to_json(), "utf-8")
    code, _, errors = run("score", folder, "--out", folder.parent / "out", "--thresholds", thresholds)
    assert code == 1
    assert "were chosen for the model v, and" in errors
    assert not (folder.parent / "out").exists()


def test_each_image_of_a_folder_gets_one_document_under_the_same_path(run: Callable[..., Any], folder: Path) -> None:
    out = folder.parent / "out"
    code, output, _ = run("score", folder, "--out", out)
    assert code == 0
    assert "3 images: 0 ALL, 0 normal, 2 to review, 1 rejected" in output
    documents = {path.relative_to(out).as_posix() for path in out.rglob("*.json")}
    keys = {"plate 7/日本/ü +1.BMP.json", "cell.png.json", "notes.bmp.json"}
    assert documents == {f"{part}/{key}" for part in ("results", "review") for key in keys}
    document = json.loads((out / "results/plate 7/日本/ü +1.BMP.json").read_text("utf-8"))
    assert document["image"]["bucket"] is None
    assert document["image"]["key"] == "plate 7/日本/ü +1.BMP"


def test_other_files_are_counted_by_kind_and_never_scored(run: Callable[..., Any], folder: Path) -> None:
    for name in ("stack.gif", "drawing.psd", "LICENSE", ".hidden.bmp", ".trash/cell.bmp"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("left out")
    code, output, _ = run("score", folder, "--out", folder.parent / "out")
    assert code == 0
    assert output.startswith("3 images: ")
    assert output.endswith("6 other files were passed over: 2 hidden, 1 without a suffix, 1 .txt, 1 .psd, 1 .gif.\n")


def test_a_folder_without_images_is_refused_with_a_count_of_its_files(run: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "stack.gif").touch()
    code, _, error = run("score", tmp_path, "--out", tmp_path / "out")
    assert code == 2
    assert "no image below" in error
    assert "1 other file was passed over: 1 .gif." in error


def test_the_folder_of_the_images_is_refused_as_the_folder_of_documents(run: Callable[..., Any], folder: Path) -> None:
    code, _, error = run("score", folder, "--out", folder / "plate 7" / "..")
    assert code == 2
    assert "name another folder" in error


def test_a_model_that_cannot_be_served_ends_with_one_line(
    run: Callable[..., Any], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.Model.__init__, "__defaults__", (tmp_path, 1))
    code, output, error = run("score", folder, "--out", tmp_path / "out")
    assert (code, output, error) == (1, "", "cellflag: model.json is missing from the model folder\n")


def test_documents_are_overwritten_only_on_request(run: Callable[..., Any], folder: Path) -> None:
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


def scored_keys(out: Path) -> set[str]:
    return {path.relative_to(out / "results").as_posix() for path in (out / "results").rglob("*") if path.is_file()}


LATIN_1 = os.fsdecode(b"caf\xe9.bmp")
LONG = f"{'x' * 248}.bmp"


@pytest.mark.parametrize(
    ("name", "reason"),
    [(LATIN_1, r"caf\xe9.bmp: its name is not UTF-8"), (LONG, "File name too long"), ("taken.bmp", "Is a directory")],
)
def test_one_odd_file_is_named_and_counted_and_the_others_are_scored(
    name: str, reason: str, run: Callable[..., Any], folder: Path, encode: Encode
) -> None:
    out = folder.parent / "out"
    (folder / name).write_bytes(encode())
    (out / "results" / "taken.bmp.json").mkdir(parents=True)
    code, output, error = run("score", folder, "--out", out, "--overwrite")
    assert code == 1
    assert output.startswith("3 images: 0 ALL, 0 normal, 2 to review, 1 rejected.")
    failures = [line for line in error.splitlines() if reason in line]
    assert len(failures) == 1
    assert error.splitlines()[-1] == "cellflag: 1 of 4 images have no document."
    assert scored_keys(out) == {"plate 7/日本/ü +1.BMP.json", "cell.png.json", "notes.bmp.json"}


def test_an_image_and_a_folder_of_the_name_of_its_document_collide_in_one_line(
    run: Callable[..., Any], folder: Path, encode: Encode
) -> None:
    (folder / "cell.png.json").mkdir()
    (folder / "cell.png.json" / "other.bmp").write_bytes(encode())
    code, output, error = run("score", folder, "--out", folder.parent / "out")
    assert (code, output[:9]) == (1, "3 images:")
    assert error.count("cell.png.json/other.bmp.json: ") == 1


def test_an_unreadable_file_is_named_and_the_others_are_scored(
    run: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "cell.png":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    code, output, error = run("score", folder, "--out", folder.parent / "out")
    assert (code, output[:9]) == (1, "2 images:")
    assert f"{folder}/cell.png: Permission denied" in error


@pytest.mark.parametrize("seconds", [-1e11, -1.0, 0.0, 253_402_300_800.0, 1e12])
def test_a_file_of_any_age_is_scored(seconds: float, run: Callable[..., Any], folder: Path) -> None:
    try:
        os.utime(folder / "cell.png", (seconds, seconds))
    except OSError:
        pytest.skip("this file system cannot hold the time")
    assert run("score", folder, "--out", folder.parent / "out")[0] == 0


def test_a_full_disk_leaves_no_empty_document(
    run: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "replace", fail)
    out = folder.parent / "out"
    code, output, error = run("score", folder, "--out", out)
    assert (code, output[:9]) == (1, "0 images:")
    assert error.count("No space left on device") == 3
    assert [path for path in out.rglob("*") if path.is_file()] == []


def test_the_scale_of_the_images_can_be_set(run: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    assert run("score", folder, "--out", tmp_path / "out", "--explain", "all", "--um-per-px", "0.1")[0] == 0
    document = json.loads((tmp_path / "out/results/cell.png.json").read_text("utf-8"))
    assert document["morphology"]["equivalent_diameter_um"] == pytest.approx(18, rel=0.01)


def test_an_impossible_scale_is_refused(run: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    code, _, message = run("score", folder, "--out", tmp_path / "out", "--um-per-px", "0")
    assert code == 2 and "--um-per-px" in message
