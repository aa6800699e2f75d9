"""What a new process of the function costs: time to its first result, and memory for a large batch."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lambda_fn.handler import model

from .conftest import Comparison, report, rounds

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def cell(cells: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cell") / "cell.bmp"
    path.write_bytes(cells[0])
    return path


def run(*arguments: object) -> tuple[float, float]:
    """Wall time in seconds and peak memory in MiB of one run of cold.py."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": ""}
    isolated = ["-I"] if arguments[0] == "function" else []
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *isolated, HERE / "cold.py", *map(str, arguments)],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return time.perf_counter() - started, int(done.stdout.rsplit("peak_kib", 1)[1]) / 1024


def test_cold_start_beside_the_original_way(unzipped: Path, cell: Path, tmp_path: Path) -> None:
    from training.architectures import network

    saved = tmp_path / "model.keras"
    network("2x2C1D", model.manifest.preprocessing.size).save(saved)
    ours, theirs = rounds(
        5,
        lambda: run("function", unzipped, HERE.parent, cell, 1)[0],
        lambda: run("keras", saved, cell)[0],
    )
    Comparison("new process to first result", "Keras and TensorFlow", "s", ours, theirs, "<= 0.6 s, 1/8").report(
        faster=True
    )


def test_peak_memory_of_a_batch_of_100(unzipped: Path, cell: Path) -> None:
    peaks = [run("function", unzipped, HERE.parent, cell, 100)[1] for _ in range(3)]
    report("peak memory, batch of 100", f"{max(peaks):.0f} MiB", "<= 350 MiB", len(peaks))
