import io
import json
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner
from moto import mock_aws

from training.__main__ import main
from training.sagemaker.container_image import training_image
from training.sagemaker.following import LOG_GROUP, JobError, bring_back, follow
from training.sagemaker.job import Job, request, start

ROLE = "arn:aws:iam::123456789012:role/training"
JOB = Job(
    name="cellflag-1",
    region="eu-west-1",
    cells="s3://cells/c-nmc",
    output="s3://out/runs/",
    role=ROLE,
    hyperparameters={"epochs": 3, "int8": True},
    instance_type="ml.c7i.2xlarge",
    hours=2,
    spot=True,
    checkpoints_of="cellflag-1",
)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        bucket = {"LocationConstraint": "eu-west-1"}
        boto3.client("s3").create_bucket(Bucket="out", CreateBucketConfiguration=bucket)  # type: ignore[arg-type]
        yield


def archive(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


@pytest.mark.parametrize(
    ("region", "instance_type", "image"),
    [
        (
            "us-east-1",
            "ml.c7i.2xlarge",
            "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.21.0-cpu-py312",
        ),
        (
            "eu-south-1",
            "ml.g5.xlarge",
            "692866216735.dkr.ecr.eu-south-1.amazonaws.com/tensorflow-training:2.21.0-gpu-py312",
        ),
        (
            "cn-north-1",
            "ml.m5.large",
            "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/tensorflow-training:2.21.0-cpu-py312",
        ),
    ],
)
def test_each_region_has_its_registry(region: str, instance_type: str, image: str) -> None:
    assert training_image(region, instance_type) == image


def test_a_job_runs_on_spare_capacity_and_keeps_checkpoints() -> None:
    asked = request(JOB, "s3://out/source.tar.gz")
    assert asked["EnableManagedSpotTraining"] is True
    assert asked["StoppingCondition"] == {"MaxRuntimeInSeconds": 7200, "MaxWaitTimeInSeconds": 14400}
    assert asked["CheckpointConfig"] == {
        "S3Uri": "s3://out/runs/cellflag-1/checkpoints",
        "LocalPath": "/opt/ml/checkpoints",
    }
    parameters = {name: json.loads(value) for name, value in asked["HyperParameters"].items()}
    assert parameters == {
        "epochs": 3,
        "int8": True,
        "sagemaker_program": "entry.py",
        "sagemaker_submit_directory": "s3://out/source.tar.gz",
        "sagemaker_region": "eu-west-1",
    }


@pytest.mark.usefixtures("aws")
def test_one_command_starts_a_job_follows_its_log_and_brings_the_model_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3, logs = boto3.client("s3"), boto3.client("logs")

    def finish(job: Job, *clients: Any) -> None:
        start(job, *clients)
        logs.create_log_group(logGroupName=LOG_GROUP)
        logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=f"{job.name}/algo-1-1")
        events = [{"timestamp": int(time.time() * 1000) + n, "message": f"epoch {n}"} for n in range(3)]
        logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=f"{job.name}/algo-1-1", logEvents=events)  # type: ignore[arg-type]
        described = clients[0].describe_training_job(TrainingJobName=job.name)
        key = described["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://out/")
        s3.put_object(Bucket="out", Key=key, Body=archive(("model/model.json", b"{}"), ("run.json", b"{}")))

    monkeypatch.setattr("training.sagemaker.job.start", finish)
    out = tmp_path / "brought"
    arguments = ["train", "sagemaker", "s3://cells/c-nmc", "--role", ROLE, "--output", "s3://out", "--out", str(out)]
    result = CliRunner().invoke(main, [*arguments, "--architecture", "2C1D", "--epochs", "2"])
    assert result.exit_code == 0, result.output
    for line in ("[Completed]", "epoch 0", "epoch 1", "epoch 2", f"train promote {out}"):
        assert line in result.output
    assert (out / "model/model.json").read_bytes() == b"{}"

    (name,) = [job["TrainingJobName"] for job in boto3.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]]
    assert name.startswith("cellflag-2C1D-")
    described = boto3.client("sagemaker").describe_training_job(TrainingJobName=name)
    assert json.loads(described["HyperParameters"]["architecture"]) == "2C1D"
    source = s3.get_object(Bucket="out", Key=f"{name}/source.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(source)) as tar:
        assert {"entry.py", "requirements.txt", "training/fitting/network.py", "lambda_fn/cells.py"} <= set(
            tar.getnames()
        )


class FakeLogs:
    """CloudWatch Logs whose stream grows between two looks; its last token is given again, as AWS does."""

    class exceptions:  # noqa: N801
        class ResourceNotFoundException(Exception):  # noqa: N818
            pass

    def __init__(self) -> None:
        self.lines: list[str] | None = None

    def describe_log_streams(self, **_: str) -> dict[str, Any]:
        if self.lines is None:
            raise self.exceptions.ResourceNotFoundException
        return {"logStreams": [{"logStreamName": "cellflag-1/algo-1"}]}

    def get_log_events(self, *, nextToken: str = "0", **_: Any) -> dict[str, Any]:  # noqa: N803
        assert self.lines is not None
        page = self.lines[int(nextToken) :][:2]
        return {"events": [{"message": line} for line in page], "nextForwardToken": str(int(nextToken) + len(page))}


class FakeSageMaker:
    def __init__(self, *states: tuple[str, str]) -> None:
        self._states = list(states)

    def describe_training_job(self, **_: str) -> dict[str, Any]:
        status, secondary = self._states.pop(0)
        artifacts = {"S3ModelArtifacts": "s3://out/model.tar.gz"}
        reason = {"FailureReason": "AlgorithmError: ExecuteUserScriptError\nmore"} if status == "Failed" else {}
        return {"TrainingJobStatus": status, "SecondaryStatus": secondary, "ModelArtifacts": artifacts, **reason}


def test_the_log_is_followed_line_by_line_while_it_grows() -> None:
    logs, said = FakeLogs(), list[str]()
    grows = iter([["a"], ["a", "b", "c", "d", "e"], ["a", "b", "c", "d", "e", "f"]])

    def pause() -> None:
        logs.lines = next(grows)

    job = FakeSageMaker(
        ("InProgress", "Starting"), ("InProgress", "Training"), ("InProgress", "Training"), ("Completed", "Completed")
    )
    address = follow("cellflag-1", job, logs, said.append, pause)  # type: ignore[arg-type]
    assert address == "s3://out/model.tar.gz"
    assert said == ["[Starting]", "[Training]", "a", "b", "c", "d", "e", "[Completed]", "f"]


@pytest.mark.parametrize(("status", "reason"), [("Failed", "AlgorithmError: ExecuteUser"), ("Stopped", "no reason")])
def test_a_job_that_brings_no_model_says_why(status: str, reason: str) -> None:
    job = FakeSageMaker((status, status))
    with pytest.raises(JobError, match=f"is {status.lower()}: {reason}"):
        follow("cellflag-1", job, FakeLogs(), lambda line: None)  # type: ignore[arg-type]


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    "content", [b"no archive", archive(("../outside", b"x")), archive(("/tmp/cellflag-outside", b"x"), ("../y", b""))]
)
def test_an_archive_that_reaches_outside_is_refused(content: bytes, tmp_path: Path) -> None:
    s3 = boto3.client("s3")
    s3.put_object(Bucket="out", Key="model.tar.gz", Body=content)
    with pytest.raises(JobError, match="cannot be unpacked"):
        bring_back("s3://out/model.tar.gz", s3, tmp_path / "in")
    assert not (tmp_path / "outside").exists()


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("cells",), "cells is no S3 address"),
        (("s3://cells", "--architecture", "9C9D"), "9C9D is no architecture"),
        (("s3://cells", "--output", "s3://absent"), "AWS: "),
    ],
)
def test_a_wrong_wish_is_answered_in_one_line(options: tuple[str, ...], message: str, tmp_path: Path) -> None:
    arguments = ["train", "sagemaker", "--role", ROLE, "--output", "s3://out", "--out", str(tmp_path / "new")]
    result = CliRunner().invoke(main, [*arguments, *options])
    assert result.exit_code != 0
    assert message in result.output
    assert "Traceback" not in result.output
