"""The job's program, run as the container runs it: another process, unpacked source, folders in the environment."""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from lambda_fn.model import Model
from training.container import as_options
from training.sagemaker.job import PACKAGES, ROOT, source_archive
from training.sagemaker.layout import PROGRAM


@pytest.fixture
def container(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of a container, with the source unpacked."""
    root = tmp_path_factory.mktemp("container")
    for folder in ("code", "model", "checkpoints"):
        (root / folder).mkdir()
    with tarfile.open(fileobj=io.BytesIO(source_archive())) as tar:
        tar.extractall(root / "code", filter="data")
    return root


def train(container: Path, cells: Path, *hyperparameters: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "SM_CHANNEL_TRAINING": str(cells),
        "SM_MODEL_DIR": str(container / "model"),
        "CELLFLAG_CHECKPOINTS": str(container / "checkpoints"),
    }
    command = [sys.executable, "-P", PROGRAM, *hyperparameters]
    environment["PYTHONPATH"] = str(container / "code")
    return subprocess.run(command, cwd=container / "code", env=environment, capture_output=True, text=True, check=False)


def test_the_job_trains_from_the_unpacked_source_and_goes_on_from_its_checkpoints(cells: Path, container: Path) -> None:
    hyperparameters = ("--folds", "2", "--epochs", "1", "--crop", "64", "--size", "32", "--int8", "False")
    done = train(container, cells, *hyperparameters)
    assert done.returncode == 0, done.stderr
    delivered = {path.name for path in (container / "model").iterdir()}
    assert delivered == {"model", "run.json", "folds.csv", "out-of-fold.csv", "fold-1", "fold-2", "final"}
    assert Model(container / "model/model").manifest.version.startswith("2x2C1D-")

    # As after a spot instance was taken away in the final training: the folds are there, the model is not.
    for path in sorted((container / "checkpoints/model").iterdir()):
        path.unlink()
    (container / "checkpoints/model").rmdir()
    log = container / "checkpoints/fold-1/log.csv"
    lines = log.read_text("utf-8").splitlines()
    figures = lines[-1].split(",")[2:]
    log.write_text("\n".join([*lines, ",".join(["2", "kept", *figures]), ""]), "utf-8")
    again = train(container, cells, *hyperparameters)
    assert again.returncode == 0, again.stderr
    assert "kept" in (container / "model/fold-1/log.csv").read_text("utf-8"), "a finished fold was trained anew"


def test_a_job_without_cells_fails_with_the_reason(container: Path, tmp_path: Path) -> None:
    failed = train(container, tmp_path, "--folds", "2")
    assert failed.returncode != 0
    assert "no labelled cells" in failed.stderr or "holds no" in failed.stderr, failed.stderr


def test_flags_come_as_true_and_false() -> None:
    assert list(as_options(["--epochs", "3", "--int8", "True"])) == ["--epochs", "3", "--int8"]
    assert list(as_options(["--int8", "False", "--seed", "0"])) == ["--seed", "0"]


def test_the_source_holds_no_model_and_pins_every_library() -> None:
    with tarfile.open(fileobj=io.BytesIO(source_archive())) as tar:
        names = tar.getnames()
        requirements = (tar.extractfile("requirements.txt") or io.BytesIO()).read().decode().split()
    assert "training/runs/network.py" in names
    assert not [name for name in names if name.endswith((".onnx", ".pyc")) or "__pycache__" in name]
    assert all("==" in line for line in requirements)
    assert not json.dumps(names).count(str(Path.home()))


def test_a_checkout_below_a_folder_named_model_gives_the_same_source(tmp_path: Path) -> None:
    clone = tmp_path / "model/cellflag"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, clone / package, ignore=shutil.ignore_patterns("__pycache__"))
    assert names_in(source_archive(clone)) == names_in(source_archive())
    assert "training/runs/network.py" in names_in(source_archive(clone))


def names_in(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.getnames()
