"""Files are written whole or not at all."""

import errno
from io import BufferedWriter
from pathlib import Path
from typing import Any

import pytest

from lambda_fn.files import write_whole


def test_a_file_is_written_with_its_folder_and_replaces_an_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "results" / "plate 7" / "a.json"
    for body in (b"one", b"two"):
        write_whole(path, body)
        assert path.read_bytes() == body
    assert list(path.parent.iterdir()) == [path]
    (tmp_path / "other").touch()
    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode


class FullDisk:
    """A file that takes half of what is written, as on a full disk."""

    def __init__(self, file: BufferedWriter) -> None:
        self._file = file

    def __enter__(self) -> "FullDisk":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, body: bytes) -> None:
        self._file.write(body[: len(body) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    open_file = Path.open

    def open_full(path: Path, mode: str = "r", **options: Any) -> Any:
        file: Any = open_file(path, mode, **options)
        return FullDisk(file) if "x" in mode or "w" in mode else file

    monkeypatch.setattr(Path, "open", open_full)


@pytest.mark.parametrize("before", [None, b"before"])
@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_leaves_what_was_there_and_no_half_file(before: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    if before:
        path.touch()
    with pytest.raises(OSError, match="No space left") as raised:
        write_whole(path, b"12345678")
    assert raised.value.filename == str(path)
    assert list(tmp_path.iterdir()) == ([path] if before else [])


@pytest.mark.parametrize("name", ["x" * 256, "folder", "file/a.json"])
def test_the_error_names_the_file_that_cannot_be_written(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"File exists|too long|directory") as raised:
        write_whole(tmp_path / name, b"body")
    assert raised.value.filename == str(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
