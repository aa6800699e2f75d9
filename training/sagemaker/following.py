"""Follows a SageMaker training job by its log, and brings its model back."""

from __future__ import annotations

import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from training.errors import JobError

if TYPE_CHECKING:
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_logs.type_defs import GetLogEventsRequestTypeDef
    from types_boto3_s3 import S3Client
    from types_boto3_sagemaker import SageMakerClient
    from types_boto3_sagemaker.type_defs import DescribeTrainingJobResponseTypeDef

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
# States in which a job is over.
OVER = ("Completed", "Failed", "Stopped")
# Seconds between two requests for state and log.
PAUSE_S = 10.0


def follow(
    name: str,
    sagemaker: SageMakerClient,
    logs: CloudWatchLogsClient,
    say: Callable[[str], None],
    pause: Callable[[], None] = lambda: time.sleep(PAUSE_S),
) -> str:
    """Pass on the log of a job until the job is over.

    Args:
        name: of the job.
        sagemaker: client of SageMaker.
        logs: client of CloudWatch Logs.
        say: called with each line of the log, and with each new state of the job.
        pause: called between two requests for state and log.

    Returns:
        S3 address of the job's ``model.tar.gz``.

    Raises:
        JobError: it failed or was stopped.
    """
    read: dict[str, str] = {}
    state = ""
    while True:
        # The state is read before the log, so that no line of a finished job is missed.
        job = sagemaker.describe_training_job(TrainingJobName=name)
        if job["SecondaryStatus"] != state:
            state = job["SecondaryStatus"]
            say(f"[{state}]")
        for line in _new_lines(name, logs, read):
            say(line)
        if job["TrainingJobStatus"] in OVER:
            break
        pause()
    if job["TrainingJobStatus"] != "Completed":
        raise JobError(f"The job {name} {_why_without_model(job)} Go on from its checkpoints with: --resume {name}")
    return job["ModelArtifacts"]["S3ModelArtifacts"]


def _why_without_model(job: DescribeTrainingJobResponseTypeDef) -> str:
    """The end of a sentence: why a job is over without a model.

    The secondary status names a time limit; the job's status is then just "Stopped" (DescribeTrainingJob in the API
    reference of SageMaker).
    """
    limits = job.get("StoppingCondition", {})
    if job["SecondaryStatus"] == "MaxRuntimeExceeded":
        return f"ran for its limit of {limits.get('MaxRuntimeInSeconds', 0) / 3600:g} hours: raise --hours."
    if job["SecondaryStatus"] == "MaxWaitTimeExceeded":
        hours = limits.get("MaxWaitTimeInSeconds", 0) / 3600
        return f"got too little spot capacity within {hours:g} hours: raise --hours, or say --on-demand."
    reason = job.get("FailureReason", "").strip() or "no reason given"
    return f"is {job['TrainingJobStatus'].lower()}: {reason.splitlines()[0]}."


def _new_lines(name: str, logs: CloudWatchLogsClient, read: dict[str, str]) -> list[str]:
    """New lines of a job's log streams, one stream an instance; updates the token in ``read`` of each stream."""
    lines = []
    try:
        streams = logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{name}/")["logStreams"]
    except logs.exceptions.ResourceNotFoundException:
        return []  # the log group appears with the first line of an account's first job
    for stream in streams:
        of_stream = stream["logStreamName"]
        request: GetLogEventsRequestTypeDef = {
            "logGroupName": LOG_GROUP,
            "logStreamName": of_stream,
            "startFromHead": True,
        }
        while True:
            if of_stream in read:
                request["nextToken"] = read[of_stream]
            page = logs.get_log_events(**request)
            lines += [event["message"] for event in page["events"]]
            if read.get(of_stream) == page["nextForwardToken"]:
                break  # the end of a stream repeats its token
            read[of_stream] = page["nextForwardToken"]
    return lines


def bring_back(address: str, s3: S3Client, folder: Path) -> None:
    """Download a job's archive and unpack it into a new folder.

    Raises:
        JobError: it is no archive, or holds files that would land outside the folder.
    """
    bucket, _, key = address.removeprefix("s3://").partition("/")
    with tempfile.TemporaryFile() as file:
        s3.download_fileobj(bucket, key, file)
        file.seek(0)
        try:
            with tarfile.open(fileobj=file) as tar:
                folder.mkdir(parents=True, exist_ok=True)
                # This filter refuses devices, and paths and links that lead elsewhere (PEP 706).
                tar.extractall(folder, filter="data")
        except tarfile.TarError as error:
            raise JobError(f"{address} cannot be unpacked: {error}.") from error
