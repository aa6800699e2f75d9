"""A model's folder, and the manifest that describes the model in it.

All three packages read this module, so it imports the standard library alone.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from lambda_fn.class_ranges import ClassRanges
from lambda_fn.decisions import Thresholds
from lambda_fn.errors import ModelError
from lambda_fn.known_subjects import KnownSubjects, read_known_subjects
from lambda_fn.preprocessing import Limits, Preprocessing

# The three files of a model's folder.
GRAPH_FILE, MANIFEST_FILE, MODEL_CARD_FILE = "model.onnx", "model.json", "MODEL_CARD.md"
# The folder of the model that is served.
MODEL_FOLDER = Path(__file__).parent / "model"

# Names of the graph's outputs. A model that measures no distance has only the first.
PROBABILITY_OUTPUT, DISTANCE_OUTPUT = "probability_all", "distance"
# Further outputs of a model whose probability can be explained: its logit, and the features of the cell.
LOGIT_OUTPUT, FEATURES_OUTPUT = "logit", "features"

# The share of ALL cells that are decided normal, and the share of normal cells that are decided ALL.
ErrorRate = Literal["all_decided_normal", "normal_decided_all"]
ERROR_RATES: tuple[ErrorRate, ...] = ("all_decided_normal", "normal_decided_all")


@dataclass(frozen=True)
class PooledMap:
    """A map of the network, and the position of its statistics among the features.

    Attributes:
        maps: name of the graph's output with the map, float32 of shape (batch, fields, channels), row by row.
        shares: name of the output with the share of each field in the statistics, shape (batch, 1, fields).
        mean: first and last + 1 position of the channels' means among the features.
        spread: the same of their standard deviations.
        side: number of fields along each side of the square map.
    """

    maps: str
    shares: str
    mean: tuple[int, int]
    spread: tuple[int, int]
    side: int


@dataclass(frozen=True)
class ExplainedHead:
    """How a model's outputs explain its probability: the manifest's ``explanation``.

    ``lambda_fn.kernel_machine`` reads the constants, ``lambda_fn.explanations`` the rest.

    Attributes:
        constants: name of the graph's output for each of the head's constants. They do not depend on the input.
        gamma: of the radial kernel.
        clip: standardised features lie between this and its negative.
        tiny: was added to each variance before its root was taken.
        mean_colour: first and last + 1 position of the mean red, green and blue among the features.
        maps: the maps whose statistics have a place on the cell, the finest first.
        other: first and last + 1 position of each group of features that has no place, by its name.
    """

    constants: Mapping[str, str]
    gamma: float
    clip: float
    tiny: float
    mean_colour: tuple[int, int]
    maps: tuple[PooledMap, ...]
    other: Mapping[str, tuple[int, int]]

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "ExplainedHead":
        """Read the manifest's ``explanation``.

        Raises:
            KeyError, TypeError, ValueError: a part is missing or of the wrong kind.
        """
        return cls(
            constants={str(name): str(output) for name, output in fields["constants"].items()},
            gamma=float(fields["gamma"]),
            clip=float(fields["clip"]),
            tiny=float(fields["tiny"]),
            mean_colour=_range(fields["mean_colour"]),
            maps=tuple(
                PooledMap(each["maps"], each["shares"], _range(each["mean"]), _range(each["spread"]), int(each["side"]))
                for each in fields["maps"]
            ),
            other={str(name): _range(positions) for name, positions in fields["other"].items()},
        )


@dataclass(frozen=True)
class AchievedShares:
    """Effects of the thresholds on cells of subjects that the model never saw; shares from 0 to 1.

    Attributes:
        review_share: share of all cells that went to review.
        all_decided_normal: share of ALL cells that were decided normal.
        normal_decided_all: share of normal cells that were decided ALL.
    """

    review_share: float
    all_decided_normal: float
    normal_decided_all: float


@dataclass(frozen=True)
class Manifest:
    """The description of a model, read from its ``model.json``.

    Attributes:
        version: the model's name and date.
        sha256: digest of ``model.onnx``.
        input_name: name of the graph's input, uint8 of shape (batch, size, size, 3), 0 to 255.
        output_names: names of the graph's outputs for a prediction, float32 of shape (batch, 1) each: the probability
            of ALL and, if the model measures it, the distance from the training cells.
        preprocessing: how a cell becomes model input.
        limits: the largest image that is decoded.
        thresholds: the probabilities at which the decision changes.
        thresholds_by_rate: for each of ``ERROR_RATES``, pairs of an error rate and the threshold for it, by rising
            rate; empty if the manifest has no such table.
        threads: threads within one inference.
        data_set: title of the data set that the model was trained on; empty if the manifest names none.
        promised: error rates that the thresholds were chosen for, by name; empty if the manifest does not state them.
        achieved: effects of the thresholds on subjects that the model never saw; None if the manifest lacks them.
        known_subjects: where known subjects lie; None if the manifest does not state it.
        morphology: spread of the training cells' numbers by class; None if the manifest lacks it.
        explanation: how further outputs explain the probability; None for a model without such outputs.
    """

    version: str
    sha256: str
    input_name: str
    output_names: tuple[str, ...]
    preprocessing: Preprocessing
    limits: Limits
    thresholds: Thresholds
    thresholds_by_rate: Mapping[str, tuple[tuple[float, float], ...]]
    threads: int
    data_set: str = ""
    promised: Mapping[ErrorRate, float] = field(default_factory=dict)
    achieved: AchievedShares | None = None
    known_subjects: KnownSubjects | None = None
    morphology: ClassRanges | None = None
    explanation: ExplainedHead | None = None

    @classmethod
    def read(cls, folder: Path = MODEL_FOLDER) -> "Manifest":
        """Read the manifest in a model's folder.

        Raises:
            ModelError: the file or a part of it is missing, or a part is of the wrong kind.
        """
        try:
            return cls.from_json((folder / MANIFEST_FILE).read_text("utf-8"))
        except FileNotFoundError as error:
            raise ModelError(f"{MANIFEST_FILE} is missing from the model folder") from error

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Read a manifest from its text.

        Raises:
            ModelError: a part is missing or of the wrong kind.
        """
        try:
            content: dict[str, Any] = json.loads(text)
            decision, preprocessing = content["decision"], content["preprocessing"]
            return cls(
                version=content["version"],
                sha256=content["sha256"],
                input_name=content["input"]["name"],
                output_names=_output_names([output["name"] for output in content["outputs"]]),
                preprocessing=Preprocessing(
                    int(preprocessing["crop"]),
                    int(preprocessing["size"]),
                    preprocessing.get("background", "black"),
                    _number(preprocessing.get("um_per_px")),
                ),
                limits=Limits(**preprocessing.get("limits", {})),
                thresholds=Thresholds(
                    operating_point=float(decision["operating_point"]),
                    normal_below=float(decision["normal_below"]),
                    all_from=float(decision["all_from"]),
                    unlike_above=float(decision.get("unlike_above", math.inf)),
                ),
                thresholds_by_rate={
                    name: tuple((float(rate), float(threshold)) for rate, threshold in pairs)
                    for name, pairs in decision.get("by_error_rate", {}).items()
                },
                threads=int(content.get("session", {}).get("threads", 1)),
                data_set=str(content.get("training", {}).get("data_set", "")),
                promised={
                    name: float(rate) for name, rate in decision.get("chosen_for", {}).items() if name in ERROR_RATES
                },
                achieved=_achieved(decision.get("achieved")),
                known_subjects=read_known_subjects(content.get("metrics", {})),
                morphology=ClassRanges.from_fields(content["morphology"]) if content.get("morphology") else None,
                explanation=ExplainedHead.from_fields(content["explanation"]) if content.get("explanation") else None,
            )
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise ModelError(f"{MANIFEST_FILE} is not a manifest of a model: {error!r}") from error

    def achieved_shares(self) -> AchievedShares:
        """Return the effects of the thresholds on cells of subjects that the model never saw.

        Raises:
            ModelError: the manifest lacks them.
        """
        if self.achieved is None:
            raise ModelError(f"{MANIFEST_FILE} of {self.version} does not state what its thresholds achieved")
        return self.achieved

    def rates(self, name: ErrorRate) -> list[float]:
        """Return the error rates that the manifest has thresholds for, in rising order."""
        return [rate for rate, _ in self.thresholds_by_rate.get(name, ())]

    def tabulated(self, name: ErrorRate, tolerated: float) -> tuple[float, float] | None:
        """Return the highest error rate of the table that does not exceed the tolerated rate, and its threshold.

        Returns:
            The rate and its threshold, or None if all rates of the table are higher.
        """
        pairs = [pair for pair in self.thresholds_by_rate.get(name, ()) if pair[0] <= tolerated]
        return pairs[-1] if pairs else None


def _output_names(names: list[str]) -> tuple[str, ...]:
    predicting = [name for name in names if name in (PROBABILITY_OUTPUT, DISTANCE_OUTPUT)]
    if predicting not in ([PROBABILITY_OUTPUT], [PROBABILITY_OUTPUT, DISTANCE_OUTPUT]):
        raise ValueError(f"outputs are {names}")
    return tuple(predicting)


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _range(positions: Sequence[int]) -> tuple[int, int]:
    first, end = positions
    return int(first), int(end)


def _achieved(shares: Mapping[str, float] | None) -> AchievedShares | None:
    names = [field.name for field in fields(AchievedShares)]
    if shares is None or not all(name in shares for name in names):
        return None
    return AchievedShares(**{name: float(shares[name]) for name in names})
