"""An S3 in memory with versions and conditional writes; a test can add faults and delays."""

import hashlib
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from botocore.exceptions import ClientError


@dataclass(frozen=True)
class ObjectVersion:
    body: bytes
    metadata: Mapping[str, str]
    version_id: str
    last_modified: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


class NoSuchKey(ClientError):  # noqa: N818 - boto3's name
    pass


def client_error(operation: str, code: str, status: int, kind: type[ClientError] = ClientError) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return kind(response, operation)


class FakeS3:
    """Answers the calls of the function as boto3's client does.

    Attributes:
        around: called with the name of an operation and the operation; may delay it, or fail before or after it.
        requests: number of calls of each operation.
    """

    class exceptions:  # noqa: N801 - boto3's name
        NoSuchKey = NoSuchKey

    def __init__(self, around: Callable[[str, Callable[[], Any]], Any] = lambda name, operation: operation()) -> None:
        self.around = around
        self.requests: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._objects: defaultdict[str, dict[str, list[ObjectVersion | None]]] = defaultdict(dict)

    def get_object(self, *, Bucket: str, Key: str, VersionId: str | None = None) -> dict[str, Any]:  # noqa: N803
        def operation() -> dict[str, Any]:
            versions = self._objects[Bucket].get(Key, [None])
            if VersionId is None:
                version = versions[-1]
            else:
                version = next((one for one in versions if one and one.version_id == VersionId), None)
            if version is None:
                raise client_error("GetObject", "NoSuchKey" if VersionId is None else "NoSuchVersion", 404, NoSuchKey)
            return {
                "Body": BytesIO(version.body),
                "ContentLength": len(version.body),
                "ETag": version.etag,
                "LastModified": version.last_modified,
                "Metadata": dict(version.metadata),
                "VersionId": version.version_id,
            }

        return self._call("GetObject", operation)

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **options: Any) -> dict[str, Any]:  # noqa: N803
        def operation() -> dict[str, Any]:
            versions = self._objects[Bucket].setdefault(Key, [None])
            current = versions[-1]
            if "IfNoneMatch" in options and current is not None:
                raise client_error("PutObject", "PreconditionFailed", 412)
            if "IfMatch" in options and current is None:
                raise client_error("PutObject", "NoSuchKey", 404)
            if "IfMatch" in options and current and current.etag != options["IfMatch"]:
                raise client_error("PutObject", "PreconditionFailed", 412)
            versions.append(ObjectVersion(Body, options.get("Metadata", {}), f"version-{len(versions)}"))
            return {"ETag": versions[-1].etag, "VersionId": versions[-1].version_id}  # type: ignore[union-attr]

        return self._call("PutObject", operation)

    def delete_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        def operation() -> dict[str, Any]:
            if self._objects[Bucket].get(Key, [None])[-1] is not None:
                self._objects[Bucket][Key].append(None)
            return {}

        return self._call("DeleteObject", operation)

    def current(self, bucket: str) -> dict[str, ObjectVersion]:
        """Return the current version of each object by key, without a request."""
        return {key: versions[-1] for key, versions in self._objects[bucket].items() if versions[-1] is not None}

    def _call(self, name: str, operation: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        def locked() -> dict[str, Any]:
            with self._lock:
                self.requests[name] += 1
                return operation()

        answer: dict[str, Any] = self.around(name, locked)
        return answer
