"""The ``cdk`` command of the project, on Node from PyPI."""

import json
import os
import subprocess
import sys
from pathlib import Path

from infra.local_cloud.isolation import environment
from infra.tools.cdk import NODE_PACKAGE
from infra.tools.paths import PROJECT


def cdk(*arguments: str) -> subprocess.CompletedProcess[str]:
    nowhere = environment("http://127.0.0.1:9", os.environ)
    command = [sys.executable, "-m", "infra.tools.cdk", *arguments]
    return subprocess.run(command, cwd=PROJECT, env=nowhere, capture_output=True, text=True, check=False)


def test_cdk_is_the_pinned_version() -> None:
    pinned = json.loads((NODE_PACKAGE / "package.json").read_text())["dependencies"]["aws-cdk"]
    done = cdk("--version")
    assert done.returncode == 0
    assert done.stdout.startswith(pinned)


def test_a_wrong_choice_fails_with_one_line_and_no_traceback(tmp_path: Path) -> None:
    done = cdk("synth", "--output", str(tmp_path), "--context", "stage=Lab 1")
    assert done.returncode == 1
    assert "cellflag: stage is 'Lab 1'; it must be" in done.stderr
    assert "Traceback" not in done.stderr
