"""Cells that people reviewed: the labels that they gave, as a source of labelled cells.

A reviewer's label of the image ``<key>`` is ``labels/<key>.json`` beside the results, with ``label``, ``reviewer`` and
``labelled_at``; the image itself is ``<key>`` where images come in.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from training.data.reading import S3, read_bytes, s3_client, split_url
from training.data.sources import Cell, Naming
from training.data.tables import LABELS
from training.errors import DatasetError

PREFIX = "labels/"
TITLE = "reviewed cells"


def reviewed_cells(results: str, images: str, naming: Naming) -> tuple[list[Cell], list[str]]:
    """List reviewed cells.

    Args:
        results: folder or ``s3://<bucket>`` that holds ``labels/``.
        images: folder or ``s3://<bucket>`` that holds the images.
        naming: tells subjects by keys.

    Returns:
        The cells that were labelled as one of the two classes, and the keys of those that were not.

    Raises:
        DatasetError: there are no labels, or one cannot be read.
    """
    cells, undecided = [], []
    for location, key in _labels(results):
        label, labelled_at = _read_label(location)
        if label.lower() not in LABELS:
            undecided.append(f"{key}: {label}")
            continue
        image = f"{images.rstrip('/')}/{key}"
        cells.append(
            Cell(key, image, LABELS[label.lower()], naming.subject_of(key), TITLE, labelled_at=labelled_at or "unknown")
        )
    if not cells and not undecided:
        raise DatasetError(f"{results} holds no reviewed cells: no {PREFIX}<key of an image>.json.")
    return cells, undecided


def _read_label(location: str) -> tuple[str, str]:
    try:
        document = json.loads(read_bytes(location))
        return str(document["label"]), str(document["labelled_at"])
    except OSError as error:
        raise DatasetError(f"{location} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{location} is no label: it needs a JSON object with label and labelled_at.") from error


def _labels(results: str) -> Iterator[tuple[str, str]]:
    """Where each label lies, and the key of its image, in the order of the keys."""
    if not results.startswith(S3):
        folder = Path(results) / PREFIX
        for path in sorted(folder.rglob("*.json")):
            yield str(path), path.relative_to(folder).as_posix().removesuffix(".json")
        return
    bucket, prefix = split_url(results.rstrip("/"))
    start = f"{prefix}/{PREFIX}" if prefix else PREFIX
    try:
        for page in s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=start):
            for found in page.get("Contents", []):
                if found["Key"].endswith(".json"):
                    yield f"{S3}{bucket}/{found['Key']}", found["Key"].removeprefix(start).removesuffix(".json")
    except (ClientError, BotoCoreError) as error:
        raise DatasetError(f"{results} cannot be listed: {error}.") from error
