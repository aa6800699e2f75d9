"""Where images come in and where results go: two buckets, so that a result can never start the function again."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.acknowledged import acknowledge


class Storage(Construct):
    """The bucket of images, made here or named, and the bucket of results.

    Both outlive the stack: `cdk destroy` never deletes an image or a result.
    """

    def __init__(self, scope: Construct, construct_id: str, *, images_bucket: str | None) -> None:
        """Make the buckets, or take the images from the bucket of that name."""
        super().__init__(scope, construct_id)
        self.images: s3.IBucket = (
            _private_bucket(self, "Images")
            if images_bucket is None
            else s3.Bucket.from_bucket_name(self, "Images", images_bucket)
        )
        self.results: s3.IBucket = _private_bucket(self, "Results")


def _private_bucket(scope: Construct, construct_id: str) -> s3.Bucket:
    bucket = s3.Bucket(
        scope,
        construct_id,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        versioned=True,
        removal_policy=RemovalPolicy.RETAIN,
        lifecycle_rules=[s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(7))],
    )
    acknowledge(bucket, "S1", "Accounts record who reads medical images for all buckets alike: CloudTrail data events.")
    return bucket
