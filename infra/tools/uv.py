"""uv, which comes from PyPI like everything else here."""

import os
import subprocess
import tempfile
from pathlib import Path

from uv import find_uv_bin


def run_uv(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `uv` quietly with further environment variables, away from any project, whose settings it would take over."""
    return subprocess.run(
        [find_uv_bin(), "--quiet", *arguments],
        env={**os.environ, **variables},
        cwd=tempfile.gettempdir(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
