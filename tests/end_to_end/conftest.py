"""One local cloud for all tests of this folder: the demonstration starts it, with the real CDK command line."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from infra.commands.demo import demo
from infra.deployed_stack import DeployedStack
from infra.local_cloud import emulator, lifetime
from infra.local_cloud.deployment import deployed
from tests.end_to_end.cells import KEYS, draw_cell

OTHER_FILES = ("notes.txt", "plate 7/.DS_Store", "plate 7/counts.csv")


@dataclass(frozen=True)
class Demonstration:
    """A finished ``cellflag demo FOLDER --keep``: its output, the folder of its results, and the running stack."""

    result: Result
    out: Path
    stack: DeployedStack


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    folder, cloud, out = (tmp_path_factory.mktemp(name) for name in ("cells", "cloud", "out"))
    for seed, key in enumerate(KEYS):
        draw_cell(folder / key, seed)
    for name in OTHER_FILES:
        (folder / name).write_text("no image")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifetime, "LASTING_FOLDER", cloud)
        try:
            result = CliRunner().invoke(demo, [str(folder), "--keep", "--out", str(out)], catch_exceptions=False)
            stack = deployed(cloud)
            assert stack, f"{result.output}\n{(cloud / emulator.LOG).read_text()[-3000:]}"
            yield Demonstration(result, out, stack)
        finally:
            emulator.stop(cloud)
