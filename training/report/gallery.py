"""The cells that a model calls wrong, for a report to show."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from training.data.labelled_cell import LabelledCell
from training.data.reading import ReadCell, UnusableImageError, read_all
from training.errors import DatasetError
from training.evaluation.predictions import Predictions
from training.report.page import picture

# Cells that are shown of each kind of error, and the longer side of their pictures in pixels.
MOST_CELLS = 24
PICTURE_PX = 200


class WrongCalls(NamedTuple):
    """One kind of error.

    Attributes:
        title: what it is.
        css_class: of its heading.
        total: how many cells are called wrong so.
        shown: some of them, the surest first: picture, probability of ALL, and subject.
    """

    title: str
    css_class: str
    total: int
    shown: list[tuple[Markup, float, str]]


def show_wrong_calls(predictions: Predictions, cells: Sequence[LabelledCell]) -> list[WrongCalls]:
    """Read the cells that a probability of 0.5 calls wrong, for both kinds of error.

    Args:
        predictions: of some model.
        cells: of these predictions; those of others are not shown.

    Raises:
        DatasetError: none of the cells was predicted.
    """
    by_name = {cell.name: cell for cell in cells}
    if not any(name in by_name for name in predictions.names):
        raise DatasetError(
            f"None of the predicted cells is among those named, for instance {predictions.names[0]}; "
            "name the folder or index that the run was trained on."
        )
    probabilities, is_all = predictions.probabilities, predictions.is_all
    gallery = []
    for title, css_class, wrong, order in (
        ("ALL cells called normal", "all", is_all & (probabilities < 0.5), probabilities),
        ("Normal cells called ALL", "normal", ~is_all & (probabilities >= 0.5), -probabilities),
    ):
        ranked = [int(i) for i in np.argsort(order, kind="stable") if wrong[i] and predictions.names[i] in by_name]
        surest = ranked[:MOST_CELLS]
        outcomes = read_all([by_name[predictions.names[i]] for i in surest], ReadCell.square)
        shown = [
            (picture(outcome, PICTURE_PX, "a cell"), float(probabilities[i]), str(predictions.subjects[i]))
            for i, (_, outcome) in zip(surest, outcomes, strict=True)
            if not isinstance(outcome, UnusableImageError)
        ]
        gallery.append(WrongCalls(title, css_class, int(wrong.sum()), shown))
    return gallery
