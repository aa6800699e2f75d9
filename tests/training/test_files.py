import errno
from pathlib import Path

import click
import pytest

from training.commands.shell import one_line_errors
from training.files import appearing


@pytest.mark.parametrize("present", [b"before", None])
def test_a_full_disk_leaves_the_file_as_it_was_and_is_reported_with_its_name(
    present: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "folder/index.csv"
    if present is not None:
        path.parent.mkdir()
        path.write_bytes(present)
    with (
        pytest.raises(click.ClickException, match=rf"{path}: No space left on device\."),
        one_line_errors(),
        appearing(path) as arriving,
    ):
        arriving.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert [each.read_bytes() for each in path.parent.iterdir()] == ([present] if present is not None else [])


def test_a_new_file_replaces_none(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("mine", "utf-8")
    with pytest.raises(FileExistsError), appearing(tmp_path / "index.csv", new=True):
        pytest.fail("it may be replaced")
    assert (tmp_path / "index.csv").read_text("utf-8") == "mine"


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    with appearing(tmp_path / "index.csv", new=True) as arriving:
        arriving.write_text("all", "utf-8")
        assert not (tmp_path / "index.csv").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["index.csv"]
