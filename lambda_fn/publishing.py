"""Publish documents so that each image has exactly one current result, and a flag only if that result asks for review.

Messages may arrive twice, late or out of order, and a worker may die at any point. Images are deleted and restored
while they are scored. No table and no lock is needed. S3's conditional requests decide which worker may change a
result, and a look at the image decides whether it should:

- A result of the image's current version replaces any other. Of two results of other versions the later upload stands,
  until the event of the current version comes.
- A first result may be of an image that was deleted meanwhile. So the worker looks after it wrote, and withdraws the
  result of an image that is gone.
- Before it replaces or withdraws a result, the worker first reads that result, then looks at the image, and makes its
  change only if the result is still the one that it read.

Each change of an image sends an event. The worker that answers it looks at the image after the change. It leaves a
result that it has written itself, or a repetition of its own upload. Either is younger than the change, so no other
worker can act any more on a look from before. Therefore the event of a deletion scores the current version even if that
version has a result (``replace_own``). Once all events are answered, the result is of the current version, or there is
none.

The flag follows the result. A worker touches a flag only for a result that it has just read, written or withdrawn.
Afterwards it checks that this is still so; if not, it sets the flag again. So the last worker to touch a flag has seen
the current result. A label that a person gave to the same pixels answers the flag, so there is none. Only a person asks
again: the flag is set before the label is taken back. A flag that stands beside a label is closed at the next review.
If a worker dies in between, its message is still in the queue, and its next delivery sets the flag. For this, a message
must stay hidden for longer than a worker lives. On AWS it does: the queue's visibility timeout is a
multiple of the function's timeout.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from lambda_fn import labels
from lambda_fn.errors import ContentionError
from lambda_fn.keys import flag_key, label_key, result_key
from lambda_fn.precedence import ImageVersion, Precedence
from lambda_fn.results import ResultDocument, WriteOutcome, to_json

# Result of a withdrawal. ``absent``: the image had no result. ``returned``: the image exists, in this or another
# version, and its result stands. If that is of another version, the event of the current one is still on its way.
Withdrawal = Literal["withdrawn", "absent", "returned"]
# Returns the current version of an image; None if the image is gone.
Look = Callable[[], ImageVersion | None]

# A worker gives up after another worker was faster this many times in a row.
MAX_ROUNDS = 20


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

    def delete_if(self, key: str, etag: str) -> bool:
        """Delete the object of this ``etag``; returns False if the key now has another, or none."""


def publish(
    store: ConditionalStore,
    document: ResultDocument,
    precedence: Precedence,
    look: Look,
    *,
    look_first: bool = False,
    replace_own: bool = False,
) -> WriteOutcome:
    """Write a result unless the one that stands is better, and set the review flag of the result that stands then.

    A first result takes one request without a flag, and four with one. A duplicate takes three. Each takes one look
    more.

    Args:
        store: the results bucket.
        document: the result.
        precedence: the upload and the model of the result.
        look: looks at the image's current version.
        look_first: read the current result before writing. This saves a refused write if the image probably has one.
        replace_own: also replace a result of the same upload by the same model.

    Returns:
        ``written``; ``duplicate`` or ``stale`` if the result that stands is of the same upload, or of a better one; or
        ``withdrawn`` if the image is gone, and its result with it.

    Raises:
        ContentionError: other workers were faster ``MAX_ROUNDS`` times in a row.
    """
    body = to_json(document)
    image_key = document["image"]["key"]
    key, metadata = result_key(image_key), precedence.to_metadata()
    etag = None if look_first else store.create(key, body, metadata)
    if etag is not None:
        return _confirm_first(store, image_key, StoredDocument(body, etag, metadata), look)
    for _ in range(MAX_ROUNDS):
        standing = store.get(key)
        if standing is None:
            etag = store.create(key, body, metadata)
            if etag is not None:
                return _confirm_first(store, image_key, StoredDocument(body, etag, metadata), look)
            continue
        image = look()
        if image is None:
            withdraw(store, image_key, look)
            return "withdrawn"
        earlier = Precedence.from_metadata(standing.metadata)
        outcome = _judge(precedence, earlier, image, replace_own)
        if outcome != "written":
            settle_flag(store, image_key, standing)
            return outcome
        metadata = _inherit_sequencer(precedence, earlier).to_metadata()
        etag = store.replace(key, body, metadata, standing.etag)
        if etag is not None:
            settle_flag(store, image_key, StoredDocument(body, etag, metadata))
            return "written"
    raise ContentionError(f"the result was replaced {MAX_ROUNDS} times while it was being written")


def withdraw(store: ConditionalStore, image_key: str, look: Look) -> Withdrawal:
    """Delete the result and the flag of an image that is gone. Labels stay, and so do older versions of the documents.

    Raises:
        ContentionError: other workers were faster ``MAX_ROUNDS`` times in a row.
    """
    for _ in range(MAX_ROUNDS):
        standing = store.get(result_key(image_key))
        if standing is None:
            settle_flag(store, image_key, None)
            return "absent"
        if look() is not None:
            settle_flag(store, image_key, standing)
            return "returned"
        if store.delete_if(result_key(image_key), standing.etag):
            settle_flag(store, image_key, None)
            return "withdrawn"
    raise ContentionError(f"the result was replaced {MAX_ROUNDS} times while it was being withdrawn")


def settle_flag(store: ConditionalStore, image_key: str, result: StoredDocument | None) -> None:
    """Write or delete the flag of the current result, and repeat that if the result changes meanwhile.

    A label that a person gave to these pixels answers the flag. It costs a request for each result that asks for review
    to look for one.

    Args:
        store: the results bucket.
        image_key: the image's key.
        result: the result that was read or written last; None if the image has none.

    Raises:
        ContentionError: the result changed ``MAX_ROUNDS`` times in a row.
    """
    for _ in range(MAX_ROUNDS):
        asking = result if result is not None and _asks_for_review(result) else None
        answered = asking is not None and _is_answered(store, image_key, asking)
        if asking and not answered:
            store.put(flag_key(image_key), asking.body)
        else:
            store.delete(flag_key(image_key))
        current = store.get(result_key(image_key))
        is_settled = current == result or (current and result and current.etag == result.etag)
        # The person may have taken the label back while the flag was being deleted.
        if is_settled and (not answered or (current and _is_answered(store, image_key, current))):
            return
        result = current
    raise ContentionError(f"the result was replaced {MAX_ROUNDS} times while its flag was being settled")


def _confirm_first(store: ConditionalStore, image_key: str, result: StoredDocument, look: Look) -> WriteOutcome:
    """Keep a first result, with its flag, only if its image still exists.

    A late or repeated event may name a version below a delete marker, and the image may be deleted while it is scored.
    The answer to the deletion may have come before there was a result to withdraw.
    """
    if look() is None:
        withdraw(store, image_key, look)
        return "withdrawn"
    # A flag is written only after its result, so there is no flag to delete before the first result.
    if _asks_for_review(result):
        settle_flag(store, image_key, result)
    return "written"


def _asks_for_review(result: StoredDocument) -> bool:
    return bool(json.loads(result.body)["review"]["required"])


def _is_answered(store: ConditionalStore, image_key: str, result: StoredDocument) -> bool:
    """Whether a person labelled these very pixels."""
    stored = store.get(label_key(image_key))
    return stored is not None and labels.is_answer(stored.body, json.loads(result.body)["image"])


def _judge(mine: Precedence, earlier: Precedence, image: ImageVersion, replace_own: bool) -> WriteOutcome:
    """Return ``written`` if a result should replace an earlier one, else why not; ``image`` is the current version."""
    is_mine, is_earlier = mine.version.is_same(image), earlier.version.is_same(image)
    if is_mine != is_earlier:
        return "written" if is_mine else "stale"
    order = _order_of_same(mine, earlier) if is_mine else mine.compare(earlier)
    if order < 0:
        return "stale"
    # Two uploads within one second may look the same; then the result that was read last is kept.
    same = order == 0 and (earlier.model, earlier.etag) == (mine.model, mine.etag)
    return "duplicate" if same and not replace_own else "written"


def _order_of_same(mine: Precedence, earlier: Precedence) -> int:
    """Compare two uploads that look the same: 0, or positive if the image may have been uploaded once more.

    Without version ids, two uploads of the same bytes differ in their sequencers alone.
    """
    if mine.version_id is not None and earlier.version_id is not None:
        return 0
    if mine.sequencer is not None and earlier.sequencer is None:
        return 1
    return max(0, mine.compare(earlier))


def _inherit_sequencer(mine: Precedence, earlier: Precedence) -> Precedence:
    """Return ``mine`` with the sequencer that an event wrote for the same upload: an item of a backfill has none."""
    same_upload = mine.version.is_same(earlier.version) or mine.compare(earlier) == 0
    return replace(mine, sequencer=earlier.sequencer) if mine.sequencer is None and same_upload else mine
