import subprocess
import sys
from pathlib import Path

import pytest

from training.runs.run_folder import LOCK, RunFolderError, hold, take_new


def test_runs_that_begin_in_one_second_get_folders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with take_new(None, "2C1D") as first, take_new(None, "2C1D") as second, take_new(None, "2C1D") as third:
        assert len({first, second, third}) == 3
        assert all(folder.is_dir() for folder in (first, second, third))


def test_a_folder_belongs_to_one_run_until_its_end(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with take_new(run, "run"):
        (run / "run.json").touch()
        for enter in (lambda: hold(run), lambda: take_new(run, "run")):
            with pytest.raises(RunFolderError, match=r"another process works in it|is not empty"), enter():
                pytest.fail("two runs have one folder")
    with hold(run):
        assert (run / LOCK).exists()
    assert [path.name for path in run.iterdir()] == ["run.json"]


def test_two_new_runs_in_an_empty_folder_exclude_each_other(tmp_path: Path) -> None:
    with (
        take_new(tmp_path, "run"),
        pytest.raises(RunFolderError, match="another process works in it"),
        take_new(tmp_path, "run"),
    ):
        pytest.fail("two runs have one folder")


def test_a_killed_process_lets_go_of_its_folder(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys, time\n"
        "from training.runs.run_folder import hold\n"
        "with hold(pathlib.Path(sys.argv[1])):\n"
        "    print(flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    with pytest.raises(RunFolderError), hold(tmp_path):
        pytest.fail("two processes have one folder")
    process.kill()
    process.communicate()
    assert (tmp_path / LOCK).exists()
    with hold(tmp_path):
        pass
    assert not (tmp_path / LOCK).exists()


@pytest.mark.parametrize("exists", [True, False])
def test_a_run_that_leaves_nothing_leaves_no_new_folder(exists: bool, tmp_path: Path) -> None:
    run = tmp_path / "run"
    if exists:
        run.mkdir()
    with pytest.raises(KeyboardInterrupt), take_new(run, "run"):
        raise KeyboardInterrupt
    assert run.exists() is exists


def test_a_folder_with_files_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(RunFolderError, match="is not empty: name a new folder"), take_new(tmp_path, "run"):
        pytest.fail("a folder with files was taken")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_file_system_without_locks_still_gives_a_new_folder_to_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", fail)
    with take_new(tmp_path / "run", "run") as run:
        (run / "run.json").touch()
        with pytest.raises(RunFolderError, match="is not empty"), take_new(tmp_path / "run", "run"):
            pytest.fail("two runs have one folder")
