"""Checks before a job costs anything: its role, its cells, and the earlier job that it continues."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import ClientError

from training.errors import JobError
from training.sagemaker.following import OVER
from training.sagemaker.layout import PROGRAM

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_sagemaker import SageMakerClient

SERVICE = "sagemaker.amazonaws.com"
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/(?:.*/)?([\w+=,.@-]{1,64})")
# The names under which the services of this module say that the caller may not ask.
_DENIED = ("AccessDenied", "AccessDeniedException", "AllAccessDisabled")


class RoleClient(Protocol):
    """The part of a client of IAM that is used here."""

    def get_role(self, *, RoleName: str) -> dict[str, Any]:  # noqa: N803 - the name of the API
        """Describe a role."""


@dataclass(frozen=True)
class EarlierJob:
    """A job that began before.

    Attributes:
        name: of the job.
        completed: whether it has brought a model.
        over: whether it has ended in any way.
        hyperparameters: options of ``cellflag train run`` that it has.
        checkpoints: S3 prefix of its checkpoints.
    """

    name: str
    completed: bool
    over: bool
    hyperparameters: dict[str, Any]
    checkpoints: str


def check_role(role: str, iam: RoleClient) -> None:
    """Check that a role exists and that SageMaker may assume it, as far as the caller may ask.

    Raises:
        JobError: it is no such role.
    """
    match = _ROLE.fullmatch(role)
    if not match:
        raise JobError(f"--role {role} is no ARN of a role: arn:aws:iam::ACCOUNT:role/NAME.")
    try:
        policy = iam.get_role(RoleName=match[1])["Role"]["AssumeRolePolicyDocument"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchEntity":
            raise JobError(f"--role {role} does not exist.") from error
        if error.response["Error"]["Code"] in _DENIED:
            return
        raise
    if SERVICE not in json.dumps(policy):
        raise JobError(f"--role {role} cannot be assumed by SageMaker: let its trust policy name {SERVICE}.")


def check_cells(cells: str, s3: S3Client) -> None:
    """Check that there are objects below an S3 address, as far as the caller may list them.

    Raises:
        JobError: there are none.
    """
    bucket, _, prefix = cells.removeprefix("s3://").partition("/")
    prefix = f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""
    try:
        page = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    except ClientError as error:
        if error.response["Error"]["Code"] in _DENIED:
            return
        raise
    if not page.get("Contents"):
        raise JobError(f"s3://{bucket}/{prefix} holds no objects: name the folder of the cells.")


def find_job(name: str, sagemaker: SageMakerClient) -> EarlierJob:
    """Look up a job that this command started before.

    Raises:
        JobError: there is no such job here, or it is another program's.
    """
    try:
        job = sagemaker.describe_training_job(TrainingJobName=name)
    except ClientError as error:
        # A job that does not exist is reported as ValidationException by SageMaker, as ResourceNotFound elsewhere.
        if error.response["Error"]["Code"] in ("ValidationException", "ResourceNotFound", "ResourceNotFoundException"):
            raise JobError(f"--resume {name}: there is no such job in this account and region.") from error
        raise
    parameters = job.get("HyperParameters", {})
    checkpoints = job.get("CheckpointConfig", {}).get("S3Uri", "")
    if not checkpoints or parameters.get("sagemaker_program") != json.dumps(PROGRAM):
        raise JobError(f"--resume {name}: this job was not started by `cellflag train sagemaker`.")
    hyperparameters = {key: json.loads(value) for key, value in parameters.items() if not key.startswith("sagemaker_")}
    status = job["TrainingJobStatus"]
    return EarlierJob(name, status == "Completed", status in OVER, hyperparameters, checkpoints)
