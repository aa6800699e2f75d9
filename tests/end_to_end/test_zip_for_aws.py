"""The zip that `cdk deploy` sends to AWS, as far as a machine of another kind can tell."""

import zipfile
from pathlib import PurePosixPath

import pytest

from infra.packaging.bundle import aws_target, build
from infra.stack.stack import PYTHON

AARCH64 = 183
"""Of `e_machine` in the header of an ELF file, https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html"""


@pytest.fixture(scope="module")
def archive() -> zipfile.ZipFile:
    return zipfile.ZipFile(build(aws_target(PYTHON)).code)


def test_every_library_is_for_arm64_and_the_functions_python(archive: zipfile.ZipFile) -> None:
    libraries = [name for name in archive.namelist() if ".so" in PurePosixPath(name).suffixes]
    for name in libraries:
        header = archive.read(name)[:20]
        assert header[:4] == b"\x7fELF"
        assert int.from_bytes(header[18:20], "little") == AARCH64, name
        of_python = [part for part in name.split(".") if part.startswith("cpython-")]
        assert of_python in ([], [f"cpython-{PYTHON.replace('.', '')}-aarch64-linux-gnu"])
    packages = {name.partition("/")[0] for name in libraries}
    assert {"numpy", "PIL", "onnxruntime"} <= packages


def test_the_handler_and_the_model_are_in_it(archive: zipfile.ZipFile) -> None:
    assert {"lambda_fn/handler.py", "lambda_fn/model/model.onnx", "lambda_fn/model/model.json"} <= set(
        archive.namelist()
    )
