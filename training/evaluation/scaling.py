"""Makes probabilities honest: a temperature for how sure a network is of itself, a shift for how common ALL is.

Guo, Pleiss, Sun & Weinberger 2017, On Calibration of Modern Neural Networks (ICML), for the temperature. The shift,
which makes it the scaling of Platt (1999), is for networks that were trained with balanced classes: they take ALL to be
as common as normal cells. Neither changes the order of cells, hence no ROC curve and no share that goes to review.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scaling:
    """What logits become: ``logit / temperature + shift``.

    Attributes:
        temperature: above 0; above 1 for a network that was too sure of itself.
        shift: in logits; above 0 for a network that took ALL for too rare.
    """

    temperature: float = 1.0
    shift: float = 0.0

    def __call__(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scale probabilities, float array of shape (n,), 0 to 1."""
        return np.asarray(1 / (1 + np.exp(-_logits(probabilities) / self.temperature - self.shift)))


def choose_scaling(probabilities: NDArray[np.float64], is_all: NDArray[np.bool_]) -> Scaling:
    """The scaling that makes labels most likely.

    Args:
        probabilities: float array of shape (n,), 0 to 1, of cells whose subjects the network never saw.
        is_all: boolean array of shape (n,).
    """
    from scipy.optimize import minimize

    logits = _logits(probabilities)

    def loss(parameters: NDArray[np.float64]) -> float:
        scaled = logits / math.exp(parameters[0]) + parameters[1]
        return float(np.mean(np.logaddexp(0, np.where(is_all, -scaled, scaled))))

    # Within bounds: predictions that tell classes apart without an error would have no finite optimum.
    found = minimize(loss, np.zeros(2), bounds=((-3, 3), (-5, 5)), method="L-BFGS-B").x
    return Scaling(math.exp(found[0]), float(found[1]))


def _logits(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    certain = np.clip(probabilities, 1e-7, 1 - 1e-7)  # as near to 0 and 1 as a float32 sigmoid tells
    return np.asarray(np.log(certain / (1 - certain)))
