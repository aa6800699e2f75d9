"""The contents of the function's zip: only needed files, compiled; the same sources always give the same bytes."""

import shutil
import sys
import zipfile
from pathlib import Path

from infra.tools.uv import run_uv

# Patterns of files that the function never loads, below the folder of installed packages. Licences and notices stay, in
# *.dist-info and beside the code.
NEVER_LOADED = (
    ".lock",
    "bin",
    "aws_lambda_powertools/event_handler",
    "google/protobuf",  # onnxruntime reads models without it
    "google/_upb",
    "**/tests",
    "**/__pycache__",
    "numpy/distutils",
    "numpy/f2py",
    "numpy/fft",
    "numpy/ma",
    "numpy/polynomial",
    "numpy/random",
    "numpy/testing",
    "numpy/_core/_simd.*",  # for its own tests
    "onnxruntime/backend",
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    "onnxruntime/capi/libonnxruntime.so*",  # a second copy: the Python module contains it
    "PIL/_avif*",  # the function rejects this format
    "pillow.libs/libavif*",
    "PIL/_imagingft*",  # it writes no text on images
    *(f"pillow.libs/lib{name}*" for name in ("freetype", "harfbuzz", "brotli", "png")),
    "PIL/_imagingcms*",  # it keeps colours as they are
    "pillow.libs/liblcms2*",
    "**/*.pyi",
)

# The services that the function calls. botocore describes 440 services in 28 MB.
_SERVICES = ("s3",)

_OLDEST_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_LAMBDA_CODE_FOLDER = "/var/task"


def trim(tree: Path) -> None:
    """Remove the files that the function never loads from a folder of installed packages."""
    services = [path for path in tree.glob("botocore/data/*/") if path.name not in _SERVICES]
    for path in [*services, *(path for pattern in NEVER_LOADED for path in tree.glob(pattern))]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def compile_bytecode(tree: Path, python: str) -> bool:
    """Compile every module below a folder.

    Python does not check the compiled files against their sources, because the times in a zip are fixed. Tracebacks
    show the paths on Lambda. A fixed hash seed makes the same sources give the same bytes.

    Args:
        tree: the folder.
        python: minor version to compile for, such as ``3.13``. uv finds or downloads it.

    Returns:
        Whether the modules were compiled: False if uv cannot get that Python.
    """
    same = python == f"{sys.version_info.major}.{sys.version_info.minor}"
    interpreter = ["--python", sys.executable if same else python]
    options = ["-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "-s", str(tree), "-p", _LAMBDA_CODE_FOLDER]
    result = run_uv(
        *("run", "--no-project", "--isolated", *interpreter, "python", "-m", "compileall", *options, str(tree)),
        # pyenv's placeholders for versions that are not selected fail, unless this variable names the version
        PYENV_VERSION=python,
        PYTHONHASHSEED="0",
    )
    return result.returncode == 0


def append_to_zip(archive: Path, tree: Path, level: int) -> int:
    """Append every file below a folder to a zip, in the order of their names, with fixed times and permissions.

    Args:
        archive: the zip; it is made if there is none.
        tree: the folder. Its content goes to the top of the archive.
        level: compression level, 1 (fast) to 9 (small).

    Returns:
        Unzipped size of all files of the archive, in bytes.
    """
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED, compresslevel=level) as target:
        for path in sorted(path for path in tree.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(tree).as_posix(), _OLDEST_ZIP_TIME)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, path.read_bytes(), compresslevel=level)
        return sum(entry.file_size for entry in target.infolist())
