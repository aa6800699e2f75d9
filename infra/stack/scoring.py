"""The way from an uploaded image to the function: event, queue, batch."""

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

from infra.packaging.bundle import Bundle
from infra.settings.configuration import Configuration
from infra.stack.encryption import let_use
from infra.stack.nag import acknowledge, acknowledge_resources
from infra.stack.storage import Storage, of_this_account
from lambda_fn.keys import DELETED_BY_THE_FUNCTION, WRITTEN_BY_THE_FUNCTION
from lambda_fn.manifest import Manifest
from lambda_fn.settings import ERROR_RATE_VARIABLES, RESULTS_BUCKET, REVIEW_EVERYTHING, SERVICE_NAME

TRIES = 5
"""How often a message is received before it goes to the dead-letter queue."""

VISIBILITY_TIMEOUTS = 6
"""Visibility of a message in function timeouts: AWS's advice for queues that feed a function, so that a message is not
received again while its batch still runs or is throttled."""


class Scoring(Construct):
    """Queue, dead-letter queue, and the function that scores what the queue names.

    Every change of code, model or settings is a version of its own, which is kept; the alias `live` names the one that
    works. To go back, point it to an older one: `aws lambda update-alias --name live --function-version N`.
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
        """Score what comes into the storage's images with the bundle's code."""
        super().__init__(scope, construct_id)
        self.dead_letters = _queue(self, "DeadLetters", retention_period=Duration.days(14))
        self.queue = _queue(
            self,
            "Queue",
            visibility_timeout=Duration.seconds(VISIBILITY_TIMEOUTS * configuration.timeout_seconds),
            retention_period=Duration.days(4),
            dead_letter_queue=sqs.DeadLetterQueue(max_receive_count=TRIES, queue=self.dead_letters),
        )
        prefix, suffix = configuration.images_prefix, configuration.images_suffix
        filters = [s3.NotificationKeyFilter(prefix=prefix, suffix=suffix)] if prefix or suffix else []
        # A deletion may make an older version current again, or leave none; the result has to follow. The deletion of a
        # delete marker, which restores an image, is an event of OBJECT_REMOVED too:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
        for event in (s3.EventType.OBJECT_CREATED, s3.EventType.OBJECT_REMOVED, s3.EventType.LIFECYCLE_EXPIRATION):
            storage.images.add_event_notification(event, notifications.SqsDestination(self.queue), *filters)
        # The CDK lets in the bucket of this name, whoever may own it one day.
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

        log_group = logs.LogGroup(self, "Log", removal_policy=RemovalPolicy.DESTROY, encryption_key=storage.key)
        cast(logs.CfnLogGroup, log_group.node.default_child).retention_in_days = configuration.log_retention_days
        self.function = lambda_.Function(
            self,
            "Function",
            code=lambda_.Code.from_asset(str(bundle.code)),
            handler="lambda_fn.handler.handler",
            runtime=lambda_.Runtime(
                f"python{bundle.target.python}", lambda_.RuntimeFamily.PYTHON, supports_snap_start=True
            ),
            architecture=lambda_.Architecture.ARM_64
            if bundle.target.architecture == "arm64"
            else lambda_.Architecture.X86_64,
            memory_size=configuration.memory_mb,
            timeout=Duration.seconds(configuration.timeout_seconds),
            reserved_concurrent_executions=configuration.reserved_concurrency,
            role=_role(self, storage, log_group, prefix or ""),
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            # Logs cost more than the computing: the platform's own START, END and REPORT lines stay out.
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            environment=_environment(configuration, storage.results.bucket_name, Stack.of(self).stack_name),
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if configuration.snap_start else None,
            current_version_options=lambda_.VersionOptions(
                removal_policy=RemovalPolicy.RETAIN, description=_version_description(Manifest.read())
            ),
        )
        _acknowledge(self.function)
        self.live = lambda_.Alias(self, "Live", alias_name="live", version=self.function.current_version)
        self.live.add_event_source(
            event_sources.SqsEventSource(
                self.queue,
                batch_size=configuration.batch_size,
                max_batching_window=Duration.seconds(configuration.batch_window_seconds),
                max_concurrency=configuration.max_concurrency,
                report_batch_item_failures=True,
            )
        )


def _version_description(model: Manifest) -> str:
    """What a published version of the function says of its model; Lambda takes 256 characters."""
    return f"{model.version}, sha256 {model.sha256}"[:256]


def _queue(scope: Construct, construct_id: str, **properties: Any) -> sqs.Queue:  # noqa: ANN401 - sqs.Queue takes them
    return sqs.Queue(scope, construct_id, encryption=sqs.QueueEncryption.SQS_MANAGED, enforce_ssl=True, **properties)


def _environment(configuration: Configuration, results: str, service: str) -> dict[str, str]:
    """What the function is told; a choice that was not made is not there, and the model's manifest decides."""
    chosen = {
        REVIEW_EVERYTHING: "true" if configuration.review_everything else None,
        **{variable: configuration.own_rates.get(rate) for rate, variable in ERROR_RATE_VARIABLES.items()},
    }
    # The service is a dimension of every metric: it tells several deployments in one account apart.
    fixed = {RESULTS_BUCKET: results, SERVICE_NAME: service}
    return fixed | {name: str(value) for name, value in chosen.items() if value is not None}


def _acknowledge(function: lambda_.Function) -> None:
    acknowledge(function, "L1", "The newest Python that the model's libraries are tested on here.")
    for rule, reason in {
        "LambdaConcurrency": "The queue's and the backfill's greatest concurrency bound it; reserved_concurrency adds "
        "a limit where the account's own allows.",
        "LambdaDLQ": "Its failures go back to the queue, which has a dead-letter queue.",
        "LambdaInsideVPC": "It speaks with S3 alone, over TLS; a VPC would give it a network that it does not need.",
    }.items():
        acknowledge(function, rule, reason, pack="HIPAA.Security")


def _role(scope: Construct, storage: Storage, log_group: logs.ILogGroup, images_prefix: str) -> iam.Role:
    """Of a function that reads images, and writes results and its own log; its event source adds reading the queue."""
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
            actions=["s3:GetObject", "s3:PutObject"],
            resources=result_objects,
            conditions=of_this_account(scope),
        ),
        # Of the result of a deleted image, and of a flag. The bucket's older versions stay: that is another right.
        iam.PolicyStatement(
            sid="WithdrawResults",
            actions=["s3:DeleteObject"],
            resources=[results.arn_for_objects(f"{prefix}*") for prefix in DELETED_BY_THE_FUNCTION],
            conditions=of_this_account(scope),
        ),
        # Without it S3 answers 403 for a key that is not there: an image that was deleted meanwhile, or a first result,
        # could not be told from a missing permission.
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
    reason = "Any image of the one bucket, any result below three prefixes of the other."
    acknowledge_resources(role, [image_objects, *result_objects], reason)
    return role
