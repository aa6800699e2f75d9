"""Fit the square that is cut out around a cell to the scale that the model was trained at."""

from dataclasses import dataclass, replace

from lambda_fn.decisions import Reason
from lambda_fn.preprocessing import Preprocessing

# Scales that differ by no more than this share count as equal: resampling would change a cell more than it corrects.
# The shipped model scored 60 cells of C-NMC 2019 (doi 10.7937/tcia.2019.dc64i46r) that were enlarged, as they were and
# resampled. Median change of the logit: .23 and .23 if enlarged by 2 %, .30 and .22 by 3 %, .42 and .22 by 5 %, .73 and
# .26 by 10 %, 1.4 and .23 by 25 %. If reduced: .27 and .23 by 2 %, .29 and .24 by 3 %, .35 and .24 by 5 %, .69 and .28
# by 10 %, 1.95 and .38 by 25 %.
TOLERATED_DIFFERENCE = 0.03
# Nothing is resampled further: a wrong number is then likelier than such a microscope.
MAX_RESAMPLING = 4.0


@dataclass(frozen=True)
class Scaling:
    """How a cell becomes model input at the scale of its image.

    Attributes:
        preprocessing: the model's, with a square of as many micrometres as in training.
        resampled_by: pixels of the input for each pixel of the image along a line, if the scales differ; else None.
        doubts: reasons for review: the image is too far from the model's scale to be resampled.
    """

    preprocessing: Preprocessing
    resampled_by: float | None = None
    doubts: tuple[Reason, ...] = ()


def fit_scale(preprocessing: Preprocessing, um_per_px: float | None) -> Scaling:
    """Fit the model's preprocessing to an image.

    The side of the square is changed, not the image: so the model's input has the same size whatever the scale is,
    and places on the image stay as they are.

    Args:
        preprocessing: the model's.
        um_per_px: micrometres a pixel of the image; None if they are unknown.

    Returns:
        The preprocessing as it is if either scale is unknown, or if they differ by ``TOLERATED_DIFFERENCE`` or less.
    """
    if um_per_px is None or preprocessing.um_per_px is None:
        return Scaling(preprocessing)
    factor = um_per_px / preprocessing.um_per_px
    ratio = max(factor, 1 / factor)
    if ratio <= 1 + TOLERATED_DIFFERENCE:
        return Scaling(preprocessing)
    if ratio > MAX_RESAMPLING:
        return Scaling(preprocessing, doubts=("unlike_training_data",))
    crop = max(round(preprocessing.crop / factor), 1)
    return Scaling(replace(preprocessing, crop=crop), resampled_by=preprocessing.crop / crop)
