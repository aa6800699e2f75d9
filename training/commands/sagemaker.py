"""``cellflag train sagemaker``."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
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
    options_on_command_line,
)
from training.commands.shell import one_line_errors
from training.networks.architectures import look_up
from training.networks.pretrained import IMAGENET, NO_WEIGHTS
from training.runs.run_folder import RUNS, take_new

if TYPE_CHECKING:
    import boto3

    from training.sagemaker.job import Job

# What may be named beside --resume: where the job runs, not how it trains.
_BESIDE_RESUME = (
    *("cells", "role", "output", "instance_type", "hours", "on_demand", "image", "region", "kms_key"),
    *("subnets", "security_groups", "resume", "out"),
)


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
@click.option("--kms-key", default="", help="Key of KMS for source, model and volume.  [default: AWS' own keys]")
@click.option(
    "--subnet",
    "subnets",
    multiple=True,
    help="Subnet of a VPC to run in, with a way to S3 and PyPI; may be given several times.",
)
@click.option("--security-group", "security_groups", multiple=True, help="Security group in that VPC.")
@click.option(
    "--resume",
    metavar="JOB",
    help="Take up an earlier job: fetch its model, follow it if it runs, or continue it in a new job with its options.",
)
@click.option("--out", type=NEW_FOLDER, help="New folder for the model and its files.  [default: runs/<job>]")
@click.pass_context
def sagemaker(
    context: click.Context,
    /,
    cells: str,
    role: str,
    output: str,
    instance_type: str,
    hours: float,
    on_demand: bool,
    image: str | None,
    region: str | None,
    kms_key: str,
    subnets: tuple[str, ...],
    security_groups: tuple[str, ...],
    resume: str | None,
    out: Path | None,
    crop: int,
    size: int,
    **options: str | int | float | bool | None,
) -> None:
    """Train on Amazon SageMaker, on the labelled CELLS below an S3 address, as `run` does here.

    The job runs on a spot instance, and continues from its checkpoints in S3 after an interruption. This command
    follows the log, and downloads the model with everything that `promote` needs. Stopping the command does not stop
    the job; --resume JOB follows it again.
    """
    if resume and (others := options_on_command_line(context, without=_BESIDE_RESUME)):
        raise click.UsageError(f"--resume takes its options from {resume}; leave out {', '.join(others)}.")
    if bool(subnets) != bool(security_groups):
        raise click.UsageError("a VPC needs both --subnet and --security-group.")
    check_sizes(crop, size)
    look_up(str(options["architecture"]), size)
    name = _new_name(str(options["architecture"]))

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
        image=image,
        kms_key=kms_key,
        subnets=subnets,
        security_groups=security_groups,
    )
    console = Console(stderr=True)
    if warning := version_warning():
        console.print(warning)
    with one_line_errors(), take_new(out or RUNS / (resume or name), name) as out:
        _run(job, resume, session, out, console)
    click.echo(f"The model of the job is in {out}. Serve it with: cellflag train promote {out}")


def _new_name(architecture: str) -> str:
    """A job's name: unique, even if several start in one second."""
    time = f"{datetime.now():%Y%m%d-%H%M%S}"
    return f"cellflag-{re.sub('[^A-Za-z0-9]', '-', architecture)}-{time}-{secrets.token_hex(2)}"


def _run(job: Job, resume: str | None, session: boto3.Session, out: Path, console: Console) -> None:
    """Start a job or take up an earlier one, follow its log, and bring its model back into a folder."""
    from botocore.exceptions import BotoCoreError, ClientError

    from training.sagemaker.following import bring_back, follow

    name = ""
    try:
        name = _start_or_find(job, resume, session, console)
        model = follow(
            name,
            session.client("sagemaker"),
            session.client("logs"),
            lambda line: console.print(line, markup=False, soft_wrap=True),
        )
        bring_back(model, session.client("s3"), out)
    except (BotoCoreError, ClientError) as error:
        advice = f" {name} goes on; follow it with --resume {name}." if name else ""
        raise click.ClickException(f"AWS: {error}.{advice}") from error
    except KeyboardInterrupt:
        if name:
            console.print(
                f"{name} is still running. Follow it with --resume {name}, or stop it with: "
                f"aws sagemaker stop-training-job --training-job-name {name}",
                soft_wrap=True,
            )
        raise


def _start_or_find(job: Job, resume: str | None, session: boto3.Session, console: Console) -> str:
    """The name of the job to follow: an earlier one that runs or is complete, or a new one.

    Raises:
        JobError: there is no such earlier job, or the new one could not run.
    """
    from training.sagemaker.checks import check_cells, check_role, find_job
    from training.sagemaker.job import start

    jobs, s3 = session.client("sagemaker"), session.client("s3")
    if resume:
        earlier = find_job(resume, jobs)
        if earlier.completed or not earlier.over:
            console.print(f"{resume} {'is complete' if earlier.completed else 'is running'}.", soft_wrap=True)
            return resume
        job = replace(job, hyperparameters=earlier.hyperparameters, checkpoints=earlier.checkpoints)
    check_role(job.role, session.client("iam"))
    check_cells(job.cells, s3)
    start(job, jobs, s3)
    console.print(f"Started {job.name}.", soft_wrap=True)
    return job.name
