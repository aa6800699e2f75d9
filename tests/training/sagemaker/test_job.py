import io
import json
import tarfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner
from moto import mock_aws
from moto.sagemaker.models import sagemaker_backends

from training.__main__ import main
from training.errors import JobError
from training.sagemaker.following import LOG_GROUP, bring_back, follow
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
)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        bucket = {"LocationConstraint": "eu-west-1"}
        for name in ("out", "cells"):
            boto3.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=bucket)  # type: ignore[arg-type]
        boto3.client("s3").put_object(Bucket="cells", Key="c-nmc/a.png", Body=b"")
        trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}]}
        boto3.client("iam").create_role(RoleName="training", AssumeRolePolicyDocument=json.dumps(trust))
        yield


def archive(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


@pytest.mark.parametrize("cells", ["s3://cells/c-nmc", "s3://cells/c-nmc/"])
def test_a_prefix_does_not_take_along_another_that_begins_alike(cells: str) -> None:
    (channel,) = request(replace(JOB, cells=cells), "s3://out/source.tar.gz")["InputDataConfig"]
    assert channel["DataSource"]["S3DataSource"]["S3Uri"] == "s3://cells/c-nmc/"


@pytest.mark.parametrize(
    ("instance_type", "on_volume"),
    [("ml.c7i.2xlarge", True), ("ml.p3.2xlarge", True), ("ml.g5.xlarge", False), ("ml.g4dn.xlarge", False)],
)
def test_a_key_and_a_vpc_are_asked_for(instance_type: str, on_volume: bool) -> None:
    job = replace(JOB, kms_key="alias/k", subnets=("subnet-1",), security_groups=("sg-1",), instance_type=instance_type)
    asked = request(job, "s3://out/source.tar.gz")
    assert asked["OutputDataConfig"]["KmsKeyId"] == "alias/k"
    assert ("VolumeKmsKeyId" in asked["ResourceConfig"]) is on_volume
    assert asked["VpcConfig"] == {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    assert not {"VpcConfig", "KmsKeyId"} & {*(plain := request(JOB, "s3://x/y")), *plain["OutputDataConfig"]}


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
        reason: dict[str, Any] = (
            {"FailureReason": "AlgorithmError: ExecuteUserScriptError\nmore"} if status == "Failed" else {}
        )
        limits = {"MaxRuntimeInSeconds": 7200, "MaxWaitTimeInSeconds": 14400}
        reason |= {"StoppingCondition": limits}
        return {
            "TrainingJobStatus": status,
            "SecondaryStatus": secondary,
            "ModelArtifacts": artifacts,
            **limits,
            **reason,
        }


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


@pytest.mark.parametrize(
    ("secondary", "message"),
    [
        (
            "MaxRuntimeExceeded",
            r"ran for its limit of 2 hours: raise --hours. Go on .* with: --resume",
        ),
        ("MaxWaitTimeExceeded", "too little spot capacity within 4 hours: raise --hours, or say --on-demand"),
    ],
)
def test_a_time_limit_is_named(secondary: str, message: str) -> None:
    job = FakeSageMaker(("Stopped", secondary))
    with pytest.raises(JobError, match=message):
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
        (("s3://cells", "--role", "training"), "--role training is no ARN of a role"),
        (("s3://cells", "--role", f"{ROLE}s"), "does not exist"),
        (("s3://cells", "--role", ROLE.replace("training", "lambda")), "cannot be assumed by SageMaker"),
        (("s3://cells/c-nmc/other",), "holds no objects"),
        (("s3://cells/c-nm",), "holds no objects"),
        (("s3://cells", "--resume", "absent"), "--resume absent: there is no such job"),
        (("s3://cells", "--resume", "x", "--epochs", "3"), "leave out --epochs"),
        (("s3://cells", "--subnet", "subnet-1"), "needs both --subnet and --security-group"),
    ],
)
def test_a_wrong_wish_is_answered_in_one_line(options: tuple[str, ...], message: str, tmp_path: Path) -> None:
    arguments = ["train", "sagemaker", "--role", ROLE, "--output", "s3://out", "--out", str(tmp_path / "new")]
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}]}
    boto3.client("iam").create_role(RoleName="lambda", AssumeRolePolicyDocument=json.dumps(trust))
    result = CliRunner().invoke(main, [*arguments, *options])
    assert result.exit_code != 0
    assert not boto3.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket="out")
    assert message in result.output
    assert "Traceback" not in result.output


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("status", "new_jobs"), [("Completed", 0), ("InProgress", 0), ("Stopping", 0), ("Failed", 1), ("Stopped", 1)]
)
def test_an_earlier_job_is_followed_or_fetched_and_a_new_one_continues_one_that_ended(
    status: str, new_jobs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, s3 = boto3.client("sagemaker", region_name="eu-west-1"), boto3.client("s3")
    first = replace(JOB, hyperparameters={"architecture": "2C1D", "epochs": 3})
    second = replace(first, name="cellflag-2", checkpoints="s3://out/runs/cellflag-1/checkpoints")
    for job in (first, second):
        start(job, jobs, s3)
    sagemaker_backends["123456789012"]["eu-west-1"].training_jobs["cellflag-2"].training_job_status = status
    followed: list[str] = []

    def note(name: str, *_: Any) -> str:
        followed.append(name)
        return "s3://out/model.tar.gz"

    s3.put_object(Bucket="out", Key="model.tar.gz", Body=archive(("run.json", b"{}")))
    monkeypatch.setattr("training.sagemaker.following.follow", note)
    arguments = ["train", "sagemaker", "s3://cells/c-nmc", "--role", ROLE, "--output", "s3://out/elsewhere"]
    result = CliRunner().invoke(main, [*arguments, "--out", str(tmp_path / "new"), "--resume", "cellflag-2"])
    assert result.exit_code == 0, result.output
    names = [job["TrainingJobName"] for job in jobs.list_training_jobs()["TrainingJobSummaries"]]
    assert len(names) == 2 + new_jobs
    (name,) = set(names) - {"cellflag-1", "cellflag-2"} or {"cellflag-2"}
    assert followed == [name]
    described = jobs.describe_training_job(TrainingJobName=name)
    assert described["CheckpointConfig"]["S3Uri"] == "s3://out/runs/cellflag-1/checkpoints"
    assert described["HyperParameters"]["epochs"] == "3"
    assert (tmp_path / "new/run.json").exists()
