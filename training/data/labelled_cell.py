"""A cell with an expert's label: the place of its image, its class, and the person that it is of."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from lambda_fn.decisions import Label
from lambda_fn.labels import Queue
from training.errors import DatasetError

# Words for the classes in tables, and in the names of files and folders; in lower case.
LABEL_OF_WORD: dict[str, Label] = {"all": "ALL", "hem": "normal", "normal": "normal"}
# The word that this package writes for each class: the one of C-NMC 2019.
WORD_OF_LABEL: dict[Label, str] = {"ALL": "all", "normal": "hem"}

# What a cell is used for. ``all``: to learn from, to measure by, and to choose thresholds. ``thresholds``: to learn
# from and to choose thresholds, but not to measure by. ``fitting``: to learn from alone.
Use = Literal["all", "thresholds", "fitting"]


@dataclass(frozen=True)
class LabelledCell:
    """The image of a cell, with its label.

    Attributes:
        name: path relative to the source's folder, with forward slashes.
        location: of the image: the path of a file, or ``s3://<bucket>/<key>``.
        label: the class that an expert gave it.
        spelling: the person that the cell is of, as the source spells it.
        data_set: title of the data set that it is of.
        group: number of the group of subjects that share images, if an index states it; else empty.
        sha256: digest of the decoded pixels, if an index states it; else empty.
        labelled_at: when a reviewer gave the label, ISO 8601; empty for a label that came with the data set.
        queue: why the reviewer was asked; empty for a label that came with the data set.
        blind: whether the reviewer answered before the model's view was shown.
        answers: number of answers that reviewers gave, also those that do not stand any more.
        use: what the cell is used for.
        weight: how many cells it stands for if a rate is measured: above 1 for a cell that was drawn by chance.
        file_sha256: digest of the file that the reviewer saw; empty if it is unknown.
    """

    name: str
    location: str
    label: Label
    spelling: str
    data_set: str
    group: str = ""
    sha256: str = ""
    labelled_at: str = ""
    queue: Queue | Literal[""] = ""
    blind: bool = False
    answers: int = 0
    use: Use = "all"
    weight: float = 1.0
    file_sha256: str = ""

    @property
    def subject(self) -> str:
        """The person, in capitals, since sources spell one person in several ways."""
        return self.spelling.upper()


def require_both_classes(labels: Collection[Label], place: str, advice: str = "") -> None:
    """Check that labels are of both classes; an empty collection passes.

    Args:
        labels: of some cells.
        place: of these cells, for the message.
        advice: what the message ends with.

    Raises:
        DatasetError: all labels are of one class.
    """
    if len(classes := set(labels)) == 1:
        raise DatasetError(f"{place} holds only cells labelled {classes.pop()}; training needs both classes.{advice}")
