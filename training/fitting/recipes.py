"""How models are made: a recipe for trained networks, and one for a frozen network under a kernel head."""

import hashlib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol

from training.fitting.balance import BALANCES
from training.fitting.kernel_head import Hyperparameters
from training.networks.architectures import look_up
from training.networks.pooled_features import BLOCKS
from training.networks.pretrained import IMAGENET, NO_WEIGHTS

_MOBILENET = "keras.applications.MobileNet; Howard et al. 2017, arXiv 1704.04861; Apache-2.0"
_POOLED = (
    f"mean and spread over the cell of conv_pw_{', '.join(map(str, BLOCKS))}; "
    "moments of colour and of four bands of detail"
)


class Recipe(Protocol):
    """How a model of any kind is made."""

    @property
    def architecture(self) -> str:
        """The architecture's name."""

    @property
    def seed(self) -> int:
        """Repeats it."""

    def as_fields(self) -> dict[str, Any]:
        """All that shapes the model, as plain values for the manifest."""


@dataclass(frozen=True)
class NetworkRecipe:
    """How a network is trained; part of its manifest.

    Attributes:
        architecture: a name in ``ARCHITECTURES``.
        epochs: at most so many.
        seed: of initial weights, order of cells and augmentation.
        optimizer: a name in ``OPTIMIZERS``.
        patience: epochs without improvement on the stopping subjects after which training, or its phase, ends.
        batch_size: cells per step.
        learning_rate: at the first step.
        decay: after t steps the learning rate is ``learning_rate / (1 + decay * t)``. The argument ``decay`` of an
            optimizer meant the same in Keras 1 and 2, for which the baseline's 1e-3 and 1e-4 were chosen.
        pretrained_on: origin of the first weights; empty for random ones.
        frozen_epochs: at most so many of the epochs train the last layer alone. They come first.
        fine_tuning_rate: learning rate at the first step that trains the pretrained layers as well.
        balance: a name in ``BALANCES``.
        temperature: divides the finished network's logits; chosen on out-of-fold predictions.
        shift: is then added to them.
    """

    architecture: str
    epochs: int
    seed: int
    optimizer: str = "rmsprop"
    patience: int = 6
    batch_size: int = 32
    learning_rate: float = 1e-3
    decay: float = 1e-4
    pretrained_on: str = ""
    frozen_epochs: int = 0
    fine_tuning_rate: float = 1e-5
    balance: str = BALANCES[0]
    temperature: float = 1.0
    shift: float = 0.0

    def as_fields(self) -> dict[str, Any]:
        """All fields by their names."""
        return asdict(self)


@dataclass(frozen=True)
class PooledRecipe:
    """How the shipped model is made; part of its manifest.

    Attributes:
        seed: of the folds and the augmentation.
        pretrained_on: origin of the frozen weights.
        architecture: name of the whole.
        pooled: the features that the head learns from.
        head: shapes the kernel head; None for the shipped model's own.
        left_out: subjects that no head learns from. Their cells choose thresholds all the same.
    """

    seed: int
    pretrained_on: str
    architecture: str = "MobileNetV1-pooled-SVM"
    pooled: str = _POOLED
    head: Hyperparameters = field(default_factory=Hyperparameters)
    left_out: tuple[str, ...] = ()

    def as_fields(self) -> dict[str, Any]:
        """All fields by their names, those of the head among them."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "head"}
        return own | asdict(self.head) | {"left_out": [*self.left_out]}


def new_network_recipe(
    name: str,
    size: int,
    *,
    epochs: int,
    seed: int,
    weights: str = IMAGENET,
    optimizer: str | None = None,
    learning_rate: float = 1e-3,
    balance: str = BALANCES[0],
) -> NetworkRecipe:
    """The usual recipe of an architecture.

    Args:
        name: the architecture's.
        size: side of its input, pixels.
        epochs: at most so many; of a pretrained network, a third of them train its last layer alone.
        seed: repeats the training.
        weights: of a pretrained network: ``"imagenet"``, ``"none"`` or a file.
        optimizer: None for the architecture's own.
        learning_rate: at the first step.
        balance: a name in ``BALANCES``.

    Raises:
        ArchitectureError: there is none of this name, or it cannot take an input of this size.
    """
    network = look_up(name, size)
    pretrained = network.pretrained and weights != NO_WEIGHTS
    file = "" if weights == IMAGENET else f", from {Path(weights).name}"
    return NetworkRecipe(
        name,
        epochs,
        seed,
        optimizer or network.optimizer,
        learning_rate=learning_rate,
        balance=balance,
        pretrained_on=f"ImageNet ({network.package or f'keras.applications.{name}'}{file})" if pretrained else "",
        frozen_epochs=-(-epochs // 3) if pretrained else 0,
    )


def new_pooled_recipe(
    weights: str, seed: int, head: Hyperparameters | None = None, left_out: tuple[str, ...] = ()
) -> PooledRecipe:
    """The recipe of the shipped model.

    Args:
        weights: of the frozen network: ``"imagenet"`` or a file.
        seed: repeats the run.
        head: shapes the kernel head; None for the shipped model's own.
        left_out: subjects that no head learns from.
    """
    origin = f"ImageNet ({_MOBILENET})"
    if weights != IMAGENET:
        sha256 = hashlib.sha256(Path(weights).read_bytes()).hexdigest()
        origin += f", as given in {Path(weights).name}, sha256 {sha256[:16]}…"
    return PooledRecipe(seed, origin, head=head or Hyperparameters(), left_out=left_out)
