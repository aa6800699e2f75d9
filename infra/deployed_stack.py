"""A deployed stack as commands reach it: its outputs and clients, on AWS and on the local cloud alike."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from infra import names
from infra.errors import InfraError

if TYPE_CHECKING:
    from boto3 import Session
    from botocore.config import Config
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient
    from types_boto3_stepfunctions import SFNClient

# Requests to S3 at the same time. They wait for the network, so one processor is enough for that many answers.
PARALLEL_READS: Final = 32
_ATTEMPTS = 8


@dataclass(frozen=True)
class DeployedStack:
    """A deployment that can be reached.

    Attributes:
        name: of the CloudFormation stack.
        outputs: the stack's outputs by name.
        session: with the user's credentials, or the local cloud's.
        endpoint: URL of the local cloud; None for AWS, whose endpoints boto3 finds.
    """

    name: str
    outputs: dict[str, str]
    session: "Session"
    endpoint: str | None = None

    def output(self, name: str) -> str:
        """One output.

        Raises:
            InfraError: the version that was deployed does not have it.
        """
        if name not in self.outputs:
            raise InfraError(f"the stack {self.name} has no output {name}: deploy this version of it first.")
        return self.outputs[name]

    @property
    def images(self) -> str:
        """Name of the bucket of images."""
        return self.output(names.IMAGES_BUCKET_OUTPUT)

    @property
    def results(self) -> str:
        """Name of the bucket of results."""
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

    def _config(self) -> "Config":
        from botocore.config import Config

        return Config(max_pool_connections=PARALLEL_READS, retries={"mode": "adaptive", "max_attempts": _ATTEMPTS})
