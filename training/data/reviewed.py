"""Cells that people reviewed, as a source of labelled cells.

A reviewer's label of the image ``<key>`` is ``labels/<key>.json`` beside the results, with ``label``, ``reviewer`` and
``labelled_at``, see ``lambda_fn.labels``; the image itself is ``<key>`` in the bucket of images.
"""

import json

from lambda_fn.keys import LABELS, image_key
from training.data.labelled_cell import LABEL_OF_WORD, LabelledCell
from training.data.locations import list_files, read_bytes
from training.data.naming import Naming
from training.errors import DatasetError

TITLE = "reviewed cells"


def reviewed_cells(results: str, images: str, naming: Naming) -> tuple[list[LabelledCell], list[str]]:
    """List reviewed cells.

    Args:
        results: folder or ``s3://<bucket>`` that holds ``labels/``.
        images: folder or ``s3://<bucket>`` that holds the images.
        naming: finds subjects in keys.

    Returns:
        The cells with a label of one of the two classes; and key and label of each other cell, one line each.

    Raises:
        DatasetError: there are no labels, or one cannot be read.
    """
    cells, undecided = [], []
    for location, key in _labels(results):
        label, labelled_at = _read_label(location)
        if label is None:  # its reviewer took it back
            continue
        if label.lower() not in LABEL_OF_WORD:
            undecided.append(f"{key}: {label}")
            continue
        cells.append(
            LabelledCell(
                name=key,
                location=f"{images.rstrip('/')}/{key}",
                label=LABEL_OF_WORD[label.lower()],
                spelling=naming.subject_of(key),
                data_set=TITLE,
                labelled_at=labelled_at or "unknown",
            )
        )
    if not cells and not undecided:
        raise DatasetError(f"{results} holds no reviewed cells: no {LABELS}<key of an image>.json.")
    return cells, undecided


def _labels(results: str) -> list[tuple[str, str]]:
    """Location of each label and key of its image, in the order of the keys."""
    try:
        files = list(list_files(results, LABELS))
    except OSError as error:
        raise DatasetError(f"{results} cannot be listed: {error.strerror}.") from error
    return [(location, image_key(key)) for location, key in files if key.endswith(".json")]


def _read_label(location: str) -> tuple[str | None, str]:
    try:
        document = json.loads(read_bytes(location))
        label = document["label"]
        return None if label is None else str(label), str(document["labelled_at"])
    except OSError as error:
        raise DatasetError(f"{location} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{location} is no label: it needs a JSON object with label and labelled_at.") from error
