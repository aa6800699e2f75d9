"""The images and documents of a deployment, in its two buckets."""

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.deployed_stack import DeployedStack
from infra.review.places import Listed, Stored
from infra.tools.objects import list_pages
from lambda_fn import conditional_writes

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
        return conditional_writes.create(self._s3, self._results, key, body)

    def replace(self, key: str, body: bytes, etag: str) -> str | None:
        """Replace the document of this ``etag``, and return the new entity tag; None if the key has another."""
        return conditional_writes.replace(self._s3, self._results, key, body, etag)

    def delete_if(self, key: str, etag: str) -> bool:
        """Delete the document of this ``etag``; returns False if the key has another, or none."""
        return conditional_writes.delete_if(self._s3, self._results, key, etag)

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
