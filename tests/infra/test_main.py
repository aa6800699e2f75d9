"""The messages of commands before their work begins. tests/end_to_end tests the work itself."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from infra.commands.demo import demo
from infra.commands.local import local as local_group
from infra.demo import demonstration
from infra.demo.demonstration import free_folder
from infra.demo.round_trip import NoResultError
from infra.errors import InfraError
from infra.local_cloud import emulator, lifetime
from infra.local_cloud.emulator import LocalCloudError
from infra.local_cloud.lifetime import cloud_folder


@pytest.fixture(autouse=True)
def lasting_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lifetime, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(lifetime, "LASTING_FOLDER", tmp_path / "cache" / "local")
    return tmp_path / "cache" / "local"


def test_a_missing_folder_is_a_usage_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(demo, ["nowhere"])
    assert result.exit_code == 2
    assert "there is no folder nowhere" in result.output


def test_a_folder_without_images_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").touch()
    result = CliRunner().invoke(demo, ["notes"])
    assert result.exit_code == 2
    assert "there is no image below notes" in result.output


def test_results_of_an_earlier_demonstration_are_never_overwritten(tmp_path: Path) -> None:
    for name in ("cellflag-demo", "cellflag-demo-2"):
        assert free_folder(None) == Path(name)
        (tmp_path / name).mkdir()
        assert free_folder(None) == Path(name)
        (tmp_path / name / "results").touch()
    assert free_folder(None) == Path("cellflag-demo-3")


def test_a_named_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.json").touch()
    result = CliRunner().invoke(demo, ["--out", "mine"])
    assert result.exit_code == 2
    assert "mine is there already and not empty" in result.output
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["a.json"]


def test_the_commands_of_a_local_cloud_that_is_not_up_report_that_it_is_not() -> None:
    assert CliRunner().invoke(local_group, ["down"]).output == "The local cloud was not up.\n"
    status = CliRunner().invoke(local_group, ["status"])
    assert (status.exit_code, status.output) == (1, "The local cloud is not up.\n")


def test_an_expected_failure_becomes_one_line_that_names_the_logs() -> None:
    with pytest.raises(click.ClickException) as raised, cloud_folder(keep=False) as folder:
        raise LocalCloudError("no room.")
    assert raised.value.message == f"no room. The logs are in {folder}."
    assert folder.is_dir()


@pytest.mark.parametrize("error", [KeyboardInterrupt, click.UsageError("no image")])
def test_a_stopped_command_leaves_no_logs(error: type[BaseException] | BaseException) -> None:
    with pytest.raises((KeyboardInterrupt, click.UsageError)), cloud_folder(keep=False) as folder:
        raise error
    assert not folder.exists()


def test_a_second_kept_cloud_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "running", lambda _: emulator.LocalCloud(1, 4566, "/data"))
    with pytest.raises(click.UsageError, match="up already"), cloud_folder(keep=True):
        pytest.fail("the block must not be entered")


def test_images_without_a_result_are_named_with_the_last_error_of_the_local_cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(*_: object) -> None:
        raise NoResultError(["a.bmp", "b.bmp"])

    (tmp_path / emulator.LOG).write_text("INFO up\n1 ERROR the function ran out of memory\nINFO down\n")
    monkeypatch.setattr(demonstration, "put_up", lambda *_: None)
    monkeypatch.setattr(demonstration, "score_images", give_up)
    with pytest.raises(InfraError) as raised:
        demonstration.demonstrate([], tmp_path, tmp_path / "out")
    assert raised.value.message == (
        "there is no result for 'a.bmp' and 1 other. "
        "The last error of the local cloud: 1 ERROR the function ran out of memory."
    )
