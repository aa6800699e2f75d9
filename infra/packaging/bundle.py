"""Builds the function's zip with uv, without Docker; a build for another platform is as fast as one for this machine.

A zip has two parts: the dependencies, which rarely change, and the package ``lambda_fn``, which changes with every
edit. Each part is built under a digest of its inputs, so a second build with the same inputs takes no time.
"""

import json
import platform
import shutil
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from infra.errors import InfraError
from infra.packaging.contents import append_to_zip, compile_bytecode, trim
from infra.tools.cache import built_once, digest, forget_old
from infra.tools.paths import CACHE, LAMBDA_PACKAGE
from infra.tools.uv import run_uv

# Most bytes of a function's unzipped code (AWS Lambda quotas).
LIMIT_BYTES = 250 * 1024 * 1024

# The modules that decide about the bytes of the zip: if one changes, the zip is built again.
BUILD_CODE = (Path(__file__), Path(__file__).with_name("contents.py"))
_NOT_DEPLOYED = ("__main__.py", "requirements.in", "requirements.txt", "__pycache__", ".*")


class BundlingError(InfraError):
    """The zip cannot be built. The message gives the reason."""


@dataclass(frozen=True)
class Target:
    """The Python and the platform that the function runs on.

    Attributes:
        name: first part of the names of cached folders.
        python: minor version, such as ``3.13``.
        architecture: ``arm64`` or ``x86_64``.
        platform: uv's name of the platform; None for this machine.
    """

    name: str
    python: str
    architecture: str
    platform: str | None


@dataclass(frozen=True)
class Bundle:
    """A zip for Lambda.

    Attributes:
        code: the file.
        target: the Python and the platform that it is for.
        zipped: size of the file in bytes.
        unzipped: size of its content in bytes.
        bytecode: whether its modules are compiled.
    """

    code: Path
    target: Target
    zipped: int
    unzipped: int
    bytecode: bool

    def __str__(self) -> str:
        """Describe the zip in one line, for people."""
        mebibyte = 1024 * 1024
        bytecode = "" if self.bytecode else f"; no Python {self.target.python} here: without .pyc, a slower first call"
        return (
            f"Python {self.target.python} on {self.target.architecture}, {self.zipped / mebibyte:.0f} MiB zipped, "
            f"{self.unzipped / mebibyte:.0f} of {LIMIT_BYTES // mebibyte} MiB unzipped{bytecode}"
        )


def aws_target(python: str) -> Target:
    """Lambda on arm64. Wheels for glibc 2.28 run there, since its Amazon Linux 2023 has glibc 2.34."""
    return Target("aws", python, "arm64", "aarch64-manylinux_2_28")


def local_target() -> Target:
    """This machine and this Python: the local cloud runs functions on them."""
    architecture = "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"
    return Target("local", f"{sys.version_info.major}.{sys.version_info.minor}", architecture, None)


def build(target: Target, package: Path = LAMBDA_PACKAGE, cache: Path = CACHE / "bundles") -> Bundle:
    """Return the zip of a package and its dependencies, built now or earlier.

    Args:
        target: the Python and the platform to build for.
        package: the folder of the package, with its ``requirements.txt``.
        cache: the folder of earlier builds.

    Raises:
        BundlingError: uv cannot install the dependencies, or the code is larger than Lambda allows.
    """
    build_inputs = [path.read_bytes() for path in BUILD_CODE] + [repr(target).encode()]
    requirements = (package / "requirements.txt").read_bytes()
    sources = _sources(package)
    content = [part for path in sources for part in (str(path.relative_to(package)).encode(), path.read_bytes())]

    dependencies = cache / f"{target.name}-dependencies-{digest([*build_inputs, requirements])}"
    whole = cache / f"{target.name}-function-{digest([*build_inputs, requirements, *content])}"
    if not whole.is_dir():
        built_once(dependencies, lambda folder: _build_dependencies(folder, target, package / "requirements.txt"))
        built_once(whole, lambda folder: _build_whole(folder, target, package, sources, dependencies))
    for folder in (dependencies, whole):
        forget_old(cache, folder.name.rpartition("-")[0], keep=folder)
    report = json.loads((whole / "report.json").read_text())
    if report["unzipped"] > LIMIT_BYTES:
        raise BundlingError(
            f"the function's code takes {report['unzipped']} bytes unzipped; Lambda takes {LIMIT_BYTES}"
        )
    return Bundle(whole / "function.zip", target, **report)


def _sources(package: Path) -> list[Path]:
    """The files of the package that are deployed, in a fixed order."""
    return sorted(
        path
        for path in package.rglob("*")
        if path.is_file()
        and not any(fnmatch(part, name) for part in path.relative_to(package).parts for name in _NOT_DEPLOYED)
    )


def _build_dependencies(folder: Path, target: Target, requirements: Path) -> None:
    tree = folder / "tree"
    where = ["--python", sys.executable] if target.platform is None else ["--python-platform", target.platform]
    result = run_uv(
        *("pip", "install", "--target", str(tree), "--only-binary", ":all:", *where, "--python-version", target.python),
        *("--require-hashes", "--requirements", str(requirements.resolve())),
        UV_COMPILE_BYTECODE="0",  # uv would compile for this Python
    )
    if result.returncode:
        raise BundlingError("uv could not install the function's dependencies: " + result.stderr.strip()[-1000:])
    trim(tree)
    _zip(folder, tree, target)


def _build_whole(folder: Path, target: Target, package: Path, sources: list[Path], dependencies: Path) -> None:
    tree = folder / "tree"
    for source in sources:
        copy = tree / package.name / source.relative_to(package)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    shutil.copyfile(dependencies / "function.zip", folder / "function.zip")
    _zip(folder, tree, target)


def _zip(folder: Path, tree: Path, target: Target) -> None:
    """Compile the files in ``tree``, append them to the folder's zip, remove ``tree``, and write a report."""
    archive = folder / "function.zip"
    bytecode = compile_bytecode(tree, target.python)
    unzipped = append_to_zip(archive, tree, level=1 if target.platform is None else 9)
    shutil.rmtree(tree)
    report = {"zipped": archive.stat().st_size, "unzipped": unzipped, "bytecode": bytecode}
    (folder / "report.json").write_text(json.dumps(report))
