"""A deployed stack, on AWS or on the local cloud: its outputs, and clients of its services."""

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

# Most requests to S3 at the same time. Requests wait for the network, so even one processor can serve this many.
PARALLEL_READS: Final = 32
# Attempts for each request, the first included.
_ATTEMPTS = 8


@dataclass(frozen=True)
class DeployedStack:
    """A deployed stack.

    Attributes:
        name: name of the CloudFormation stack.
        outputs: the stack's outputs by name.
        session: a session with the user's credentials, or with those of the local cloud.
        endpoint: URL of the local cloud; None for AWS.
    """

    name: str
    outputs: dict[str, str]
    session: "Session"
    endpoint: str | None = None

    def output(self, name: str) -> str:
        """The value of an output.

        Raises:
            InfraError: the stack was deployed by a version without this output.
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
