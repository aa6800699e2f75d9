"""Where things lie in the results bucket.

All three packages read this module, so it imports the standard library alone.
"""

from datetime import date

# Prefixes of the results bucket. The function writes below the first three; people's answers lie below ``LABELS``.
RESULTS = "results/"
REVIEW = "review/"
LEDGER = "ledger/"
LABELS = "labels/"
# What backfills read and leave behind, and what Athena's queries return.
BACKFILLS = "backfills/"
QUERIES = "queries/"
WRITTEN_BY_THE_FUNCTION = (RESULTS, REVIEW, LEDGER)


def result_key(image_key: str) -> str:
    """Key of an image's result: ``plate 7/cell-12.bmp`` has ``results/plate 7/cell-12.bmp.json``."""
    return f"{RESULTS}{image_key}.json"


def flag_key(image_key: str) -> str:
    """Key of an image's review flag, which exists only while a person should look."""
    return f"{REVIEW}{image_key}.json"


def label_key(image_key: str) -> str:
    """Key of what people said about an image."""
    return f"{LABELS}{image_key}.json"


def ledger_prefix(day: date) -> str:
    """Prefix of all ledger files that were written on a day, in UTC; Athena reads the day from it."""
    return f"{LEDGER}dt={day:%Y-%m-%d}/"


def ledger_key(batch_id: str, day: date) -> str:
    """Key of the ledger file of a batch that was written on a day, in UTC."""
    return f"{ledger_prefix(day)}{batch_id}.jsonl"


def image_key(document_key: str) -> str:
    """Key of the image that a result, a flag or a label belongs to.

    Raises:
        ValueError: the key is that of no such document.
    """
    for prefix in (RESULTS, REVIEW, LABELS):
        if document_key.startswith(prefix) and document_key.endswith(".json"):
            return document_key[len(prefix) : -len(".json")]
    raise ValueError(f"{document_key!r} is the key of no result, flag or label")
