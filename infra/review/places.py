"""A place that holds images, results, flags and labels: the two buckets of a deployment, or two folders."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Listed:
    """A document in a listing.

    Attributes:
        key: its key, such as ``review/plate 7/cell-12.bmp.json``.
        modified: when it was written.
    """

    key: str
    modified: datetime


@dataclass(frozen=True)
class Stored:
    """A document that was read.

    Attributes:
        body: its bytes.
        etag: the entity tag of these bytes; another writer's document has another one.
    """

    body: bytes
    etag: str


class Documents(Protocol):
    """Documents that can be read. Every method may raise ``ClientError`` or ``OSError`` if the place fails."""

    def list_documents(self, prefix: str) -> Iterator[Listed]:
        """The documents whose keys begin with ``prefix``."""

    def read(self, key: str) -> Stored | None:
        """A document; None if there is none."""


class Place(Documents, Protocol):
    """Documents under conditional writes, and the images that they are about.

    Attributes:
        name: what people call the place.
    """

    name: str

    def create(self, key: str, body: bytes) -> str | None:
        """Write a new document, and return its entity tag; None if the key is taken."""

    def replace(self, key: str, body: bytes, etag: str) -> str | None:
        """Replace the document of this ``etag``, and return the new entity tag; None if the key has another."""

    def delete_if(self, key: str, etag: str) -> bool:
        """Delete the document of this ``etag``; returns False if the key has another, or none."""

    def read_image(self, key: str, version_id: str | None) -> bytes | None:
        """The file of an image, in this version if one is named; None if it is gone."""
