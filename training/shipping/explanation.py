"""What a model ships so that its probability can be explained: more outputs of the graph, and their description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambda_fn.manifest import FEATURES_OUTPUT, LOGIT_OUTPUT
from training.fitting.kernel_head import CLIP, Floats, KernelHead
from training.networks.colour_features import FEATURES, GROUPS
from training.networks.masked_pooling import TINY
from training.networks.pooled_features import BLOCKS, MAPS, MEAN_COLOUR, SHARES, maps_of

if TYPE_CHECKING:
    import keras

# Prefix of the outputs that hold the head's constants.
CONSTANT = "head_"


@dataclass(frozen=True)
class Explanation:
    """The parts of a model that explain its probability.

    Attributes:
        constants: of the head, by the names of the outputs that hold them.
        fields: the manifest's ``explanation``, from which ``lambda_fn.manifest.ExplainedHead`` is read.
        outputs: the manifest's entries on the further outputs.
    """

    constants: dict[str, Floats]
    fields: dict[str, Any]
    outputs: list[dict[str, Any]]


def explanation_of(head: KernelHead, network: keras.Model, constants: dict[str, Floats]) -> Explanation:
    """Describe how a head on pooled features explains itself.

    Args:
        head: the fitted head.
        network: from ``feature_network``.
        constants: from ``KernelHead.constants``.
    """
    return Explanation(
        constants={f"{CONSTANT}{name}": array for name, array in constants.items()},
        fields=explanation_fields(head, network, tuple(constants)),
        outputs=_outputs(network, constants),
    )


def explanation_fields(head: KernelHead, network: keras.Model, constants: tuple[str, ...]) -> dict[str, Any]:
    """The manifest's ``explanation`` for a head on the features of a network; ``constants`` are their names."""
    maps, position = [], 0
    tensors = maps_of(network)
    for block in BLOCKS:
        _, fields, channels = tensors[f"{MAPS}{block}"].shape
        mean, spread = ([position + part * channels, position + (part + 1) * channels] for part in range(2))
        side = round(fields**0.5)
        maps.append(
            {"maps": f"{MAPS}{block}", "shares": f"{SHARES}{block}", "mean": mean, "spread": spread, "side": side}
        )
        position += 2 * channels
    other = {}
    for name, count in GROUPS.items():
        other[name] = [position, position + count]
        position += count
    if position != len(head.mean) or sum(GROUPS.values()) != FEATURES:
        raise AssertionError(f"the groups hold {position} features, the head {len(head.mean)}")
    colour = len(head.mean) + MEAN_COLOUR.start, len(head.mean) + MEAN_COLOUR.stop
    return {
        "constants": {name: f"{CONSTANT}{name}" for name in constants},
        "gamma": head.gamma,
        "clip": CLIP,
        "tiny": TINY,
        "mean_colour": list(colour),
        "maps": maps,
        "other": other,
    }


def _outputs(network: keras.Model, constants: dict[str, Floats]) -> list[dict[str, Any]]:
    shapes = {LOGIT_OUTPUT: (1,), FEATURES_OUTPUT: network.output.shape[1:]}
    shapes |= {name: tensor.shape[1:] for name, tensor in maps_of(network).items()}
    varying = [{"name": name, "shape": ["batch", *shape], "dtype": "float32"} for name, shape in shapes.items()]
    constant = [
        {"name": f"{CONSTANT}{name}", "shape": list(array.shape), "dtype": "float32", "meaning": "constant"}
        for name, array in constants.items()
    ]
    return varying + constant
