"""The queue of uploaded images, and the function that scores them."""

from typing import Any, cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import names
from infra.packaging.bundle import Bundle
from infra.settings.configuration import Configuration
from infra.stack.encryption import let_use
from infra.stack.nag import acknowledge, acknowledge_resources
from infra.stack.storage import Storage, of_this_account
from lambda_fn.keys import WRITTEN_BY_THE_FUNCTION
from lambda_fn.manifest import Manifest
from lambda_fn.settings import ERROR_RATE_VARIABLES, RESULTS_BUCKET, REVIEW_EVERYTHING, SERVICE_NAME

# A message that failed this many times goes to the dead-letter queue.
TRIES = 5

# The visibility timeout of the queue, in timeouts of the function, as AWS recommends. A message is then not received
# again while its batch still runs or is throttled.
VISIBILITY_TIMEOUTS = 6


class Scoring(Construct):
    """The queue, its dead-letter queue, and the function.

    Every change of code, model or settings makes a new version of the function, and old versions stay. The alias
    ``live`` names the version in service. To go back to an older one, run
    ``aws lambda update-alias --name live --function-version N``.

    Attributes:
        queue: messages about new images.
        dead_letters: messages that failed too often.
        function: the function.
        live: the alias that queue and backfill call.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        configuration: Configuration,
        storage: Storage,
        bundle: Bundle,
    ) -> None:
        """Score images that are uploaded to ``storage`` with the code of ``bundle``."""
        super().__init__(scope, construct_id)
        self.dead_letters = _queue(self, "DeadLetters", retention_period=Duration.days(14))
        self.queue = _queue(
            self,
            "Queue",
            visibility_timeout=Duration.seconds(VISIBILITY_TIMEOUTS * configuration.timeout_seconds),
            retention_period=Duration.days(4),
            dead_letter_queue=sqs.DeadLetterQueue(max_receive_count=TRIES, queue=self.dead_letters),
        )
        self._announce_images(configuration, storage)
        self.function = self._function(configuration, storage, bundle)
        self.live = lambda_.Alias(self, "Live", alias_name=names.LIVE_ALIAS, version=self.function.current_version)
        self.live.add_event_source(
            event_sources.SqsEventSource(
                self.queue,
                batch_size=configuration.batch_size,
                max_batching_window=Duration.seconds(configuration.batch_window_seconds),
                max_concurrency=configuration.max_concurrency,
                report_batch_item_failures=True,
            )
        )

    def _announce_images(self, configuration: Configuration, storage: Storage) -> None:
        """Let the bucket of images send its events to the queue, and no bucket of another account."""
        prefix, suffix = configuration.images_prefix, configuration.images_suffix
        filters = [s3.NotificationKeyFilter(prefix=prefix, suffix=suffix)] if prefix or suffix else []
        storage.images.add_event_notification(
            s3.EventType.OBJECT_CREATED, notifications.SqsDestination(self.queue), *filters
        )
        # The CDK allows the bucket by its name, which another account could own one day.
        self.queue.add_to_resource_policy(
            iam.PolicyStatement(
                sid="RefuseBucketsOfOthers",
                effect=iam.Effect.DENY,
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.queue.queue_arn],
                conditions={"StringNotEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )

    def _function(self, configuration: Configuration, storage: Storage, bundle: Bundle) -> lambda_.Function:
        """The function, with a log of its own."""
        log_group = logs.LogGroup(self, "Log", removal_policy=RemovalPolicy.DESTROY, encryption_key=storage.key)
        cast(logs.CfnLogGroup, log_group.node.default_child).retention_in_days = configuration.log_retention_days
        python, arm64 = f"python{bundle.target.python}", bundle.target.architecture == "arm64"
        function = lambda_.Function(
            self,
            "Function",
            code=lambda_.Code.from_asset(str(bundle.code)),
            handler="lambda_fn.handler.handler",
            runtime=lambda_.Runtime(python, lambda_.RuntimeFamily.PYTHON, supports_snap_start=True),
            architecture=lambda_.Architecture.ARM_64 if arm64 else lambda_.Architecture.X86_64,
            memory_size=configuration.memory_mb,
            timeout=Duration.seconds(configuration.timeout_seconds),
            reserved_concurrent_executions=configuration.reserved_concurrency,
            role=_role(self, storage, log_group, configuration.images_prefix or ""),
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            # Logs cost more than computing does, so the platform's START, END and REPORT lines are left out.
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            environment=_environment(configuration, storage.results.bucket_name, Stack.of(self).stack_name),
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if configuration.snap_start else None,
            current_version_options=lambda_.VersionOptions(
                removal_policy=RemovalPolicy.RETAIN, description=_version_description(Manifest.read())
            ),
        )
        _acknowledge(function)
        return function


def _version_description(model: Manifest) -> str:
    """The description of a version of the function: its model, in at most 256 characters, which is Lambda's limit."""
    return f"{model.version}, sha256 {model.sha256}"[:256]


def _queue(scope: Construct, construct_id: str, **properties: Any) -> sqs.Queue:  # noqa: ANN401 - sqs.Queue takes them
    return sqs.Queue(scope, construct_id, encryption=sqs.QueueEncryption.SQS_MANAGED, enforce_ssl=True, **properties)


def _environment(configuration: Configuration, results: str, service: str) -> dict[str, str]:
    """The function's environment variables. A setting without a value is left out; then the manifest decides."""
    choices = {
        REVIEW_EVERYTHING: "true" if configuration.review_everything else None,
        **{variable: configuration.own_rates.get(rate) for rate, variable in ERROR_RATE_VARIABLES.items()},
    }
    # The service is a dimension of every metric, which separates the deployments of an account.
    fixed = {RESULTS_BUCKET: results, SERVICE_NAME: service}
    return fixed | {name: str(value) for name, value in choices.items() if value is not None}


def _acknowledge(function: lambda_.Function) -> None:
    acknowledge(function, "L1", "It is the newest Python that the model's libraries are tested on.")
    for rule, reason in {
        "LambdaConcurrency": "max_concurrency and backfill_concurrency limit it; reserved_concurrency adds a limit if "
        "the account's quota allows.",
        "LambdaDLQ": "Failed messages go back to the queue, which has a dead-letter queue.",
        "LambdaInsideVPC": "It calls S3 alone, over TLS; a VPC would add a network that it does not need.",
    }.items():
        acknowledge(function, rule, reason, pack="HIPAA.Security")


def _role(scope: Construct, storage: Storage, log_group: logs.ILogGroup, images_prefix: str) -> iam.Role:
    """A role that may read images, and write results and its own log; the event source adds reading the queue."""
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    images, results = storage.images, storage.results
    image_objects = images.arn_for_objects(f"{images_prefix}*")
    result_objects = [results.arn_for_objects(f"{prefix}*") for prefix in WRITTEN_BY_THE_FUNCTION]
    for statement in (
        iam.PolicyStatement(
            sid="ReadImages",
            actions=["s3:GetObject", "s3:GetObjectVersion"],
            resources=[image_objects],
            conditions=of_this_account(scope),
        ),
        iam.PolicyStatement(
            sid="WriteResults",
            actions=["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            resources=result_objects,
            conditions=of_this_account(scope),
        ),
        # Without this right S3 answers 403 for a missing key. A deleted image, or a missing result, would look like a
        # missing permission.
        iam.PolicyStatement(
            sid="TellMissingFromForbidden",
            actions=["s3:ListBucket"],
            resources=[images.bucket_arn, results.bucket_arn],
            conditions=of_this_account(scope),
        ),
        iam.PolicyStatement(
            sid="WriteOwnLog",
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[log_group.log_group_arn],
        ),
    ):
        role.add_to_policy(statement)
    let_use(role, images.encryption_key, "DecryptImages", write=False)
    let_use(role, results.encryption_key, "EncryptResults")
    reason = "The role needs every image of one bucket, and every result below three prefixes of the other."
    acknowledge_resources(role, [image_objects, *result_objects], reason)
    return role
