import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.listing import (
    BROKEN_LINK,
    LINK_TO_FOLDER,
    NO_FILE,
    NOT_UTF8,
    UNREADABLE,
    list_folder,
)


def reasons_in(folder: Path) -> dict[str, str]:
    return {os.fsencode(other.path.name).decode("latin-1"): other.reason for other in list_folder(folder).others}


def test_everything_below_a_folder_is_an_image_or_has_a_reason(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "cells", tmp_path / "elsewhere"
    for path in (folder / "a.png", folder / "deep/er/b.BMP", folder / "c.gif", folder / "d", folder / ".e.png"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (folder / ("x" * 248 + ".png")).touch()
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.png")).touch()
    (folder / "folder.png").mkdir()
    elsewhere.mkdir()
    (elsewhere / "linked.png").touch()
    (folder / "link.png").symlink_to(elsewhere / "linked.png")
    (folder / "link").symlink_to(elsewhere, target_is_directory=True)
    (folder / "broken.png").symlink_to(elsewhere / "absent.png")
    (folder / "circle.png").symlink_to(folder / "circle.png")
    os.mkfifo(folder / "pipe.png")
    assert [path.name[:9] for path in list_folder(folder).images] == ["a.png", "b.BMP", "link.png", "xxxxxxxxx"]
    assert reasons_in(folder) == {
        "c.gif": ".gif",
        "d": "without a suffix",
        ".e.png": "hidden",
        "caf\xe9.png": NOT_UTF8,
        "link": LINK_TO_FOLDER,
        "broken.png": BROKEN_LINK,
        "circle.png": BROKEN_LINK,
        "pipe.png": NO_FILE,
    }


def test_a_folder_that_cannot_be_read_is_named_and_the_others_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("locked/a.png", "open/b.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", refuse)
    assert [path.name for path in list_folder(tmp_path).images] == ["b.png"]
    assert reasons_in(tmp_path) == {"locked": UNREADABLE}
    with pytest.raises(PermissionError):
        list_folder(tmp_path / "locked")


names = st.text(st.sampled_from("ab.1 (_é"), min_size=1, max_size=6).filter(lambda name: name.strip(".") != "")


@given(paths=st.sets(st.tuples(st.sampled_from(["", "one", "one/two", ".hidden"]), names), max_size=8))
def test_no_file_is_forgotten(paths: set[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("cells")
    for parent, name in paths:
        (folder / parent).mkdir(parents=True, exist_ok=True)
        (folder / parent / f"{name}.png").touch()
        (folder / parent / f"{name}x").touch()
    listing = list_folder(folder)
    assert {*listing.images, *(other.path for other in listing.others)} == {
        folder / parent / each for parent, name in paths for each in (f"{name}.png", f"{name}x")
    }
