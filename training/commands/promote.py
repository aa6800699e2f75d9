"""``cellflag train promote``."""

from pathlib import Path

import click

from lambda_fn.manifest import MODEL_FOLDER
from training.commands.options import NEW_FOLDER, RUN
from training.commands.shell import one_line_errors


@click.command()
@click.argument("run", type=RUN)
@click.option("--even-if-worse", is_flag=True, help="Also if it is worse than the present one, or not comparable.")
@click.option(
    "--model-folder", default=MODEL_FOLDER, type=NEW_FOLDER, help="Gets the model.  [default: the one served]"
)
def promote(run: Path, even_if_worse: bool, model_folder: Path) -> None:
    """Serve the model of the finished RUN from now on.

    A model is refused if its area under the ROC curve, or its specificity at the operating point, both out of fold, lie
    more than 0.005 below those of the model that it would replace, or if the two were measured on other cells. What it
    replaces is kept in the run's folder; `cdk deploy` then brings the new one to AWS.
    """
    from training.shipping.promotion import promote_model

    with one_line_errors():
        for line in promote_model(run, model_folder, even_if_worse):
            click.echo(line)
    click.echo(f"The model of {run} is in {model_folder}.")
