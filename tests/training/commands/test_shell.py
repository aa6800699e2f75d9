import subprocess
import sys

import click
import pytest

from training.commands.shell import one_line_errors
from training.errors import DatasetError


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (DatasetError("too few subjects"), "too few subjects"),
        (ModuleNotFoundError("No module named 'jinja2'", name="jinja2"), "needs jinja2: run it without --no-dev"),
        (PermissionError(13, "Permission denied", "cells"), "cells: Permission denied."),
        (OSError("cannot identify image file 'a.png'"), r"^cannot identify image file 'a.png'\.$"),
        (OSError(28, "No space left on device"), r"^No space left on device\.$"),
        (OSError(2, "No such file or directory", "a\x1b[31m"), r"^a\\x1b\[31m: No such file or directory\.$"),
        (OSError(), "^OSError\\.$"),
    ],
)
def test_what_a_user_can_put_right_is_said_in_one_line(error: Exception, message: str) -> None:
    with pytest.raises(click.ClickException, match=message), one_line_errors():
        raise error


def test_what_is_no_users_fault_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), one_line_errors():
        raise ZeroDivisionError


def test_the_command_line_needs_no_training_library_until_a_command_trains() -> None:
    code = """
import sys
sys.modules.update(dict.fromkeys(("jinja2", "keras", "matplotlib", "onnx", "scipy", "sklearn", "tensorflow")))
from click.testing import CliRunner
from training.__main__ import COMMANDS, main
for command in (["samples"], *(["train", name] for name in COMMANDS)):
    result = CliRunner().invoke(main, [*command, "--help"])
    assert result.exit_code == 0, (command, result.exception)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
