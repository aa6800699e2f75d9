"""Where images come in and where results go: two buckets, so that a result can never start the function again."""

from typing import Any

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.settings.configuration import Configuration
from infra.stack.encryption import encryption_key
from infra.stack.nag import acknowledge
from lambda_fn.keys import BACKFILLS, QUERIES, REVIEW, WRITTEN_BY_THE_FUNCTION

_LOWERED_FLAG_DAYS = 30
_QUERY_DAYS = 30
_BACKFILL_DAYS = 90
# Six years, as HIPAA keeps documentation (45 CFR 164.316(b)(2)(i)).
_ACCESS_LOG_DAYS = 2192


def of_this_account(scope: Construct) -> dict[str, dict[str, str]]:
    """The condition of a right to a bucket: names of buckets are free again, for anybody, once these are deleted."""
    return {"StringEquals": {"aws:ResourceAccount": Stack.of(scope).account}}


class Storage(Construct):
    """The bucket of images, made here or named, and the bucket of results.

    Both outlive the stack: `cdk destroy` never deletes an image or a result.
    """

    def __init__(self, scope: Construct, construct_id: str, *, configuration: Configuration) -> None:
        """Make the buckets, or take the images from the bucket that is configured."""
        super().__init__(scope, construct_id)
        # Server access logs by bucket policy: access control lists are off for all buckets here.
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
            # One request to KMS for many objects; without it, a million images cost 3 USD for each time they are read.
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
            reason = "Accounts record who reads medical images for all buckets alike: CloudTrail data events."
            acknowledge(bucket, "S1", reason)
        replicated = "A second region is a choice of the laboratory's: data may have to stay where it is."
        acknowledge(bucket, "S3BucketReplicationEnabled", replicated, pack="HIPAA.Security")
        return bucket

    def _access_log_bucket(self) -> s3.Bucket:
        # Versioned as all buckets, it keeps what expires as a noncurrent version, until that expires as well.
        keep = s3.LifecycleRule(
            expiration=Duration.days(_ACCESS_LOG_DAYS), noncurrent_version_expiration=Duration.days(1)
        )
        bucket = self._bucket("AccessLogs", None, [keep])
        for rule, reason in {
            "S3BucketLoggingEnabled": "The log of a bucket's own log would never end.",
            "S3DefaultEncryptionKMS": "S3 delivers access logs to buckets encrypted with its own keys.",
        }.items():
            acknowledge(bucket, rule, reason, pack="HIPAA.Security")
        return bucket


def _expiries(results_days: int | None) -> list[s3.LifecycleRule]:
    """What of the results bucket goes by itself: never a result, unless somebody chose so."""
    # A flag repeats its result: lowered, it tells nothing that is not there.
    lowered = s3.LifecycleRule(
        prefix=REVIEW,
        noncurrent_version_expiration=Duration.days(_LOWERED_FLAG_DAYS),
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
    return [lowered, queries, outcomes, *old]
