"""The buckets of images and of results. They are two, so that a result can never start the function again."""

from typing import Any

from aws_cdk import Duration, RemovalPolicy, Stack
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


def of_this_account(scope: Construct) -> dict[str, dict[str, str]]:
    """A condition on the right to a bucket: it must belong to this account.

    The name of a deleted bucket is free, and anybody may take it.
    """
    return {"StringEquals": {"aws:ResourceAccount": Stack.of(scope).account}}


class Storage(Construct):
    """The bucket of images, new or existing, and the bucket of results.

    Both outlive the stack: ``cdk destroy`` never deletes an image or a result.

    Attributes:
        key: the KMS key of the buckets made here; None for S3's own keys.
        images: the bucket of images.
        results: the bucket of results.
    """

    def __init__(self, scope: Construct, construct_id: str, *, configuration: Configuration) -> None:
        """Make the buckets, except for a bucket of images that the settings name."""
        super().__init__(scope, construct_id)
        # Access logs are delivered by bucket policy, because access control lists are off.
        self.node.set_context("@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy", True)
        self.key = encryption_key(self, configuration.kms_key)
        self._access_logs = self._access_log_bucket() if configuration.access_logs else None
        self.images: s3.IBucket
        if configuration.images_bucket is None:
            self.images = self._bucket("Images", self.key, [])
        else:
            images_key = configuration.images_kms_key
            self.images = s3.Bucket.from_bucket_attributes(
                self,
                "Images",
                bucket_name=configuration.images_bucket,
                encryption_key=kms.Key.from_key_arn(self, "ImagesKey", images_key) if images_key else None,
            )
        self.results: s3.IBucket = self._bucket("Results", self.key, _expiries(configuration.results_retention_days))

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
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=[
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(7)),
                *expiries,
            ],
            server_access_logs_bucket=self._access_logs if logged else None,
            server_access_logs_prefix=f"{construct_id.lower()}/" if logged else None,
            **properties,
        )
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
    """The objects of the results bucket that S3 deletes by itself: no result, unless ``results_days`` is set."""
    # A flag repeats its result, so nothing is lost with a removed one.
    flags = s3.LifecycleRule(
        prefix=REVIEW,
        noncurrent_version_expiration=Duration.days(_REMOVED_FLAG_DAYS),
        expired_object_delete_marker=True if results_days is None else None,
        expiration=Duration.days(results_days) if results_days else None,
    )
    queries = s3.LifecycleRule(
        prefix=QUERIES,
        expiration=Duration.days(_QUERY_DAYS),
        noncurrent_version_expiration=Duration.days(1),
    )
    outcomes = s3.LifecycleRule(
        prefix=BACKFILLS,
        expiration=Duration.days(_BACKFILL_DAYS),
        noncurrent_version_expiration=Duration.days(1),
    )
    old = [
        s3.LifecycleRule(
            prefix=prefix,
            expiration=Duration.days(results_days),
            noncurrent_version_expiration=Duration.days(results_days),
        )
        for prefix in WRITTEN_BY_THE_FUNCTION
        if results_days and prefix != REVIEW
    ]
    return [flags, queries, outcomes, *old]
