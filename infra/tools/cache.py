"""Folders that are built once, under a digest of their inputs; a folder is either complete or absent."""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

_LIFETIME_SECONDS = 7 * 24 * 3600


def digest(parts: Iterable[bytes]) -> str:
    """16 hex digits of a SHA-256 over the parts.

    The length of each part is hashed too, so that two lists of parts with the same bytes in sum differ.
    """
    sha256 = hashlib.sha256()
    for part in parts:
        sha256.update(len(part).to_bytes(8, "big"))
        sha256.update(part)
    return sha256.hexdigest()[:16]


def built_once(folder: Path, build: Callable[[Path], None]) -> Path:
    """Return a folder that was filled now or earlier.

    Args:
        folder: path of the folder.
        build: fills a temporary folder beside it, which is renamed once it is complete. A failure leaves no incomplete
            folder. If two processes build at the same time, both return the folder of the first.
    """
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        build(work)
        work.chmod(0o755)
        try:
            work.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def forget_old(parent: Path, prefix: str, keep: Path) -> None:
    """Remove the folders ``prefix*`` in ``parent`` that were built more than a week ago, except ``keep``."""
    for folder in parent.glob(f"{prefix}*"):
        if folder != keep and time.time() - folder.stat().st_mtime > _LIFETIME_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
