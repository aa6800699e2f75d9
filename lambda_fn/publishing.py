"""Makes a document the current one of its image, whatever is delivered twice, late, out of order, or broken off.

No table and no lock: S3's conditional writes decide who may write the result, the order of the uploads decides whether
it should, and the review flag follows the result. A flag is only touched on behalf of a result that was read or
written just before, and after touching it one looks whether that result still stands; so whoever touches a flag last
has seen the current result, and a worker that dies in between leaves its message in the queue, whose next delivery
settles the flag again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from lambda_fn.errors import ContentionError
from lambda_fn.keys import flag_key, result_key
from lambda_fn.results import ResultDocument, WriteOutcome

MAX_ROUNDS = 20


@dataclass(frozen=True)
class Precedence:
    """What decides which of two results of one key stands; stored as the result object's metadata.

    Attributes:
        sequencer: S3's, a hexadecimal number of varying length; None where the event had none.
        last_modified: when the scored version was uploaded, ISO 8601 in UTC, to the second.
        model: digest of the model that scored.
        etag: S3's entity tag of the scored version, without its quotes; None where it is not known.
    """

    sequencer: str | None
    last_modified: str
    model: str
    etag: str | None = None

    def to_metadata(self) -> dict[str, str]:
        """As metadata of an S3 object."""
        fields = {
            "sequencer": self.sequencer,
            "last-modified": self.last_modified,
            "model": self.model,
            "etag": self.etag,
        }
        return {name: value for name, value in fields.items() if value is not None}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> "Precedence":
        """From metadata of an S3 object; a result that somebody else put there yields to any other."""
        last_modified, model = metadata.get("last-modified", ""), metadata.get("model", "")
        return cls(metadata.get("sequencer"), last_modified, model, metadata.get("etag"))

    def compare(self, other: "Precedence") -> int:
        """Negative where this upload is the older one, 0 where both are the same, positive where it is the newer.

        Sequencers compare as AWS documents it, the shorter one padded with zeros on the right:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html. Where one of the two
        has none, equal times and entity tags are the same upload; else the time of the upload decides, and within one
        second the one that has a sequencer: an event knows its version for sure, while a listed item is whatever was
        current when it was read.
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
    """A document as it lies in the store: its bytes, entity tag and metadata."""

    body: bytes
    etag: str
    metadata: Mapping[str, str]


class ConditionalStore(Protocol):
    """A bucket, as far as publishing needs one."""

    def get(self, key: str) -> StoredDocument | None:
        """What lies under a key, None where nothing does."""

    def create(self, key: str, body: bytes, metadata: Mapping[str, str]) -> str | None:
        """Write where nothing lies, and return the new entity tag; None where something does."""

    def replace(self, key: str, body: bytes, metadata: Mapping[str, str], etag: str) -> str | None:
        """Write where ``etag`` still lies, and return the new entity tag; None where it no longer does."""

    def put(self, key: str, body: bytes) -> None:
        """Write, whatever lies there."""

    def delete(self, key: str) -> None:
        """Remove; nothing happens where nothing lies."""


def current_precedence(store: ConditionalStore, image_key: str) -> Precedence | None:
    """That of the image's standing result; None where it has no result yet."""
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
    """Write a result unless a newer one stands, and bring its review flag in line with whatever stands then.

    Where the same model answered the same upload before, this is a duplicate; ``replace_own`` writes it all the same,
    as settings other than the model may have changed. Costs one request for a first result without a flag, three with
    one, and three for a duplicate. Where a result is likely to stand, ``look_first`` saves a refused write.

    Raises:
        ContentionError: other workers were faster, ``MAX_ROUNDS`` times in a row.
    """
    body = json.dumps(document, ensure_ascii=False, indent=1).encode()
    image_key = document["image"]["key"]
    key, metadata = result_key(image_key), precedence.to_metadata()
    etag = None if look_first else store.create(key, body, metadata)
    if etag is not None:
        # Flags are raised after results only: before a first one there is none to lower.
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
            # Of two uploads in one second that nothing tells apart, the one that was read last stands.
            same = order == 0 and (earlier.model, earlier.etag) == (precedence.model, precedence.etag)
            if order < 0 or (same and not replace_own):
                _settle_flag(store, image_key, current)
                return "stale" if order < 0 else "duplicate"
            # A listed item must not forget the sequencer that an event knew.
            sequencer = earlier.sequencer if order == 0 and precedence.sequencer is None else precedence.sequencer
            metadata = replace(precedence, sequencer=sequencer).to_metadata()
            etag = store.replace(key, body, metadata, current.etag)
        if etag is not None:
            _settle_flag(store, image_key, StoredDocument(body, etag, metadata))
            return "written"
    raise ContentionError(f"the result was replaced {MAX_ROUNDS} times while it was being written")


def _settle_flag(store: ConditionalStore, image_key: str, result: StoredDocument) -> None:
    """Raise or lower the flag as the result says, until that result is still the standing one afterwards."""
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
