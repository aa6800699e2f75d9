"""The one place that turns errors of all commands into one line."""

import sys

import click
import pytest
from botocore.exceptions import NoRegionError

from cellflag import MODULES, CommandLine, cellflag, main
from infra.errors import InfraError
from lambda_fn.errors import ModelError
from training.errors import TrainingError


def failing(error: BaseException) -> click.Command:
    """A command called ``failing``, which raises the error."""

    @click.command("failing")
    def command() -> None:
        raise error

    return command


def run_failing(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run ``cellflag failing``."""
    monkeypatch.setattr("cellflag.cellflag", CommandLine(commands=[failing(error)], modules={}))
    monkeypatch.setattr(sys, "argv", ["cellflag", "failing"])
    main()


@pytest.mark.parametrize(
    ("error", "line", "code"),
    [
        (click.UsageError("no\n  folder"), "no folder", 2),
        (InfraError("no stack."), "no stack.", 1),
        (TrainingError("too few subjects."), "too few subjects.", 1),
        (ModelError("model.json is missing"), "model.json is missing", 1),
        (ModuleNotFoundError("no", name="sklearn.svm"), "This command needs sklearn.svm: run it without --no-dev.", 1),
        (PermissionError(13, "Permission denied", "cells"), "cells: Permission denied.", 1),
        (NoRegionError(), "no region is chosen: name one with --region, or set AWS_REGION.", 1),
        (InfraError("there is no a\x1b[2J\u202e.bmp."), r"there is no a\x1b[2J\u202e.bmp.", 1),
        (PermissionError(13, "Permission denied", "caf\udce9"), r"caf\xe9: Permission denied.", 1),
        (KeyboardInterrupt(), "stopped.", 130),
    ],
)
def test_what_a_user_can_put_right_is_one_line(
    error: BaseException,
    line: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stop:
        run_failing(error, monkeypatch)
    assert stop.value.code == code
    assert capsys.readouterr().err.strip() == f"cellflag: {line}"


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError(),
        OSError("of no file"),
        ModuleNotFoundError("no", name="training.nowhere"),
        ModuleNotFoundError("of no name"),
    ],
)
def test_a_fault_of_the_program_keeps_its_traceback(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(type(error)):
        run_failing(error, monkeypatch)


def test_every_command_is_found_under_its_name() -> None:
    context = click.Context(cellflag)
    assert cellflag.list_commands(context) == list(MODULES)
    for name in MODULES:
        command = cellflag.get_command(context, name)
        assert command is not None
        assert (command.name, bool(command.help)) == (name, True)
    assert cellflag.get_command(context, "unknown") is None


def test_the_command_alone_shows_its_help(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["cellflag"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert (stop.value.code, "Commands:" in capsys.readouterr().err) == (2, True)
