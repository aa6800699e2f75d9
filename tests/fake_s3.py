"""An S3 in memory with versions, delete markers and conditional requests; a test can add faults and delays."""

import hashlib
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from botocore.exceptions import ClientError

MAX_KEY_BYTES = 1024


@dataclass(frozen=True)
class ObjectVersion:
    body: bytes
    metadata: Mapping[str, str]
    version_id: str
    last_modified: datetime = field(default_factory=lambda: datetime.now(UTC))
    is_marker: bool = False

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
        keeps_versions: whether buckets keep versions; if not, an object has no version id and a new one replaces it.
    """

    class exceptions:  # noqa: N801 - boto3's name
        NoSuchKey = NoSuchKey
        ClientError = ClientError

    def __init__(
        self,
        around: Callable[[str, Callable[[], Any]], Any] = lambda name, operation: operation(),
        keeps_versions: bool = True,
    ) -> None:
        self.around = around
        self.requests: Counter[str] = Counter()
        self.keeps_versions = keeps_versions
        self._lock = threading.Lock()
        self._count = 0
        # The versions of each key, in the order of their start; the last one is current.
        self._objects: defaultdict[str, dict[str, list[ObjectVersion]]] = defaultdict(dict)

    def get_object(self, *, Bucket: str, Key: str, VersionId: str | None = None) -> dict[str, Any]:  # noqa: N803
        def operation() -> dict[str, Any]:
            version = self._find(Bucket, Key, VersionId)
            if version is None:
                raise client_error("GetObject", "NoSuchKey" if VersionId is None else "NoSuchVersion", 404, NoSuchKey)
            return self._facts(version) | {"Body": BytesIO(version.body), "Metadata": dict(version.metadata)}

        return self._call("GetObject", operation)

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        def operation() -> dict[str, Any]:
            version = self._find(Bucket, Key)
            if version is None:
                raise client_error("HeadObject", "404", 404)
            return self._facts(version)

        return self._call("HeadObject", operation)

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **options: Any) -> dict[str, Any]:  # noqa: N803
        def operation() -> dict[str, Any]:
            if len(Key.encode()) > MAX_KEY_BYTES:
                raise client_error("PutObject", "KeyTooLongError", 400)
            current = self._find(Bucket, Key)
            if "IfNoneMatch" in options and current is not None:
                raise client_error("PutObject", "PreconditionFailed", 412)
            self._check_etag("PutObject", current, options)
            return self._add(Bucket, Key, Body, options.get("Metadata", {}))

        return self._call("PutObject", operation)

    def delete_object(self, *, Bucket: str, Key: str, **options: Any) -> dict[str, Any]:  # noqa: N803
        def operation() -> dict[str, Any]:
            versions = self._objects[Bucket].get(Key, [])
            current = self._find(Bucket, Key)
            self._check_etag("DeleteObject", current, options)
            if "VersionId" in options:
                versions[:] = [version for version in versions if version.version_id != options["VersionId"]]
            elif not self.keeps_versions:
                versions.clear()
            elif current is not None:
                self._count += 1
                versions.append(ObjectVersion(b"", {}, f"marker-{self._count}", is_marker=True))
            return {}

        return self._call("DeleteObject", operation)

    def finish_upload(self, bucket: str, key: str, body: bytes, started_before: int) -> str:
        """End a multipart upload that started before the newest ``started_before`` versions; returns its version id."""
        versions = self._objects[bucket].setdefault(key, [])
        version_id: str = self._add(bucket, key, body, {})["VersionId"]
        versions.insert(len(versions) - 1 - started_before, versions.pop())
        return version_id

    def versions(self, bucket: str, key: str) -> list[ObjectVersion]:
        """Return the versions and delete markers of a key, the current one last, without a request."""
        return list(self._objects[bucket].get(key, []))

    def current(self, bucket: str) -> dict[str, ObjectVersion]:
        """Return the current version of each object by key, without a request."""
        currents = {key: self._find(bucket, key) for key in self._objects[bucket]}
        return {key: version for key, version in currents.items() if version is not None}

    def _find(self, bucket: str, key: str, version_id: str | None = None) -> ObjectVersion | None:
        versions = self._objects[bucket].get(key, [])
        chosen = versions[-1:] if version_id is None else [one for one in versions if one.version_id == version_id]
        return chosen[0] if chosen and not chosen[0].is_marker else None

    def _add(self, bucket: str, key: str, body: bytes, metadata: Mapping[str, str]) -> dict[str, Any]:
        versions = self._objects[bucket].setdefault(key, [])
        if not self.keeps_versions:
            versions.clear()
        self._count += 1
        versions.append(ObjectVersion(body, metadata, f"version-{self._count}"))
        return {"ETag": versions[-1].etag, "VersionId": versions[-1].version_id}

    def _facts(self, version: ObjectVersion) -> dict[str, Any]:
        facts = {"ContentLength": len(version.body), "ETag": version.etag, "LastModified": version.last_modified}
        return facts | ({"VersionId": version.version_id} if self.keeps_versions else {})

    @staticmethod
    def _check_etag(operation: str, current: ObjectVersion | None, options: Mapping[str, Any]) -> None:
        if "IfMatch" in options and current is None:
            raise client_error(operation, "NoSuchKey", 404)
        if "IfMatch" in options and current and current.etag != options["IfMatch"]:
            raise client_error(operation, "PreconditionFailed", 412)

    def _call(self, name: str, operation: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        def locked() -> dict[str, Any]:
            with self._lock:
                self.requests[name] += 1
                return operation()

        answer: dict[str, Any] = self.around(name, locked)
        return answer
