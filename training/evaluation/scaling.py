"""Calibrates probabilities on predictions of cells whose subjects a model never saw.

The logit of ALL becomes a linear function: of a network's own logits, by a temperature and a shift, or of a support
vector machine's score (Platt 1999, Probabilistic Outputs for Support Vector Machines). Neither changes the order of
cells, the ROC curve, or the share of cells that goes to review.

The temperature corrects a network that is too sure of itself (Guo, Pleiss, Sun & Weinberger 2017, On Calibration of
Modern Neural Networks, ICML). The shift corrects training with balanced classes, after which a network takes ALL to be
as common as normal cells.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# A float32 sigmoid comes no nearer to 0 and 1.
LEAST_PROBABILITY = 1e-7


@dataclass(frozen=True)
class Scaling:
    """A linear function of logits: ``logit / temperature + shift``.

    Attributes:
        temperature: above 0; above 1 for a network that was too sure of itself.
        shift: in logits; above 0 for a network that took ALL for too rare.
    """

    temperature: float = 1.0
    shift: float = 0.0

    def __call__(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scale probabilities, float array of shape (n,), 0 to 1."""
        return np.asarray(1 / (1 + np.exp(-_logits(probabilities) / self.temperature - self.shift)))


class ScoreScaling(NamedTuple):
    """A linear function from scores to logits: ``slope * score + bias``.

    Attributes:
        slope: logits per unit of the score.
        bias: logit at a score of 0.
    """

    slope: float
    bias: float

    def __call__(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities of ALL, 0 to 1, of scores; float arrays of shape (n,)."""
        return np.asarray(1 / (1 + np.exp(-(self.slope * scores + self.bias))))


def choose_scaling(probabilities: NDArray[np.float64], is_all: NDArray[np.bool_]) -> Scaling:
    """Choose the scaling that makes the labels most likely.

    Args:
        probabilities: float array of shape (n,), 0 to 1, of cells whose subjects the network never saw.
        is_all: boolean array of shape (n,).
    """
    from scipy.optimize import minimize

    logits = _logits(probabilities)

    def loss(parameters: NDArray[np.float64]) -> float:
        scaled = logits / math.exp(parameters[0]) + parameters[1]
        return float(np.mean(np.logaddexp(0, np.where(is_all, -scaled, scaled))))

    # Predictions without an error would have no finite optimum: hence the bounds.
    optimum = minimize(loss, np.zeros(2), bounds=((-3, 3), (-5, 5)), method="L-BFGS-B").x
    return Scaling(math.exp(optimum[0]), float(optimum[1]))


def _logits(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(probabilities, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return np.asarray(np.log(inside / (1 - inside)))


def platt(scores: NDArray[np.float64], is_all: NDArray[np.bool_]) -> ScoreScaling:
    """Choose the linear function of scores that makes the labels most likely (Platt 1999).

    Args:
        scores: float array of shape (n,), of cells whose subjects the machine never saw.
        is_all: boolean array of shape (n,).
    """
    from sklearn.linear_model import LogisticRegression

    regression = LogisticRegression(C=np.inf).fit(scores[:, None], is_all)
    return ScoreScaling(float(regression.coef_[0, 0]), float(regression.intercept_[0]))
