"""Cells that people reviewed, as a source of labelled cells.

A reviewer's label of the image ``<key>`` is ``labels/<key>.json`` beside the results, see ``lambda_fn.labels``. The
image itself is ``<key>`` in the bucket of images.
"""

from dataclasses import dataclass, field, replace

from lambda_fn import labels
from lambda_fn.keys import LABELS, image_key
from training.data.audit_weights import weight_of_audits
from training.data.counted_answers import CountedAnswer, counted_answer
from training.data.findings import Finding
from training.data.labelled_cell import LABEL_OF_WORD, LabelledCell
from training.data.locations import list_files, read_bytes
from training.data.naming import Naming
from training.errors import DatasetError

TITLE = "reviewed cells"


@dataclass
class Reviewed:
    """Reviewed cells, and what became of the other labels.

    Attributes:
        cells: with a label of one of the two classes.
        undecided: key and label of each other cell, one line each.
        taken_back: keys of cells whose reviewer took the label back.
        disputed: keys of cells to which two reviewers gave different answers.
    """

    cells: list[LabelledCell] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    taken_back: list[str] = field(default_factory=list)
    disputed: list[str] = field(default_factory=list)

    def findings(self) -> list[Finding]:
        """The cells that are left out or used less than others, by the reason."""
        found = [
            Finding("reviewed, but neither ALL nor normal", tuple(self.undecided), "left out"),
            Finding("reviewed, but the label was taken back", tuple(self.taken_back), "left out"),
            Finding("reviewers disagree", tuple(self.disputed), "the standing label, for fitting alone"),
        ]
        return [finding for finding in found if finding.cases]

    def add(self, others: "Reviewed") -> None:
        """Add the cells of another source."""
        for name, values in vars(others).items():
            getattr(self, name).extend(values)


def reviewed_cells(results: str, images: str, naming: Naming) -> Reviewed:
    """List reviewed cells. An audit weighs as many cells as it stands for.

    Args:
        results: folder or ``s3://<bucket>`` that holds ``labels/``, and ``results/`` if audits are to be weighed.
        images: folder or ``s3://<bucket>`` that holds the images.
        naming: finds subjects in keys.

    Raises:
        DatasetError: there are no labels, or a label or a result cannot be read.
    """
    found = Reviewed()
    for location, key in _labels(results):
        counted = _read_answer(location)
        if counted is None:
            found.taken_back.append(key)
            continue
        label = str(counted.entry["label"])
        if label.lower() not in LABEL_OF_WORD:
            found.undecided.append(f"{key}: {label}")
            continue
        if counted.disputed:
            found.disputed.append(f"{key}: {label} stands")
        found.cells.append(_cell(counted, key, images, naming))
    if not found.cells and not found.undecided and not found.taken_back:
        raise DatasetError(f"{results} holds no reviewed cells: no {LABELS}<key of an image>.json.")
    audits = sum(cell.use == "thresholds" for cell in found.cells)
    if audits:
        weight = weight_of_audits(results, audits)
        found.cells = [replace(cell, weight=weight) if cell.use == "thresholds" else cell for cell in found.cells]
    return found


def _cell(counted: CountedAnswer, key: str, images: str, naming: Naming) -> LabelledCell:
    entry = counted.entry
    return LabelledCell(
        name=key,
        location=f"{images.rstrip('/')}/{key}",
        label=LABEL_OF_WORD[str(entry["label"]).lower()],
        spelling=naming.subject_of(key),
        data_set=TITLE,
        labelled_at=entry["labelled_at"] or "unknown",
        queue=entry["queue"],
        blind=entry["shown"]["blind"],
        answers=counted.answers,
        use=counted.use,
        file_sha256=entry["image"]["sha256"] or "",
    )


def _labels(results: str) -> list[tuple[str, str]]:
    """Location of each label and key of its image, in the order of the keys."""
    try:
        files = list(list_files(results, LABELS))
    except OSError as error:
        raise DatasetError(f"{results} cannot be listed: {error.strerror}.") from error
    return [(location, image_key(key)) for location, key in files if key.endswith(".json")]


def _read_answer(location: str) -> CountedAnswer | None:
    try:
        return counted_answer(labels.from_json(read_bytes(location)))
    except OSError as error:
        raise DatasetError(f"{location} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{location} is no label: it needs a JSON object with label and labelled_at.") from error
