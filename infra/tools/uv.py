"""Runs uv, which is installed from PyPI with the project."""

import os
import subprocess
import tempfile
from pathlib import Path

from uv import find_uv_bin

from infra.tools.cache import usable
from infra.tools.paths import CACHE


def run_uv(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ``uv`` quietly, with additional environment variables.

    It runs in a temporary folder, because it would follow the settings of a project. If the user's home cannot be
    written to, it keeps its downloads in this project's cache.
    """
    return subprocess.run(
        [find_uv_bin(), "--quiet", *arguments],
        env={**_cache(), **os.environ, **variables},
        cwd=tempfile.gettempdir(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _cache() -> dict[str, str]:
    """The variables for uv's own folders, if their usual places cannot be written to or do not exist."""
    home = os.path.expanduser("~")  # noqa: PTH111 - raises no error
    variables = {}
    if not usable(Path(os.environ.get("XDG_CACHE_HOME") or f"{home}/.cache", "uv")):
        variables["UV_CACHE_DIR"] = str(CACHE / "uv")
    if not Path(home).is_dir():
        variables["UV_PYTHON_INSTALL_DIR"] = str(CACHE / "uv-python")
    return variables
