"""Time from a new process to its first result, and memory of a large batch."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from lambda_fn.manifest import Manifest

from ..lambda_fn.bombs import BOMBS
from .conftest import ComparisonRow, report, rounds

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def cell(cells: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cell") / "cell.bmp"
    path.write_bytes(cells[0])
    return path


class Run(NamedTuple):
    """One run of cold.py: wall time in seconds, peak memory in MiB, and what it printed."""

    seconds: float
    peak: float
    output: str


def run(*arguments: object) -> Run:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": ""}
    isolated = [] if arguments[0] == "keras" else ["-I"]
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *isolated, HERE / "cold.py", *map(str, arguments)],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return Run(time.perf_counter() - started, int(done.stdout.rsplit("peak_kib", 1)[1]) / 1024, done.stdout)


def test_cold_start_beside_the_original_way(unzipped: Path, cell: Path, tmp_path: Path) -> None:
    from training.networks.architectures import network

    saved = tmp_path / "model.keras"
    network("2x2C1D", Manifest.read().preprocessing.size).save(saved)
    ours, theirs = rounds(
        5,
        lambda: run("function", unzipped, HERE.parent, cell, 1).seconds,
        lambda: run("keras", saved, cell).seconds,
    )
    ComparisonRow("new process to first result", "Keras and TensorFlow", "s", ours, theirs, "<= 0.6 s, 1/8").report(
        faster=True
    )


def test_peak_memory_of_a_batch_of_100(unzipped: Path, cell: Path) -> None:
    peaks = [run("function", unzipped, HERE.parent, cell, 100).peak for _ in range(3)]
    report("peak memory, batch of 100", f"{max(peaks):.0f} MiB", "<= 350 MiB", len(peaks))


def test_time_and_memory_of_the_worst_files(unzipped: Path, tmp_path: Path) -> None:
    file, runs = tmp_path / "image", {}
    for name, (_, _, make) in BOMBS.items():
        file.write_bytes(make())
        runs[name] = run("rejection", unzipped, file)
    seconds = {name: float(one.output.split("seconds", 1)[1].split()[0]) for name, one in runs.items()}
    slowest, largest = max(seconds, key=lambda name: seconds[name]), max(runs, key=lambda name: runs[name].peak)
    report(f"slowest rejection: {slowest}", f"{seconds[slowest]:.2f} s", "< 2 s", len(runs))
    report(f"largest rejection: {largest}", f"{runs[largest].peak:.0f} MiB", "< 500 MB", len(runs))
