"""Runs uv, which is installed from PyPI with the project."""

import os
import subprocess
import tempfile
from pathlib import Path

from uv import find_uv_bin


def run_uv(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ``uv`` quietly, with additional environment variables.

    It runs in a temporary folder, because it would follow the settings of a project.
    """
    return subprocess.run(
        [find_uv_bin(), "--quiet", *arguments],
        env={**os.environ, **variables},
        cwd=tempfile.gettempdir(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
