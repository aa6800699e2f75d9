"""The images and documents of a deployment, in its two buckets."""

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.deployed_stack import DeployedStack
from infra.review.places import Listed, Stored
from infra.tools.objects import list_pages

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class BucketPlace:
    """The two buckets of a deployment.

    Attributes:
        name: the name of the stack.
    """

    def __init__(self, stack: DeployedStack) -> None:
        """Use the buckets of a stack."""
        self.name = stack.name
        self._s3: S3Client = stack.s3
        self._images, self._results = stack.images, stack.results

    def list_documents(self, prefix: str) -> Iterator[Listed]:
        """The documents whose keys begin with ``prefix``, in the order of their keys."""
        for page in list_pages(self._s3, self._results, prefix):
            yield from (Listed(entry["Key"], entry["LastModified"]) for entry in page)

    def read(self, key: str) -> Stored | None:
        """A document; None if there is none."""
        try:
            response = self._s3.get_object(Bucket=self._results, Key=key)
        except self._s3.exceptions.NoSuchKey:
            return None
        with closing(response["Body"]) as body:
            return Stored(body.read(), response["ETag"])

    def create(self, key: str, body: bytes) -> str | None:
        """Write a new document, and return its entity tag; None if the key is taken."""
        return self._put(key, body, {"IfNoneMatch": "*"})

    def replace(self, key: str, body: bytes, etag: str) -> str | None:
        """Replace the document of this ``etag``, and return the new entity tag; None if the key has another."""
        return self._put(key, body, {"IfMatch": etag})

    def delete_if(self, key: str, etag: str) -> bool:
        """Delete the document of this ``etag``; returns False if the key has another, or none.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
        """
        try:
            self._s3.delete_object(Bucket=self._results, Key=key, IfMatch=etag)
        except ClientError as error:
            if _is_refused_condition(error):
                return False
            raise
        return True

    def read_image(self, key: str, version_id: str | None) -> bytes | None:
        """The file of an image, in this version if one is named; None if it is gone."""
        version: dict[str, Any] = {"VersionId": version_id} if version_id else {}
        try:
            response = self._s3.get_object(Bucket=self._images, Key=key, **version)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchVersion"):
                return None
            raise
        with closing(response["Body"]) as body:
            return body.read()

    def _put(self, key: str, body: bytes, condition: dict[str, Any]) -> str | None:
        try:
            response = self._s3.put_object(
                Bucket=self._results, Key=key, Body=body, ContentType="application/json", **condition
            )
        except ClientError as error:
            if _is_refused_condition(error):
                return None
            raise
        return response["ETag"]


def _is_refused_condition(error: ClientError) -> bool:
    """Whether S3 refused a request because of its condition.

    412: the condition does not hold; 409: another write is in progress; 404: the object of the condition is gone.
    """
    status, code = error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
    return status in (404, 409, 412) and code != "NoSuchBucket"
