"""The plan of a run, and the file that lets a run of a network go on after an interruption."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from lambda_fn.preprocessing import Preprocessing
from training.errors import TrainingError
from training.files import appearing
from training.fitting.recipes import NetworkRecipe, Recipe
from training.networks.pretrained import IMAGENET, NO_WEIGHTS

PLAN = "run.json"

RecipeKind = TypeVar("RecipeKind", bound=Recipe, covariant=True)


class PlanError(TrainingError):
    """A folder whose run cannot go on."""


@dataclass(frozen=True)
class Plan(Generic[RecipeKind]):
    """The cells, the recipe and the folder of a run.

    Attributes:
        data: source of labelled cells.
        preprocessing: how pixels become model input.
        recipe: how the model is made.
        folds: number of subject-disjoint folds, or the file that holds them.
        out: folder for all that the run leaves behind.
        weights: of a pretrained network: ``"imagenet"``, ``"none"`` or a file.
        int8: whether the exported graph is quantised.
    """

    data: Path
    preprocessing: Preprocessing
    recipe: RecipeKind
    folds: int | Path
    out: Path
    weights: str = NO_WEIGHTS
    int8: bool = False


def write_plan(plan: Plan[NetworkRecipe], data_digest: str) -> None:
    """Write the plan of a network's run, and the digest of its cells, into the run's folder."""
    file = plan.weights if plan.weights in (IMAGENET, NO_WEIGHTS) else str(Path(plan.weights).resolve())
    fields = {**asdict(plan), "data": str(plan.data.resolve()), "weights": file, "data_digest": data_digest}
    fields |= {"out": ".", "folds": str(plan.folds)}
    with appearing(plan.out / PLAN) as arriving:
        arriving.write_text(json.dumps(fields, indent=2) + "\n", "utf-8")


def read_plan(out: Path, data: Path | None = None) -> tuple[Plan[NetworkRecipe], str]:
    """Read the plan of a run.

    Args:
        out: the run's folder.
        data: the present place of its cells, if they have moved.

    Returns:
        The plan, and the digest of its cells.

    Raises:
        PlanError: the folder holds no run of a network.
    """
    try:
        fields = json.loads((out / PLAN).read_text("utf-8"))
        digest = fields.pop("data_digest")
        fields["data"] = Path(fields["data"])
        fields["preprocessing"] = Preprocessing(**fields["preprocessing"])
        folds = fields["folds"]
        fields["folds"] = int(folds) if folds.isdecimal() else Path(folds)
        plan = Plan(**(fields | {"recipe": NetworkRecipe(**fields["recipe"]), "out": out}))
    except FileNotFoundError as error:
        raise PlanError(f"{out} is not the folder of a run: it holds no {PLAN}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise PlanError(f"{out / PLAN} is not the plan of a run: {error}.") from error
    return (replace(plan, data=data) if data else plan), digest
