"""``cellflag train promote``."""

from pathlib import Path

import click

from lambda_fn.manifest import MODEL_FOLDER
from training.commands.options import NEW_FOLDER, RUN
from training.commands.shell import one_line_errors


@click.command()
@click.argument("run", type=RUN)
@click.option(
    "--even-if-worse",
    is_flag=True,
    help="Promote a model that is worse than the present one, or cannot be compared with it.",
)
@click.option(
    "--model-folder",
    default=MODEL_FOLDER,
    type=NEW_FOLDER,
    help="Gets the model.  [default: the served one]",
)
def promote(run: Path, even_if_worse: bool, model_folder: Path) -> None:
    """Put the model of the finished RUN into service.

    A model is refused if its area under the ROC curve or its specificity at the operating point is more than 0.005
    below the present model's, or if the two were measured on different cells. Both figures are out of fold. The
    replaced model is kept in the run's folder. `cdk deploy` then brings the new one to AWS.
    """
    from training.shipping.promotion import promote_model

    with one_line_errors():
        for line in promote_model(run, model_folder, even_if_worse):
            click.echo(line)
    click.echo(f"The model of {run} is in {model_folder}.")
