"""The queue of uploaded images, and the function that scores them."""

from typing import Any, cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
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
from infra.stack.encryption import let_decrypt, let_use
from infra.stack.nag import acknowledge, acknowledge_resources
from infra.stack.storage import Storage
from infra.stack.trust import for_this_account, of_this_account
from lambda_fn.keys import DELETED_BY_THE_FUNCTION, LABELS, WRITTEN_BY_THE_FUNCTION
from lambda_fn.manifest import Manifest
from lambda_fn.settings import (
    AUDIT_SALT,
    AUDIT_SHARE,
    ERROR_RATE_VARIABLES,
    EXPLAIN,
    RESULTS_BUCKET,
    REVIEW_EVERYTHING,
    SERVICE_NAME,
    THRESHOLDS,
    UM_PER_PX,
)

# A message that failed this many times goes to the dead-letter queue.
TRIES = 5

# The visibility timeout of the queue, in timeouts of the function. To these comes the batch window, because a message
# waits in it after it was received:
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
# A message is then not received again while its batch still fills, runs or is throttled.
_VISIBILITY_TIMEOUTS = 6


def visibility_seconds(configuration: Configuration) -> int:
    """The queue's visibility timeout in seconds, as AWS recommends."""
    return _VISIBILITY_TIMEOUTS * configuration.timeout_seconds + configuration.batch_window_seconds


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
        key = storage.messages_key
        self.dead_letters = _queue(self, "DeadLetters", key, retention_period=Duration.days(14))
        self.queue = _queue(
            self,
            "Queue",
            key,
            visibility_timeout=Duration.seconds(visibility_seconds(configuration)),
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
        # A deletion may make an older version current again, or leave none; the result has to follow. The deletion of a
        # delete marker, which restores an image, is an event of OBJECT_REMOVED too:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
        for event in (s3.EventType.OBJECT_CREATED, s3.EventType.OBJECT_REMOVED, s3.EventType.LIFECYCLE_EXPIRATION):
            storage.images.add_event_notification(event, notifications.SqsDestination(self.queue), *filters)
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
            role=_role(self, configuration, storage, log_group),
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            # Logs cost more than computing does, so the platform's START, END and REPORT lines are left out.
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            environment=_environment(configuration, storage.results.bucket_name, Stack.of(self)),
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if configuration.snap_start else None,
            current_version_options=lambda_.VersionOptions(
                # A version that a failed deployment made goes with it. If it stayed, the next try would fail with
                # "A version for this Lambda function exists".
                removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
                description=_version_description(Manifest.read()),
            ),
        )
        _acknowledge(function)
        return function


def _version_description(model: Manifest) -> str:
    """The description of a version of the function: its model, in at most 256 characters, which is Lambda's limit."""
    return f"{model.version}, sha256 {model.sha256}"[:256]


def _queue(scope: Construct, construct_id: str, key: kms.IKey | None, **properties: Any) -> sqs.Queue:  # noqa: ANN401 - sqs.Queue takes them
    """A queue under ``key``, or under SQS's own keys; messages hold the keys of images, which may hold names."""
    encryption = sqs.QueueEncryption.KMS if key else sqs.QueueEncryption.SQS_MANAGED
    return sqs.Queue(
        scope, construct_id, encryption=encryption, encryption_master_key=key, enforce_ssl=True, **properties
    )


def _environment(configuration: Configuration, results: str, stack: Stack) -> dict[str, str]:
    """The function's environment variables. A setting without a value is left out; then the manifest decides."""
    choices = {
        REVIEW_EVERYTHING: "true" if configuration.review_everything else None,
        UM_PER_PX: configuration.um_per_px,
        THRESHOLDS: configuration.own_thresholds.to_json() if configuration.own_thresholds else None,
        **{variable: configuration.own_rates.get(rate) for rate, variable in ERROR_RATE_VARIABLES.items()},
    }
    # The service is a dimension of every metric, which separates the deployments of an account.
    fixed = {RESULTS_BUCKET: results, SERVICE_NAME: stack.stack_name, EXPLAIN: configuration.explain}
    if configuration.audit_share:
        # The identity that CloudFormation gives to a stack ends in a random number, which stays as long as the stack.
        fixed |= {AUDIT_SHARE: str(configuration.audit_share), AUDIT_SALT: stack.stack_id}
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


def _role(scope: Construct, configuration: Configuration, storage: Storage, log_group: logs.ILogGroup) -> iam.Role:
    """A role that may read images, and write results and its own log; the event source adds reading the queue."""
    role = iam.Role(scope, "Role", assumed_by=for_this_account(scope, "lambda.amazonaws.com"))
    images, results, account = storage.images, storage.results, of_this_account(scope)
    image_objects = images.arn_for_objects(f"{configuration.images_prefix or ''}*")
    result_objects = [results.arn_for_objects(f"{prefix}*") for prefix in WRITTEN_BY_THE_FUNCTION]
    labels = results.arn_for_objects(f"{LABELS}*")
    removable = [results.arn_for_objects(f"{prefix}*") for prefix in DELETED_BY_THE_FUNCTION]
    for sid, actions, resources in (
        ("ReadImages", ["s3:GetObject", "s3:GetObjectVersion"], [image_objects]),
        ("WriteResults", ["s3:GetObject", "s3:PutObject"], result_objects),
        # A cell that a person labelled is not flagged again.
        ("ReadLabels", ["s3:GetObject"], [labels]),
        # A flag goes if nobody need look, and a result if its image is gone. The ledger is never shortened.
        ("WithdrawResults", ["s3:DeleteObject"], removable),
        # Without this right S3 answers 403 for a missing key. A deleted image, or a missing result, would look like a
        # missing permission.
        ("TellMissingFromForbidden", ["s3:ListBucket"], [images.bucket_arn, results.bucket_arn]),
    ):
        role.add_to_policy(iam.PolicyStatement(sid=sid, actions=actions, resources=resources, conditions=account))
    own_log = ["logs:CreateLogStream", "logs:PutLogEvents"]
    role.add_to_policy(iam.PolicyStatement(sid="WriteOwnLog", actions=own_log, resources=[log_group.log_group_arn]))
    let_use(role, images.encryption_key, "DecryptImages", write=False)
    let_use(role, results.encryption_key, "EncryptResults")
    let_decrypt(role, configuration.former_kms_keys)
    reason = "The role needs every image of one bucket, and every result and label below four prefixes of the other."
    acknowledge_resources(role, [image_objects, *result_objects, labels], reason)
    return role
