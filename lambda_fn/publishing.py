"""Publish documents so that each image has exactly one current result, and a flag only if that result asks for review.

Messages may arrive twice, late or out of order, and a worker may die at any point. No table and no lock is needed.
S3's conditional writes decide which worker may write a result, and the order of the uploads decides whether it should.

The flag follows the result. A worker touches a flag only for a result that it has just read or written. Afterwards it
checks that this result is still the current one; if not, it sets the flag again. So the last worker to touch a flag
has seen the current result. If a worker dies in between, its message is still in the queue, and its next delivery sets
the flag.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from lambda_fn.errors import ContentionError
from lambda_fn.keys import flag_key, result_key
from lambda_fn.results import ResultDocument, WriteOutcome, to_json

# A worker gives up after another worker was faster this many times in a row.
MAX_ROUNDS = 20


@dataclass(frozen=True)
class Precedence:
    """The upload and the model of a result. They decide which of two results of one key is current.

    The result's object in S3 holds them as metadata.

    Attributes:
        sequencer: S3's sequencer of the upload, a hexadecimal number of varying length; None if the event had none.
        last_modified: time of the upload, ISO 8601 in UTC, to the second.
        model: digest of the model that scored the image.
        etag: S3's entity tag of the version that was scored, without its quotes; None if unknown.
    """

    sequencer: str | None
    last_modified: str
    model: str
    etag: str | None = None

    def to_metadata(self) -> dict[str, str]:
        """Return the metadata of an S3 object; unknown values are left out."""
        fields = {
            "sequencer": self.sequencer,
            "last-modified": self.last_modified,
            "model": self.model,
            "etag": self.etag,
        }
        return {name: value for name, value in fields.items() if value is not None}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> "Precedence":
        """Read the metadata of an S3 object. An object that somebody else wrote counts as the oldest."""
        last_modified, model = metadata.get("last-modified", ""), metadata.get("model", "")
        return cls(metadata.get("sequencer"), last_modified, model, metadata.get("etag"))

    def compare(self, other: "Precedence") -> int:
        """Compare two uploads of one key: negative if this one is older, 0 if both are the same, positive if newer.

        Two sequencers are compared as hexadecimal numbers, the shorter one padded with zeros on the right:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html.

        If one of them is missing, equal times and entity tags mean the same upload. Otherwise the later time is the
        newer upload. Within one second the upload with a sequencer is the newer one, because an event names its
        version, while a backfill reads whichever version is current.
        """
        if self.sequencer is not None and other.sequencer is not None:
            length = max(len(self.sequencer), len(other.sequencer))
            mine, others = (value.upper().ljust(length, "0") for value in (self.sequencer, other.sequencer))
            return (mine > others) - (mine < others)
        if self.etag is not None and (self.last_modified, self.etag) == (other.last_modified, other.etag):
            return 0
        one, two = ((value.last_modified, value.sequencer is not None) for value in (self, other))
        return (one > two) - (one < two)


@dataclass(frozen=True)
class StoredDocument:
    """A document in a bucket.

    Attributes:
        body: the JSON, in UTF-8.
        etag: S3's entity tag, with its quotes.
        metadata: the object's metadata, see ``Precedence``.
    """

    body: bytes
    etag: str
    metadata: Mapping[str, str]


class ConditionalStore(Protocol):
    """The operations of a bucket that publishing needs."""

    def get(self, key: str) -> StoredDocument | None:
        """Return the document of a key; None if there is none."""

    def create(self, key: str, body: bytes, metadata: Mapping[str, str]) -> str | None:
        """Write a new object, and return its entity tag; None if the key is taken."""

    def replace(self, key: str, body: bytes, metadata: Mapping[str, str], etag: str) -> str | None:
        """Replace the object of this ``etag``, and return the new entity tag; None if the key now has another."""

    def put(self, key: str, body: bytes) -> None:
        """Write an object, whether or not the key is taken."""

    def delete(self, key: str) -> None:
        """Delete an object; does nothing if there is none."""


def current_precedence(store: ConditionalStore, image_key: str) -> Precedence | None:
    """Return the precedence of an image's current result; None if it has no result."""
    current = store.get(result_key(image_key))
    return Precedence.from_metadata(current.metadata) if current else None


def publish(
    store: ConditionalStore,
    document: ResultDocument,
    precedence: Precedence,
    *,
    look_first: bool = False,
    replace_own: bool = False,
) -> WriteOutcome:
    """Write a result unless a newer one is current, and set the review flag of the result that is current then.

    A first result takes one request without a flag, and three with one. A duplicate takes three.

    Args:
        store: the results bucket.
        document: the result.
        precedence: the upload and the model of the result.
        look_first: read the current result before writing. This saves a refused write if the image probably has one.
        replace_own: also replace a result of the same upload by the same model, because other settings may differ.

    Returns:
        ``written``, or ``duplicate`` or ``stale`` if the current result is of the same or of a newer upload.

    Raises:
        ContentionError: other workers were faster ``MAX_ROUNDS`` times in a row.
    """
    body = to_json(document)
    image_key = document["image"]["key"]
    key, metadata = result_key(image_key), precedence.to_metadata()
    etag = None if look_first else store.create(key, body, metadata)
    if etag is not None:
        # A flag is written only after its result, so there is no flag to delete before the first result.
        if document["review"]["required"]:
            _settle_flag(store, image_key, StoredDocument(body, etag, metadata))
        return "written"
    for _ in range(MAX_ROUNDS):
        current = store.get(key)
        if current is None:
            etag = store.create(key, body, metadata)
        else:
            earlier = Precedence.from_metadata(current.metadata)
            order = precedence.compare(earlier)
            # Two uploads within one second may look the same; then the result that was read last is kept.
            same = order == 0 and (earlier.model, earlier.etag) == (precedence.model, precedence.etag)
            if order < 0 or (same and not replace_own):
                _settle_flag(store, image_key, current)
                return "stale" if order < 0 else "duplicate"
            # An item of a backfill has no sequencer; keep the one that an event wrote.
            sequencer = earlier.sequencer if order == 0 and precedence.sequencer is None else precedence.sequencer
            metadata = replace(precedence, sequencer=sequencer).to_metadata()
            etag = store.replace(key, body, metadata, current.etag)
        if etag is not None:
            _settle_flag(store, image_key, StoredDocument(body, etag, metadata))
            return "written"
    raise ContentionError(f"the result was replaced {MAX_ROUNDS} times while it was being written")


def _settle_flag(store: ConditionalStore, image_key: str, result: StoredDocument) -> None:
    """Write or delete the flag of the current result, and repeat that if the result changes meanwhile."""
    for _ in range(MAX_ROUNDS):
        if json.loads(result.body)["review"]["required"]:
            store.put(flag_key(image_key), result.body)
        else:
            store.delete(flag_key(image_key))
        current = store.get(result_key(image_key))
        if current is None or current.etag == result.etag:
            return
        result = current
    raise ContentionError(f"the result was replaced {MAX_ROUNDS} times while its flag was being settled")
