"""Paths that are put together from folders and names lead to files, also after a file has moved."""

import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

import lambda_fn
from infra.local_cloud import emulator
from infra.packaging import bundle
from infra.stack import ledger
from infra.tools import cdk
from infra.tools.paths import CACHE, LAMBDA_PACKAGE, PROJECT
from lambda_fn.manifest import GRAPH_FILE, MANIFEST_FILE, MODEL_CARD_FILE, MODEL_FOLDER

PYPROJECT: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
PACKAGES = ("infra", "lambda_fn", "training")
PAGES = ("README.md", "training/README.md", *(f"docs/{page.name}" for page in sorted((PROJECT / "docs").glob("*.md"))))


def test_the_project_holds_its_packages_and_is_written_to_where_git_ignores_it() -> None:
    assert all((PROJECT / name / "__init__.py").is_file() for name in PACKAGES)
    assert (PROJECT / "cdk.json").is_file()
    assert CACHE.parent == PROJECT
    assert f"{CACHE.name}/" in (PROJECT / ".gitignore").read_text().splitlines()


def test_the_packages_asset_is_the_package_that_is_imported_with_the_model_in_it() -> None:
    assert Path(lambda_fn.__file__).parent == LAMBDA_PACKAGE
    assert MODEL_FOLDER.parent == LAMBDA_PACKAGE
    assert {path.name for path in MODEL_FOLDER.iterdir()} == {GRAPH_FILE, MANIFEST_FILE, MODEL_CARD_FILE}


@pytest.mark.parametrize(
    "path",
    [
        emulator.REQUIREMENTS,
        cdk.NODE_PACKAGE / "package.json",
        cdk.NODE_PACKAGE / "package-lock.json",
        LAMBDA_PACKAGE / "requirements.txt",
        *sorted(ledger.QUERY_FOLDER.glob("*.sql")),
    ],
    ids=lambda path: path.name,
)
def test_a_file_that_is_no_module_lies_where_it_is_read(path: Path) -> None:
    assert path.is_file()
    assert path.is_relative_to(PROJECT)


def test_the_zip_is_made_anew_when_any_module_of_its_room_changes() -> None:
    room = Path(bundle.__file__).parent
    assert set(bundle.BUILD_CODE) == set(room.glob("*.py")) - {room / "__init__.py"}


def test_every_list_of_requirements_is_pinned_by_the_script_that_refreshes_pins() -> None:
    script = (PROJECT / ".ci" / "pins").read_text()
    named = re.findall(r"(\S+/requirements)\.in --output-file \1\.txt", script)
    lists = [path for package in PACKAGES for path in (PROJECT / package).rglob("requirements.in")]
    assert sorted(named) == sorted(path.relative_to(PROJECT).with_suffix("").as_posix() for path in lists)
    assert all(path.with_suffix(".txt").is_file() for path in lists)


@pytest.mark.parametrize("command", PYPROJECT["project"]["scripts"].values())
def test_a_command_of_the_project_is_a_function(command: str) -> None:
    module, _, function = command.partition(":")
    assert callable(getattr(import_module(module), function))


def test_the_wheel_includes_what_its_commands_import() -> None:
    included = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["include"]
    assert set(included) == {"cellflag.py", *PACKAGES}
    assert all((PROJECT / path).exists() for path in included)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_to_a_file(page: str) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", (PROJECT / page).read_text("utf-8"))
    paths = [unquote(target.partition("#")[0]) for target in targets if not re.match(r"[a-z]+:", target)]
    assert [path for path in paths if path and not ((PROJECT / page).parent / path).exists()] == []
