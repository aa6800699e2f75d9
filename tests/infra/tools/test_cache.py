"""Where the commands keep their files if the usual places cannot be written to."""

import os
from pathlib import Path

import pytest

from infra.tools import cdk, uv
from infra.tools.cache import forget_old, usable
from infra.tools.paths import CACHE, cache_folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file, below which nobody can make a folder."""
    (tmp_path / "file").touch()
    return tmp_path / "file"


def test_a_folder_is_usable_if_it_can_be_made(tmp_path: Path, file: Path) -> None:
    assert usable(tmp_path / "new" / "folder")
    assert not usable(file / "folder")


@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME"])
def test_tools_keep_their_downloads_in_the_project_if_the_home_cannot_be_written_to(
    variable: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv(variable, str(file))
    home = variable == "HOME"
    own_pythons = {"UV_PYTHON_INSTALL_DIR": str(CACHE / "uv-python")} if home else {}
    assert uv._cache() == {"UV_CACHE_DIR": str(CACHE / "uv")} | own_pythons
    assert cdk._npm_cache() == ({"npm_config_cache": str(CACHE / "npm")} if home else {})
    assert cdk._jsii_cache() == ({"JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(CACHE / "jsii")} if home else {})


def test_tools_use_the_users_own_caches_if_they_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert (uv._cache(), cdk._npm_cache(), cdk._jsii_cache()) == ({}, {}, {})


def test_a_project_of_another_user_is_not_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "theirs"
    project.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "mine"))
    assert cache_folder(project) == project / ".cellflag"
    monkeypatch.setattr(os, "access", lambda path, _: not Path(path).is_relative_to(project))
    folder = cache_folder(project)
    assert folder.parent == tmp_path / "mine" / "cellflag"
    assert folder != cache_folder(tmp_path / "theirs" / "another")


def test_only_old_folders_are_forgotten_and_one_that_vanishes_meanwhile_does_no_harm(tmp_path: Path) -> None:
    for name in ("demo-old", "demo-new", "demo-kept", "other-old"):
        (tmp_path / name).mkdir()
    for name in ("demo-old", "demo-kept", "other-old"):
        os.utime(tmp_path / name, (0, 0))
    (tmp_path / "demo-gone").symlink_to("nowhere")
    forget_old(tmp_path, "demo-", keep=tmp_path / "demo-kept")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo-gone", "demo-kept", "demo-new", "other-old"]
