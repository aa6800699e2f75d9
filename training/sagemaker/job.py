"""Starts a SageMaker training job: uploads its source, and sends the request."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_fn.manifest import MODEL_FOLDER
from training.sagemaker.container_image import TENSORFLOW, training_image
from training.sagemaker.layout import CHANNEL, CHECKPOINTS, PROGRAM, PROGRAM_SOURCE

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_sagemaker import SageMakerClient

ROOT = Path(__file__).parents[2]
PACKAGES = ("lambda_fn", "training")
# Suffixes of the packages' files that the archive holds; the served model is left out.
SUFFIXES = (".py", ".json", ".html", ".css")
# Libraries that the container lacks or has in another version. It keeps its own TensorFlow, built for its GPU.
REQUIREMENTS = (
    *("click", "keras", "numpy", "onnx", "onnxruntime", "pillow", "rich", "scikit-learn", "tf2onnx"),
    "matplotlib",
)
# Disk of the instance.
VOLUME_GB = 30
# Spot capacity may come late. Waiting and training together may take this many times the limit on training.
WAITING_FACTOR = 2


@dataclass(frozen=True)
class Job:
    """A training job.

    Attributes:
        name: unique in account and region: letters, digits and hyphens, at most 63.
        region: where it runs.
        cells: S3 prefix of the labelled cells.
        output: S3 prefix that gets source, checkpoints and model.
        role: ARN of the role that SageMaker takes on; it must read the cells, and read and write the output.
        hyperparameters: options of ``cellflag train run``.
        instance_type: of the one instance.
        hours: limit on the time of training.
        spot: whether it runs on spare capacity, which is cheap but may be interrupted.
        checkpoints_of: name of the job that it continues; its own name if it is new.
        image: address of the container; None for AWS' prebuilt one.
    """

    name: str
    region: str
    cells: str
    output: str
    role: str
    hyperparameters: dict[str, str | int | float | bool]
    instance_type: str
    hours: float
    spot: bool
    checkpoints_of: str
    image: str | None = None


def start(job: Job, sagemaker: SageMakerClient, s3: S3Client) -> None:
    """Upload the source, and start the job."""
    bucket, _, prefix = job.output.removeprefix("s3://").partition("/")
    key = f"{prefix.rstrip('/')}/{job.name}/source.tar.gz".lstrip("/")
    s3.put_object(Bucket=bucket, Key=key, Body=source_archive())
    sagemaker.create_training_job(**request(job, f"s3://{bucket}/{key}"))


def request(job: Job, source: str) -> dict[str, Any]:
    """The request of a job, as ``CreateTrainingJob`` of the SageMaker API takes it.

    Args:
        job: the job.
        source: S3 address of ``source_archive``.
    """
    output = job.output.rstrip("/")
    seconds = round(job.hours * 3600)
    waiting = {"MaxWaitTimeInSeconds": seconds * WAITING_FACTOR} if job.spot else {}
    for_toolkit = {"sagemaker_program": PROGRAM, "sagemaker_submit_directory": source, "sagemaker_region": job.region}
    channel = {"S3DataType": "S3Prefix", "S3Uri": job.cells, "S3DataDistributionType": "FullyReplicated"}
    return {
        "TrainingJobName": job.name,
        "RoleArn": job.role,
        "AlgorithmSpecification": {
            "TrainingImage": job.image or training_image(job.region, job.instance_type),
            "TrainingInputMode": "File",
        },
        # The toolkit reads every value as JSON.
        "HyperParameters": {name: json.dumps(value) for name, value in {**job.hyperparameters, **for_toolkit}.items()},
        "InputDataConfig": [{"ChannelName": CHANNEL, "DataSource": {"S3DataSource": channel}}],
        "OutputDataConfig": {"S3OutputPath": output},
        "ResourceConfig": {"InstanceType": job.instance_type, "InstanceCount": 1, "VolumeSizeInGB": VOLUME_GB},
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds, **waiting},
        "EnableManagedSpotTraining": job.spot,
        "CheckpointConfig": {
            "S3Uri": f"{output}/{job.checkpoints_of}/checkpoints",
            "LocalPath": CHECKPOINTS,
        },
    }


def source_archive(root: Path = ROOT) -> bytes:
    """The packages that a job runs, its program, and the versions of this machine's libraries, as ``.tar.gz``.

    Args:
        root: folder that holds the packages.
    """
    archive = io.BytesIO()
    served_model = root / MODEL_FOLDER.relative_to(ROOT)
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for package in PACKAGES:
            for path in sorted((root / package).rglob("*")):
                if path.suffix in SUFFIXES and served_model not in path.parents:
                    tar.add(path, path.relative_to(root).as_posix())
        tar.add(root / PROGRAM_SOURCE, PROGRAM)
        lines = [f"{name}=={version(name)}" for name in REQUIREMENTS]
        content = ("\n".join(lines) + "\n").encode()
        requirements = tarfile.TarInfo("requirements.txt")
        requirements.size = len(content)
        tar.addfile(requirements, io.BytesIO(content))
    return archive.getvalue()


def version_warning() -> str | None:
    """A line that warns of a TensorFlow on this machine other than the container's; None if both are the same."""
    here = version("tensorflow")
    return (
        None if here == TENSORFLOW else f"The container trains with TensorFlow {TENSORFLOW}, this machine has {here}."
    )
