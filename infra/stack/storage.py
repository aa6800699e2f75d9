"""The buckets of images and of results. They are two, so that a result can never start the function again."""

from hashlib import sha256
from typing import Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.settings.configuration import Configuration
from infra.stack.encryption import encryption_key
from infra.stack.nag import acknowledge
from lambda_fn.keys import BACKFILLS, QUERIES, REVIEW, WRITTEN_BY_THE_FUNCTION

# Days after which S3 deletes review flags that were removed, the output of queries, and the records of backfills.
_REMOVED_FLAG_DAYS = 30
_QUERY_DAYS = 30
_BACKFILL_DAYS = 90
# Six years, for which HIPAA demands documentation (45 CFR 164.316(b)(2)(i)).
_ACCESS_LOG_DAYS = 2192


class Storage(Construct):
    """The bucket of images and the bucket of results, each new or existing.

    Both outlive the stack with their policies: ``cdk destroy`` never deletes an image or a result, and leaves no bucket
    open to requests without TLS. Only a first deployment that fails removes what it made.

    Attributes:
        key: the KMS key of the buckets made here; None for S3's own keys.
        messages_key: the same key for queues and state machine, which ``hipaa`` demands; None for AWS's own keys.
        images: the bucket of images.
        results: the bucket of results.
    """

    def __init__(self, scope: Construct, construct_id: str, *, configuration: Configuration) -> None:
        """Make the buckets, except for those that the settings name."""
        super().__init__(scope, construct_id)
        # Access logs are delivered by bucket policy, because access control lists are off.
        self.node.set_context("@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy", True)
        # Keep the notifications that others add to a bucket made here: https://github.com/aws/aws-cdk/issues/30607
        self.node.set_context("@aws-cdk/aws-s3:keepNotificationInImportedBucket", True)
        self.key = encryption_key(self, configuration.kms_key)
        self.messages_key = self._messages_key() if configuration.hipaa else None
        self._access_logs = self._access_log_bucket() if configuration.access_logs else None
        self.images: s3.IBucket
        if configuration.images_bucket is None:
            self.images = self._bucket("Images", self.key, [])
        else:
            self.images = self._existing("Images", configuration.images_bucket, configuration.images_kms_key)
        self.results: s3.IBucket
        if configuration.results_bucket is None:
            self.results = self._bucket("Results", self.key, _expiries(configuration.results_retention_days))
        else:
            self.results = self._existing("Results", configuration.results_bucket, configuration.results_kms_key)

    def _messages_key(self) -> kms.IKey | None:
        """The key by its ARN.

        The CDK would add statements to the policy of a key made here. They let services of AWS use it for any account,
        and one names the bucket, which needs the key first. ``infra.stack.encryption`` writes the policy instead.
        """
        return kms.Key.from_key_arn(self, "MessagesKey", self.key.key_arn) if self.key else None

    def _existing(self, construct_id: str, name: str, key: str | None) -> s3.IBucket:
        """A bucket that exists, under an identity of its own name.

        The CDK's function ends the notification of a bucket if its resource goes, but not if the resource names another
        bucket: the former bucket would go on to name a queue that no longer takes its messages.
        """
        identity = sha256(name.encode()).hexdigest()[:8]
        return s3.Bucket.from_bucket_attributes(
            self,
            f"{construct_id}{identity}",
            bucket_name=name,
            encryption_key=kms.Key.from_key_arn(self, f"{construct_id}Key", key) if key else None,
        )

    def _bucket(
        self,
        construct_id: str,
        key: kms.IKey | None,
        expiries: list[s3.LifecycleRule],
        **properties: Any,  # noqa: ANN401 - s3.Bucket takes them
    ) -> s3.Bucket:
        logged = construct_id != "AccessLogs" and self._access_logs is not None
        bucket = s3.Bucket(
            self,
            construct_id,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            # One request to KMS serves many objects. Without it, reading a million images costs 3 USD in requests.
            bucket_key_enabled=True if key else None,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=True,
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
            lifecycle_rules=[
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(7)),
                *expiries,
            ],
            server_access_logs_bucket=self._access_logs if logged else None,
            server_access_logs_prefix=f"{construct_id.lower()}/" if logged else None,
            **properties,
        )
        # S3 delivers access logs, and refuses requests without TLS, by the policy alone, so it stays with its bucket.
        if bucket.policy:
            bucket.policy.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        if not logged:
            reason = "CloudTrail data events record access for all buckets of an account."
            acknowledge(bucket, "S1", reason)
        replicated = "The laboratory decides on a second region: its data may have to stay in one."
        acknowledge(bucket, "S3BucketReplicationEnabled", replicated, pack="HIPAA.Security")
        return bucket

    def _access_log_bucket(self) -> s3.Bucket:
        # The bucket is versioned, so an expired object remains as a noncurrent version until that expires, too.
        keep = s3.LifecycleRule(
            expiration=Duration.days(_ACCESS_LOG_DAYS), noncurrent_version_expiration=Duration.days(1)
        )
        bucket = self._bucket("AccessLogs", None, [keep])
        for rule, reason in {
            "S3BucketLoggingEnabled": "A log of the bucket of logs would never end.",
            "S3DefaultEncryptionKMS": "S3 delivers access logs only to buckets that are encrypted with its own keys.",
        }.items():
            acknowledge(bucket, rule, reason, pack="HIPAA.Security")
        return bucket


def _expiries(results_days: int | None) -> list[s3.LifecycleRule]:
    """The objects of the results bucket that S3 deletes by itself: no result, unless ``results_days`` is set.

    With ``results_days`` nothing about an image outlives them, except what people said of it. The output of queries
    and the records of backfills, which name images, go as early. In a versioned bucket an expired object remains as a
    noncurrent version until that expires too, so noncurrent versions get a day and not the same days again:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
    """
    days = results_days or max(_QUERY_DAYS, _BACKFILL_DAYS)
    passing = [_expiry(QUERIES, min(_QUERY_DAYS, days)), _expiry(BACKFILLS, min(_BACKFILL_DAYS, days))]
    if results_days:
        return passing + [_expiry(prefix, results_days) for prefix in WRITTEN_BY_THE_FUNCTION]
    # A flag repeats its result, so nothing is lost with a removed one.
    flags = s3.LifecycleRule(
        prefix=REVIEW,
        noncurrent_version_expiration=Duration.days(_REMOVED_FLAG_DAYS),
        expired_object_delete_marker=True,
    )
    return [flags, *passing]


def _expiry(prefix: str, days: int) -> s3.LifecycleRule:
    """Delete what lies below ``prefix`` for good after ``days`` and one more."""
    expiration, noncurrent = Duration.days(days), Duration.days(1)
    return s3.LifecycleRule(prefix=prefix, expiration=expiration, noncurrent_version_expiration=noncurrent)
