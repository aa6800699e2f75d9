"""``cellflag train sagemaker``."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from training.commands.options import (
    BALANCE,
    CROP,
    FOLDS,
    LEARNING_RATE,
    NEW_FOLDER,
    OPTIMIZER,
    SEED,
    SIZE,
    check_sizes,
)
from training.commands.shell import new_run_folder, one_line_errors
from training.networks.architectures import look_up
from training.networks.pretrained import IMAGENET, NO_WEIGHTS

if TYPE_CHECKING:
    import boto3

    from training.sagemaker.job import Job


def _address(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?", value):
        return value
    raise click.BadParameter(f"{value} is no S3 address: s3://BUCKET/PREFIX.")


@click.command()
@click.argument("cells", callback=_address)
@click.option("--role", required=True, help="ARN of the role that SageMaker assumes.")
@click.option("--output", required=True, callback=_address, help="S3 address for source, checkpoints and model.")
@click.option("--architecture", default="2x2C1D", show_default=True, help="One that `compare --help` lists.")
@FOLDS
@click.option("--epochs", default=30, show_default=True, type=click.IntRange(1), help="Most epochs of each training.")
@SEED
@CROP
@SIZE
@click.option(
    "--weights",
    default=IMAGENET,
    show_default=True,
    type=click.Choice([IMAGENET, NO_WEIGHTS]),
    help="First weights of a pretrained architecture.",
)
@OPTIMIZER
@LEARNING_RATE
@BALANCE
@click.option("--int8", is_flag=True, help="Export 8-bit integers; refused if they decide otherwise.")
@click.option("--instance-type", default="ml.c7i.2xlarge", show_default=True, help="Type of the instance.")
@click.option(
    "--hours", default=4.0, show_default=True, type=click.FloatRange(0.1, 120), help="Limit on the hours of training."
)
@click.option("--on-demand", is_flag=True, help="Use no spot instance: dearer, but never interrupted.")
@click.option("--image", help="Container to train in.  [default: AWS' TensorFlow of the region]")
@click.option("--region", help="AWS region.  [default: from the environment or AWS' configuration]")
@click.option("--resume", metavar="JOB", help="Continue an earlier job from its checkpoints, with its options.")
@click.option("--out", type=NEW_FOLDER, help="New folder for the model and its files.  [default: runs/<job>]")
def sagemaker(
    cells: str,
    role: str,
    output: str,
    instance_type: str,
    hours: float,
    on_demand: bool,
    image: str | None,
    region: str | None,
    resume: str | None,
    out: Path | None,
    crop: int,
    size: int,
    **options: str | int | float | bool | None,
) -> None:
    """Train on Amazon SageMaker, on the labelled CELLS below an S3 address, as `run` does here.

    The job runs on a spot instance, and continues from its checkpoints in S3 after an interruption. This command
    follows the log, and downloads the model with everything that `promote` needs. Stopping the command does not stop
    the job.
    """
    check_sizes(crop, size)
    look_up(str(options["architecture"]), size)
    name = f"cellflag-{re.sub('[^A-Za-z0-9]', '-', str(options['architecture']))}-{datetime.now():%Y%m%d-%H%M%S}"
    out = new_run_folder(out or Path("runs") / name, name)

    import boto3

    from training.sagemaker.job import Job, version_warning

    session = boto3.Session(region_name=region)
    if not session.region_name:
        raise click.UsageError("name the --region, or set AWS_REGION.")
    hyperparameters = {name.replace("_", "-"): value for name, value in options.items() if value not in (None, False)}
    job = Job(
        name=name,
        region=session.region_name,
        cells=cells,
        output=output,
        role=role,
        hyperparameters={**hyperparameters, "crop": crop, "size": size},
        instance_type=instance_type,
        hours=hours,
        spot=not on_demand,
        checkpoints_of=resume or name,
        image=image,
    )
    console = Console(stderr=True)
    if warning := version_warning():
        console.print(warning)
    _run(job, session, out, console)
    click.echo(f"The model of the job is in {out}. Serve it with: cellflag train promote {out}")


def _run(job: Job, session: boto3.Session, out: Path, console: Console) -> None:
    """Start a job, follow its log, and bring its model back into a folder."""
    from botocore.exceptions import BotoCoreError, ClientError

    from training.sagemaker.following import bring_back, follow
    from training.sagemaker.job import start

    jobs, s3 = session.client("sagemaker"), session.client("s3")
    try:
        start(job, jobs, s3)
        console.print(f"Started {job.name}.", soft_wrap=True)
        with one_line_errors():
            model = follow(
                job.name, jobs, session.client("logs"), lambda line: console.print(line, markup=False, soft_wrap=True)
            )
            bring_back(model, s3, out)
    except (BotoCoreError, ClientError) as error:
        raise click.ClickException(f"AWS: {error}.") from error
    except KeyboardInterrupt:
        console.print(
            f"{job.name} is still running. Stop it with: "
            f"aws sagemaker stop-training-job --training-job-name {job.name}",
            soft_wrap=True,
        )
        raise
