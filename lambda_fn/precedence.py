"""The order of two uploads of one key, and the versions of an image."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ImageVersion:
    """A version of an image.

    Attributes:
        version_id: S3's version id; None if it is unknown, or if the bucket keeps no versions. ``null`` is the id of
            every version that was uploaded while the bucket kept none.
        etag: S3's entity tag without its quotes; None if it is unknown.
    """

    version_id: str | None
    etag: str | None

    def is_same(self, other: "ImageVersion") -> bool:
        """Return whether both are known to be the same version. If an id is unknown, the entity tags decide."""
        if None not in (self.version_id, other.version_id) and self.version_id != other.version_id:
            return False
        return self.etag is not None and self.etag == other.etag


@dataclass(frozen=True)
class Precedence:
    """The upload and the model of a result. They decide which of two results of one key stands.

    The result's object in S3 holds them as metadata. A result of the image's current version always stands. Between two
    results of other versions, ``compare`` decides; the event of the current version is still on its way then.

    The order of events alone would not do, because S3's current version need not be the upload that ended last. Of two
    multipart uploads that overlap, the one that *started* last is current, and ``Last-Modified`` is the time of the
    start: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#distributedmpupload. AWS does not
    document whether a sequencer follows the start or the end of such an upload. A deleted newest version makes an older
    one current again, too.

    Attributes:
        sequencer: S3's sequencer of the event, a hexadecimal number of varying length; None if the event had none.
        last_modified: time of the upload, ISO 8601 in UTC, to the second.
        model: digest of the model that scored the image.
        etag: S3's entity tag of the version that was scored, without its quotes; None if unknown.
        version_id: S3's id of the version that was scored; None if unknown, or if the bucket keeps no versions.
    """

    sequencer: str | None
    last_modified: str
    model: str
    etag: str | None = None
    version_id: str | None = None

    @property
    def version(self) -> ImageVersion:
        """The version that was scored."""
        return ImageVersion(self.version_id, self.etag)

    def to_metadata(self) -> dict[str, str]:
        """Return the metadata of an S3 object; unknown values are left out."""
        fields = {
            "sequencer": self.sequencer,
            "last-modified": self.last_modified,
            "model": self.model,
            "etag": self.etag,
            "version-id": self.version_id,
        }
        return {name: value for name, value in fields.items() if value is not None}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> "Precedence":
        """Read the metadata of an S3 object. An object that somebody else wrote counts as the oldest."""
        return cls(
            metadata.get("sequencer"),
            metadata.get("last-modified", ""),
            metadata.get("model", ""),
            metadata.get("etag"),
            metadata.get("version-id"),
        )

    def compare(self, other: "Precedence") -> int:
        """Compare two uploads of one key: negative if this one is older, 0 if both are the same, positive if newer.

        Two sequencers are compared as hexadecimal numbers, the shorter one padded with zeros on the right:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html.

        If one of them is missing, equal times and entity tags mean the same upload. Otherwise the later time is the
        newer upload. Within one second the upload with a sequencer is the newer one, because an event names its
        version, while a backfill reads whichever version is current.
        """
        if self.sequencer is not None and other.sequencer is not None:
            length = max(len(self.sequencer), len(other.sequencer))
            mine, others = (value.upper().ljust(length, "0") for value in (self.sequencer, other.sequencer))
            return (mine > others) - (mine < others)
        if self.etag is not None and (self.last_modified, self.etag) == (other.last_modified, other.etag):
            return 0
        one, two = ((value.last_modified, value.sequencer is not None) for value in (self, other))
        return (one > two) - (one < two)
