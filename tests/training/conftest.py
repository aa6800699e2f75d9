"""Folders of small drawn cells, and a network that has learned nothing yet, for the tests of training."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from training.__main__ import main
from training.data.dataset import Dataset
from training.networks.architectures import network

from ..backbone import write_backbone

if TYPE_CHECKING:
    import keras

Pixels = NDArray[np.uint8]
SaveCell = Callable[..., Path]


@pytest.fixture
def save_cell(tmp_path: Path) -> SaveCell:
    """Saves an ellipse on black; those of different seeds differ in shape, brightness and pixels."""

    def save(name: str, seed: int = 0, colour: tuple[int, int, int] = (120, 60, 140)) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        generator = np.random.default_rng(seed)
        left, top, right, bottom = (generator.integers(10, 31, 4) + np.array((0, 0, 59, 59))).tolist()
        image = Image.new("RGB", (100, 100))
        ImageDraw.Draw(image).ellipse((left, top, right, bottom), fill=colour)
        pixels = np.asarray(image) * generator.uniform(0.8, 1.2)
        noise = generator.integers(-20, 20, pixels.shape)
        Image.fromarray(np.where(pixels > 0, pixels + noise, 0).astype(np.uint8)).save(path, lossless=True)
        return path

    return save


@pytest.fixture
def cells(tmp_path: Path, save_cell: SaveCell) -> Path:
    """A folder named as in C-NMC 2019: 4 subjects of each class with 4 cells each, blasts redder than normal cells."""
    for label, prefix, colour in (("all", "", (160, 60, 120)), ("hem", "H", (90, 80, 160))):
        for subject in range(1, 5):
            for cell in range(1, 5):
                name = f"fold_{subject % 3}/{label}/UID_{prefix}{subject}_1_{cell}_{label}.png"
                save_cell(name, seed=100 * subject + 10 * cell + len(prefix), colour=colour)
    return tmp_path


@pytest.fixture(scope="session")
def spread_network() -> keras.Model:
    """An untrained network whose last layer is scaled so that its probabilities differ from image to image."""
    import keras

    keras.utils.set_random_seed(3)
    spread = network("2x2C1D", 32)
    kernel, bias = spread.layers[-1].get_weights()
    spread.layers[-1].set_weights([kernel * 20, bias])
    return spread


@pytest.fixture
def small_dataset() -> Dataset:
    """40 images of 32 px in memory: random noise of 8 subjects, half of them with ALL."""
    generator = np.random.default_rng(0)
    subject = np.repeat(np.arange(8), 5)
    return Dataset(
        title="noise",
        names=tuple(f"{number}.png" for number in range(40)),
        pixels=generator.integers(0, 256, (40, 32, 32, 3), np.uint8),
        is_all=subject < 4,
        subjects=subject.astype(str),
        groups=subject,
        digest="0" * 64,
        left_out=(),
        contents=tuple(map(str, range(40))),
        photographs=np.arange(40),
    )


@pytest.fixture(scope="session")
def real_index(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An index of the real cells that CELLFLAG_CNMC names, and what the command printed. All cells are read for it."""
    folder = os.environ.get("CELLFLAG_CNMC")
    if not folder:
        pytest.skip("CELLFLAG_CNMC names no folder of real cells")
    path = tmp_path_factory.mktemp("real") / "index.csv"
    result = CliRunner().invoke(main, ["train", "index", folder, "--out", str(path)], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return path, result.output


@pytest.fixture(scope="session")
def backbone_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of the frozen network."""
    return write_backbone(tmp_path_factory.mktemp("backbone"))
