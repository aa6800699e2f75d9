"""What a run does, and the file in its folder that lets it go on where it was interrupted."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lambda_fn.manifest import Preprocessing
from training.errors import TrainingError
from training.fitting.balance import BALANCES
from training.fitting.network import Recipe
from training.networks.architectures import architecture
from training.networks.pretrained import IMAGENET, NO_WEIGHTS

PLAN = "run.json"


class PlanError(TrainingError):
    """A folder that holds no run which could go on."""


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes:
        data: source of labelled cells.
        preprocessing: how pixels become model input.
        recipe: how a network is trained.
        folds: number of subject-disjoint folds, or the file that holds them.
        out: folder for all that the run leaves behind.
        weights: of a pretrained network: ``"imagenet"``, ``"none"`` or a file.
        int8: whether the exported graph is quantised.
    """

    data: Path
    preprocessing: Preprocessing
    recipe: Recipe
    folds: int | Path
    out: Path
    weights: str = NO_WEIGHTS
    int8: bool = False


def new_recipe(
    name: str,
    size: int,
    *,
    epochs: int,
    seed: int,
    weights: str = IMAGENET,
    optimizer: str | None = None,
    learning_rate: float = 1e-3,
    balance: str = BALANCES[0],
) -> Recipe:
    """How an architecture is trained unless told otherwise.

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
    found = architecture(name, size)
    pretrained = found.pretrained and weights != NO_WEIGHTS
    file = "" if weights == IMAGENET else f", from {Path(weights).name}"
    return Recipe(
        name,
        epochs,
        seed,
        optimizer or found.optimizer,
        learning_rate=learning_rate,
        balance=balance,
        pretrained_on=f"ImageNet (keras.applications.{name}{file})" if pretrained else "",
        frozen_epochs=-(-epochs // 3) if pretrained else 0,
    )


def write_plan(plan: Plan, data_digest: str) -> None:
    """Write a plan and the digest of its cells into the run's folder."""
    file = plan.weights if plan.weights in (IMAGENET, NO_WEIGHTS) else str(Path(plan.weights).resolve())
    fields = {**asdict(plan), "data": str(plan.data.resolve()), "weights": file, "data_digest": data_digest}
    fields |= {"out": ".", "folds": str(plan.folds)}
    plan.out.mkdir(parents=True, exist_ok=True)
    arriving = plan.out / f".{PLAN}"
    arriving.write_text(json.dumps(fields, indent=2) + "\n", "utf-8")
    arriving.replace(plan.out / PLAN)


def read_plan(out: Path, data: Path | None = None) -> tuple[Plan, str]:
    """Read the plan of a run.

    Args:
        out: the run's folder.
        data: where its cells lie now, if they were moved.

    Returns:
        The plan, and the digest of its cells.

    Raises:
        PlanError: the folder is not that of a run.
    """
    try:
        fields = json.loads((out / PLAN).read_text("utf-8"))
        digest = fields.pop("data_digest")
        fields["data"] = Path(fields["data"])
        fields["preprocessing"] = Preprocessing(**fields["preprocessing"])
        folds = fields["folds"]
        fields["folds"] = int(folds) if folds.isdecimal() else Path(folds)
        plan = Plan(**(fields | {"recipe": Recipe(**fields["recipe"]), "out": out}))
    except FileNotFoundError as error:
        raise PlanError(f"{out} is not the folder of a run: it holds no {PLAN}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise PlanError(f"{out / PLAN} is not the plan of a run: {error}.") from error
    return (replace(plan, data=data) if data else plan), digest
