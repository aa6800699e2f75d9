"""The images and documents of a folder that ``cellflag score`` scored without a cloud."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from infra.review.places import Listed, Stored
from lambda_fn.files import write_whole

# Programs that change documents take turns by a lock on this file.
_LOCK = ".review.lock"


class FolderPlace:
    """A folder of documents, and a folder of images.

    Attributes:
        name: the path of the folder of documents.
    """

    def __init__(self, documents: Path, images: Path) -> None:
        """Use the documents below one folder, and the images below another."""
        self.name = str(documents)
        self._documents, self._images = documents.resolve(), images.resolve()

    def list_documents(self, prefix: str) -> Iterator[Listed]:
        """The documents whose keys begin with ``prefix``, in the order of their paths."""
        top = self._documents / prefix.partition("/")[0]
        for parent, folders, files in os.walk(top):
            folders.sort()
            for name in sorted(files):
                path = Path(parent, name)
                key = path.relative_to(self._documents).as_posix()
                if not (name.endswith(".json") and key.startswith(prefix)):
                    continue
                try:
                    changed = path.stat().st_mtime
                except FileNotFoundError:  # a flag that was closed since
                    continue
                yield Listed(key, datetime.fromtimestamp(changed, UTC))

    def read(self, key: str) -> Stored | None:
        """A document; None if there is none."""
        try:
            body = self._path(self._documents, key).read_bytes()
        except FileNotFoundError:
            return None
        return Stored(body, _etag(body))

    def create(self, key: str, body: bytes) -> str | None:
        """Write a new document, and return its entity tag; None if the key is taken."""
        with self._locked():
            return None if self.read(key) else self._write(key, body)

    def replace(self, key: str, body: bytes, etag: str) -> str | None:
        """Replace the document of this ``etag``, and return the new entity tag; None if the key has another."""
        with self._locked():
            return self._write(key, body) if self._is(key, etag) else None

    def delete_if(self, key: str, etag: str) -> bool:
        """Delete the document of this ``etag``; returns False if the key has another, or none."""
        with self._locked():
            if not self._is(key, etag):
                return False
            self._path(self._documents, key).unlink()
            return True

    def read_image(self, key: str, version_id: str | None) -> bytes | None:
        """The file of an image; None if it is gone."""
        try:
            return self._path(self._images, key).read_bytes()
        except FileNotFoundError:
            return None

    def _is(self, key: str, etag: str) -> bool:
        standing = self.read(key)
        return standing is not None and standing.etag == etag

    def _write(self, key: str, body: bytes) -> str:
        write_whole(self._path(self._documents, key), body)
        return _etag(body)

    def _path(self, folder: Path, key: str) -> Path:
        """The file of a key, which lies below the folder.

        Raises:
            FileNotFoundError: the key leads out of the folder.
        """
        path = folder / key
        if ".." in Path(key).parts or Path(key).is_absolute():
            raise FileNotFoundError(2, "the key leads out of the folder", str(path))
        return path

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes from changing documents; the system frees the lock of a process that ends."""
        with (self._documents / _LOCK).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _etag(body: bytes) -> str:
    return f'"{sha256(body).hexdigest()}"'
