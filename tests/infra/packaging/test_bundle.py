"""How the function's zip is built, with a package of a few files. tests/end_to_end builds the real zip."""

import zipfile
from pathlib import Path

import pytest

from infra.packaging import bundle
from infra.packaging.bundle import BundlingError, Target, aws_target, build, local_target
from infra.packaging.contents import append_to_zip, compile_bytecode, trim
from infra.tools.cache import built_once

NO_REQUIREMENTS = ""


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "lambda_fn"
    write(folder, "__init__.py", "__main__.py", "handler.py", "requirements.in", "__pycache__/old.cpython-311.pyc")
    write(folder, "model/model.onnx", "model/MODEL_CARD.md", ".DS_Store")
    (folder / "requirements.txt").write_text(NO_REQUIREMENTS)
    return folder


def names_in(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as opened:
        return {name for name in opened.namelist() if "__pycache__" not in name}


def test_the_zip_holds_the_package_without_its_command_and_requirements(package: Path, tmp_path: Path) -> None:
    bundle = build(local_target(), package, tmp_path / "cache")
    assert names_in(bundle.code) == {
        "lambda_fn/__init__.py",
        "lambda_fn/handler.py",
        "lambda_fn/model/model.onnx",
        "lambda_fn/model/MODEL_CARD.md",
    }


def test_the_same_inputs_give_the_same_bytes(package: Path, tmp_path: Path) -> None:
    (package / "handler.py").write_text("def handler(event, context):\n    return {'a', 'b', 'c'} & set(event)\n")
    first = build(local_target(), package, tmp_path / "one").code.read_bytes()
    assert build(local_target(), package, tmp_path / "two").code.read_bytes() == first


def test_a_second_build_is_the_first_one(package: Path, tmp_path: Path) -> None:
    first = build(local_target(), package, tmp_path / "cache")
    written = first.code.stat().st_mtime_ns
    assert build(local_target(), package, tmp_path / "cache") == first
    assert first.code.stat().st_mtime_ns == written


@pytest.mark.parametrize("changed", ["handler.py", "model/model.onnx", "requirements.txt"])
def test_a_changed_input_makes_another_zip(package: Path, tmp_path: Path, changed: str) -> None:
    first = build(local_target(), package, tmp_path / "cache")
    (package / changed).write_text("# changed\n")
    assert build(local_target(), package, tmp_path / "cache").code != first.code


def test_a_renamed_file_makes_another_zip(package: Path, tmp_path: Path) -> None:
    first = build(local_target(), package, tmp_path / "cache")
    (package / "handler.py").rename(package / "entry.py")
    assert build(local_target(), package, tmp_path / "cache").code != first.code


def test_targets_do_not_share_zips(package: Path, tmp_path: Path) -> None:
    codes = {build(target, package, tmp_path / "cache").code for target in (local_target(), aws_target("3.13"))}
    assert len(codes) == 2


def test_a_failed_installation_leaves_nothing_behind(package: Path, tmp_path: Path) -> None:
    (package / "requirements.txt").write_text("not a requirement\n")
    with pytest.raises(BundlingError, match="uv could not install"):
        build(local_target(), package, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_requirement_without_a_hash_is_refused(package: Path, tmp_path: Path) -> None:
    (package / "requirements.txt").write_text("six==1.17.0\n")
    with pytest.raises(BundlingError, match="hash"):
        build(local_target(), package, tmp_path / "cache")


def test_more_than_lambda_takes_is_refused(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "LIMIT_BYTES", 10)
    (package / "handler.py").write_text("# eleven bytes")
    with pytest.raises(BundlingError, match="Lambda takes 10"):
        build(local_target(), package, tmp_path / "cache")


def test_the_description_tells_sizes_and_whether_bytecode_is_missing() -> None:
    made = bundle.Bundle(Path("f.zip"), aws_target("3.13"), 50 * 1024**2, 130 * 1024**2, bytecode=False)
    expected = (
        "Python 3.13 on arm64, 50 MiB zipped, 130 of 250 MiB unzipped; no Python 3.13 here: without .pyc, a slower"
    )
    assert str(made).startswith(expected)


def test_trimming_keeps_code_and_licences(tmp_path: Path) -> None:
    never_loaded = ["bin/f2py", "numpy/f2py/a.py", "numpy/lib/tests/test_a.py", "onnxruntime/tools/a.py", "numpy/a.pyi"]
    never_loaded += [
        "onnxruntime/capi/libonnxruntime.so.1.31.1",
        "six/__pycache__/six.pyc",
        "botocore/data/ec2/1/service-2.json",
    ]
    needed = ["numpy/typing/__init__.py", "onnxruntime/capi/a.so", "numpy-2.dist-info/licenses/LICENSE.txt", "six.py"]
    needed += ["onnxruntime/ThirdPartyNotices.txt", "botocore/data/endpoints.json", "botocore/data/s3/1/service-2.json"]
    write(tmp_path, *never_loaded, *needed)
    trim(tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == set(needed)


def test_bytecode_is_compiled_for_the_asked_python_and_never_checked_against_times(tmp_path: Path) -> None:
    write(tmp_path, "six.py")
    target = local_target()
    assert compile_bytecode(tmp_path, target.python)
    (compiled,) = tmp_path.rglob(f"six.cpython-{target.python.replace('.', '')}.pyc")
    assert compiled.read_bytes()[4:8] == b"\x01\x00\x00\x00"  # PEP 552: hash-based, unchecked
    assert str(tmp_path).encode() not in compiled.read_bytes()


def test_a_python_that_uv_cannot_get_compiles_nothing(tmp_path: Path) -> None:
    assert not compile_bytecode(tmp_path, "2.0")


def test_zip_entries_have_fixed_times_and_can_be_read_by_everyone(tmp_path: Path) -> None:
    write(tmp_path / "tree", "b.py", "a.py")
    (tmp_path / "tree" / "a.py").write_text("12345")
    assert append_to_zip(tmp_path / "f.zip", tmp_path / "tree", level=9) == 5
    with zipfile.ZipFile(tmp_path / "f.zip") as archive:
        assert archive.namelist() == ["a.py", "b.py"]
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}


def test_the_local_target_is_this_python() -> None:
    assert local_target() == Target("local", local_target().python, local_target().architecture, None)
    assert local_target().architecture in ("arm64", "x86_64")


def test_a_folder_that_another_process_built_first_is_taken(tmp_path: Path) -> None:
    def build_after_another(folder: Path) -> None:
        write(tmp_path / "built", "theirs")
        write(folder, "mine")

    assert [path.name for path in built_once(tmp_path / "built", build_after_another).iterdir()] == ["theirs"]
    assert [path.name for path in tmp_path.iterdir()] == ["built"]


def test_a_build_that_fails_is_tried_again_next_time(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        write(folder, "half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        built_once(tmp_path / "built", fail)
    assert list(tmp_path.iterdir()) == []
    assert built_once(tmp_path / "built", lambda folder: write(folder, "whole")) == tmp_path / "built"
