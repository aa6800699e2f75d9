"""Fit the square that is cut out around a cell to the scale that the model was trained at."""

from dataclasses import dataclass, replace

from lambda_fn.decisions import Reason
from lambda_fn.manifest import Preprocessing

# Scales that differ by no more than this share count as equal: resampling would change a cell more than it corrects.
TOLERATED_DIFFERENCE = 0.05
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
