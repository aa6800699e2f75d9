"""Starts a SageMaker training job: uploads its source, and sends the request."""

from __future__ import annotations

import io
import json
import re
import tarfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

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
# Instances with a disk of their own encrypt it by themselves, and a request that names a key for the volume fails
# (VolumeKmsKeyId of ResourceConfig, API reference of SageMaker).
_LOCAL_DISK = re.compile(r"ml\.([a-z]+\d+[a-z]*d[a-z]*|p[56]\w*|g[56]\w*|trn\d\w*)\.")


class _Encryption(TypedDict, total=False):
    ServerSideEncryption: Literal["aws:kms"]
    SSEKMSKeyId: str


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
        checkpoints: S3 prefix of the checkpoints that it continues; empty for new ones below its own name.
        image: address of the container; None for AWS' prebuilt one.
        kms_key: encrypts source, model and, if the instance has no disk of its own, the volume; empty for AWS' keys.
        subnets: of the VPC that it runs in; it needs a way to S3, and to PyPI for the libraries. Empty for no VPC.
        security_groups: of the instance; empty for no VPC.
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
    checkpoints: str = ""
    image: str | None = None
    kms_key: str = ""
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()


def start(job: Job, sagemaker: SageMakerClient, s3: S3Client) -> None:
    """Upload the source, and start the job."""
    bucket, _, prefix = job.output.removeprefix("s3://").partition("/")
    key = f"{prefix.rstrip('/')}/{job.name}/source.tar.gz".lstrip("/")
    encryption: _Encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": job.kms_key} if job.kms_key else {}
    s3.put_object(Bucket=bucket, Key=key, Body=source_archive(), **encryption)
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
    # S3Prefix takes every key that begins so: without the slash, s3://b/c-nmc takes s3://b/c-nmc-old/ along.
    cells = f"{job.cells.rstrip('/')}/"
    channel = {"S3DataType": "S3Prefix", "S3Uri": cells, "S3DataDistributionType": "FullyReplicated"}
    key = {"KmsKeyId": job.kms_key} if job.kms_key else {}
    on_volume = {"VolumeKmsKeyId": job.kms_key} if job.kms_key and not _LOCAL_DISK.match(job.instance_type) else {}
    vpc = {"VpcConfig": {"Subnets": [*job.subnets], "SecurityGroupIds": [*job.security_groups]}} if job.subnets else {}
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
        "OutputDataConfig": {"S3OutputPath": output, **key},
        "ResourceConfig": {
            "InstanceType": job.instance_type,
            "InstanceCount": 1,
            "VolumeSizeInGB": VOLUME_GB,
            **on_volume,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds, **waiting},
        "EnableManagedSpotTraining": job.spot,
        "CheckpointConfig": {
            "S3Uri": job.checkpoints or f"{output}/{job.name}/checkpoints",
            "LocalPath": CHECKPOINTS,
        },
        **vpc,
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
