"""Commands run to their end or are ended, and their errors give the reason."""

import os
import sys
import threading
from pathlib import Path

import pytest

from infra.tools.processes import CommandFailedError, Commands, last_words


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_the_error_of_a_failed_command_has_its_exit_code_and_its_last_lines(tmp_path: Path) -> None:
    with (
        Commands(tmp_path) as commands,
        pytest.raises(CommandFailedError, match="deploy failed with exit code 3: no room"),
    ):
        commands.run("deploy", python("print('no room'); raise SystemExit(3)"), os.environ, tmp_path)
    assert (tmp_path / "deploy.log").read_text() == "no room\n"


def test_a_command_has_the_given_environment_and_folder(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    program = "import os; print(os.environ['STAGE'], os.path.basename(os.getcwd()))"
    with Commands(tmp_path) as commands:
        commands.run("synth", python(program), {"STAGE": "lab"}, tmp_path / "work")
    assert (tmp_path / "synth.log").read_text() == "lab work\n"


def test_leaving_the_block_ends_what_runs_and_refuses_what_is_new(tmp_path: Path) -> None:
    failures: list[CommandFailedError] = []

    def run() -> None:
        try:
            commands.run(
                "endless", python("print('up', flush=True); import time; time.sleep(600)"), os.environ, tmp_path
            )
        except CommandFailedError as error:
            failures.append(error)

    with Commands(tmp_path) as commands:
        thread = threading.Thread(target=run)
        thread.start()
        while not (tmp_path / "endless.log").is_file() or not (tmp_path / "endless.log").read_text():
            thread.join(0.02)
    thread.join()
    assert [failure.code for failure in failures] == [-15]
    with pytest.raises(CommandFailedError, match="stopped"):
        commands.run("late", python("pass"), os.environ, tmp_path)


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("", "it printed nothing"),
        ("a\n\nb\nc\nd\ne\n", "b\nc\nd\ne"),
        ("fine\nERROR no TLS\n  Queue\nfinished\n", "ERROR no TLS\nQueue\nfinished"),
        ("fine\n\x1b[31m❌ cellflag failed\x1b[0m: no such bucket\n", "❌ cellflag failed: no such bucket"),
    ],
)
def test_the_excerpt_of_a_log_begins_at_its_first_error_or_else_is_its_end(
    tmp_path: Path, log: str, words: str
) -> None:
    (tmp_path / "log").write_text(log)
    assert last_words(tmp_path / "log") == words
