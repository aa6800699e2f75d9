"""Keys and prefixes of the objects in the results bucket.

All three packages read this module, so it imports the standard library alone.
"""

from datetime import date
from typing import Final

# The function writes below the first three prefixes. Labels by people lie below ``LABELS``.
RESULTS = "results/"
REVIEW = "review/"
LEDGER = "ledger/"
LABELS = "labels/"
# Inputs and reports of backfills, and results of Athena's queries.
BACKFILLS = "backfills/"
QUERIES = "queries/"
WRITTEN_BY_THE_FUNCTION = (RESULTS, REVIEW, LEDGER)
# The function deletes below these: a flag that is no longer needed, and the result of an image that is gone.
DELETED_BY_THE_FUNCTION = (RESULTS, REVIEW)

# S3's limit on a key in UTF-8: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
MAX_KEY_BYTES: Final = 1024
# The longest key of an image that can have a result: 1,011 bytes.
MAX_IMAGE_KEY_BYTES: Final = MAX_KEY_BYTES - len(f"{RESULTS}.json")


def result_key(image_key: str) -> str:
    """Return the key of an image's result: ``results/plate 7/cell-12.bmp.json`` for ``plate 7/cell-12.bmp``."""
    return f"{RESULTS}{image_key}.json"


def can_have_result(image_key: str) -> bool:
    """Return whether the key of an image leaves room for the key of its result."""
    return len(image_key.encode(errors="surrogatepass")) <= MAX_IMAGE_KEY_BYTES


def flag_key(image_key: str) -> str:
    """Return the key of an image's review flag, which exists only while a person should look."""
    return f"{REVIEW}{image_key}.json"


def label_key(image_key: str) -> str:
    """Return the key of the labels that people gave to an image."""
    return f"{LABELS}{image_key}.json"


def ledger_prefix(day: date) -> str:
    """Return the prefix of all ledger files of a day in UTC; Athena reads the day from it."""
    return f"{LEDGER}dt={day:%Y-%m-%d}/"


def ledger_key(batch_id: str, day: date) -> str:
    """Return the key of a batch's ledger file; ``day`` is the day in UTC on which it is written."""
    return f"{ledger_prefix(day)}{batch_id}.jsonl"


def image_key(document_key: str) -> str:
    """Return the key of the image that a result, flag or label belongs to.

    Raises:
        ValueError: the key belongs to none of these documents.
    """
    for prefix in (RESULTS, REVIEW, LABELS):
        if document_key.startswith(prefix) and document_key.endswith(".json"):
            return document_key[len(prefix) : -len(".json")]
    raise ValueError(f"{document_key!r} is the key of no result, flag or label")
