"""How a command finds the deployment that it is to look after: by stage on AWS, or on this machine's local cloud."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any

import boto3
import click
from botocore.config import Config
from botocore.exceptions import ClientError

from infra import names
from infra.local_cloud import homes, isolation
from infra.local_cloud.deployment import deployed
from infra.operate.aws_errors import as_aws_errors

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient
    from types_boto3_stepfunctions import SFNClient

PARALLEL_READS = 32
"""Requests to S3 at the same time: they wait for the network, one processor answers that many."""


@dataclass(frozen=True)
class DeployedStack:
    """A deployment that can be reached.

    Attributes:
        name: of the CloudFormation stack.
        outputs: the stack's outputs by name.
        session: with the user's credentials, or the local cloud's.
        endpoint: of the local cloud; None where boto3 finds it.
    """

    name: str
    outputs: dict[str, str]
    session: boto3.Session
    endpoint: str | None = None

    def output(self, name: str) -> str:
        """One output.

        Raises:
            click.ClickException: the stack was deployed by a version that did not have it.
        """
        if name not in self.outputs:
            raise click.ClickException(f"the stack {self.name} has no output {name}: deploy this version of it first.")
        return self.outputs[name]

    @property
    def images(self) -> str:
        """The name of the bucket of images."""
        return self.output(names.IMAGES_BUCKET_OUTPUT)

    @property
    def results(self) -> str:
        """The name of the bucket of results."""
        return self.output(names.RESULTS_BUCKET_OUTPUT)

    @cached_property
    def s3(self) -> "S3Client":
        """A client of S3 that many threads may use."""
        return self.session.client("s3", endpoint_url=self.endpoint, config=self._config())

    @cached_property
    def sqs(self) -> "SQSClient":
        """A client of SQS."""
        return self.session.client("sqs", endpoint_url=self.endpoint, config=self._config())

    @cached_property
    def stepfunctions(self) -> "SFNClient":
        """A client of Step Functions."""
        return self.session.client("stepfunctions", endpoint_url=self.endpoint, config=self._config())

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        """A client of CloudWatch Logs."""
        return self.session.client("logs", endpoint_url=self.endpoint, config=self._config())

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        """A client of CloudWatch."""
        return self.session.client("cloudwatch", endpoint_url=self.endpoint, config=self._config())

    @cached_property
    def functions(self) -> "LambdaClient":
        """A client of Lambda."""
        return self.session.client("lambda", endpoint_url=self.endpoint, config=self._config())

    def _config(self) -> Config:
        local = isolation.client_settings() if self.endpoint else {}
        return Config(max_pool_connections=PARALLEL_READS, retries={"mode": "adaptive", "max_attempts": 8}, **local)


def find_stack(stage: str, profile: str | None, region: str | None) -> DeployedStack:
    """The deployment of a stage, through the user's own settings for AWS.

    Raises:
        click.ClickException: there is none in this account and region.
        BotoCoreError, ClientError: AWS cannot be asked.
    """
    session = boto3.Session(profile_name=profile, region_name=region)
    name = names.stack_name(stage)
    try:
        (found,) = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" not in error.response["Error"].get("Message", ""):
            raise
        raise click.ClickException(
            f"there is no stack {name} in this account in {session.region_name}: deploy it with `cdk deploy`, "
            "or choose with --stage, --region and --profile; for the local cloud add --local."
        ) from error
    return DeployedStack(name, {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}, session)


def find_local_stack() -> DeployedStack:
    """The deployment on the local cloud that is kept up.

    Raises:
        click.UsageError: there is none.
    """
    deployment = deployed(homes.KEPT)
    if deployment is None:
        raise click.UsageError("the local cloud is not up: start it with `cellflag local up`")
    return DeployedStack(
        names.stack_name(names.LOCAL_STAGE), deployment.outputs, isolation.session(), deployment.endpoint
    )


def on_a_stack(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that choose a deployment, hand it over as `stack`, and tell errors in one line."""

    @click.option("--stage", default="production", show_default=True, help="Which deployment: stack cellflag-STAGE.")
    @click.option("--local", is_flag=True, help="The local cloud that `cellflag local up` started.")
    @click.option("--profile", help="Profile of your AWS settings.")
    @click.option("--region", help="AWS region.")
    @wraps(command)
    def with_stack(stage: str, local: bool, profile: str | None, region: str | None, **options: Any) -> Any:  # noqa: ANN401 - whatever the command takes
        context = click.get_current_context()
        source = context.get_parameter_source("stage")
        if local and (profile or region or source is click.core.ParameterSource.COMMANDLINE):
            raise click.UsageError("--local goes without --stage, --profile and --region")
        with as_aws_errors():
            stack = find_local_stack() if local else find_stack(stage, profile, region)
            return command(stack=stack, **options)

    return with_stack
