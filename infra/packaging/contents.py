"""What goes into the function's zip: no more than it needs, compiled, and the same bytes every time."""

import shutil
import sys
import zipfile
from pathlib import Path

from infra.tools.uv import run_uv

_NEVER_LOADED = (
    ".lock",
    "bin",
    "aws_lambda_powertools/event_handler",
    "google/protobuf",  # onnxruntime reads its models without
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
    "onnxruntime/capi/libonnxruntime.so*",  # a second copy of what the Python module has linked in
    "PIL/_avif*",  # the function refuses this format
    "pillow.libs/libavif*",
    "PIL/_imagingft*",  # it writes no text on images
    *(f"pillow.libs/lib{name}*" for name in ("freetype", "harfbuzz", "brotli", "png")),
    "PIL/_imagingcms*",  # it keeps colours as they are
    "pillow.libs/liblcms2*",
    "**/*.pyi",
)
"""Patterns below the folder of installed packages. Licences and notices, in *.dist-info and beside the code, stay."""

_SERVICES = ("s3",)
"""What the function calls; botocore describes 440 services in 28 MB."""

_OLDEST_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_LAMBDA_CODE_FOLDER = "/var/task"


def trim(tree: Path) -> None:
    """Remove what the function never loads from a folder of installed packages."""
    services = [path for path in tree.glob("botocore/data/*/") if path.name not in _SERVICES]
    for path in [*services, *(path for pattern in _NEVER_LOADED for path in tree.glob(pattern))]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def compile_bytecode(tree: Path, python: str) -> bool:
    """Compile every module below `tree` with Python `python` ("3.13"), which uv finds or fetches; False if it cannot.

    Unchecked hashes, because a zip's times say nothing; Lambda's own path in tracebacks; a fixed hash seed, so that the
    same sources give the same bytes.
    """
    same = python == f"{sys.version_info.major}.{sys.version_info.minor}"
    interpreter = ["--python", sys.executable if same else python]
    options = ["-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "-s", str(tree), "-p", _LAMBDA_CODE_FOLDER]
    result = run_uv(
        *("run", "--no-project", "--isolated", *interpreter, "python", "-m", "compileall", *options, str(tree)),
        # pyenv's stand-ins for versions that are not selected fail unless they are asked for by name
        PYENV_VERSION=python,
        PYTHONHASHSEED="0",
    )
    return result.returncode == 0


def append_to_zip(archive: Path, tree: Path, level: int) -> int:
    """Append every file below `tree`, in order of name, with fixed times and permissions.

    Args:
        archive: made if it is not there.
        tree: the folder whose content goes to the top of the archive.
        level: of compression, 1 (fast) to 9 (small).

    Returns:
        The bytes that all files of the archive take unzipped.
    """
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED, compresslevel=level) as target:
        for path in sorted(path for path in tree.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(tree).as_posix(), _OLDEST_ZIP_TIME)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, path.read_bytes(), compresslevel=level)
        return sum(entry.file_size for entry in target.infolist())
