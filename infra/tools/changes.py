"""Changes of buckets and keys between the deployed settings and new ones, which nobody should make unawares."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra import names
from infra.errors import InfraError
from infra.settings.configuration import OWN, Configuration


class ForbiddenChangeError(InfraError):
    """A change that no confirmation makes right."""


@dataclass(frozen=True)
class Change:
    """A change of one setting, with its consequence in one sentence.

    Attributes:
        setting: name of the setting.
        consequence: what would happen.
    """

    setting: str
    consequence: str


def changes(outputs: Mapping[str, str], wanted: Configuration) -> list[Change]:
    """The changes of buckets and keys.

    Args:
        outputs: outputs of the deployed stack. A version of the stack that did not state its settings shows the names
            of its buckets alone.
        wanted: the settings that shall come into force.

    Raises:
        ForbiddenChangeError: a bucket of this stack cannot serve as the settings want it to.
    """
    deployed = json.loads(outputs[names.SETTINGS_OUTPUT]) if names.SETTINGS_OUTPUT in outputs else None
    images, results = outputs.get(names.IMAGES_BUCKET_OUTPUT), outputs.get(names.RESULTS_BUCKET_OUTPUT)
    _refuse_own_buckets(deployed, images, results, wanted)
    consequences = {
        "images_bucket": f"uploads to {images} are no longer scored, and the commands no longer see it",
        "results_bucket": f"the results so far stay in {results}, and the commands no longer see them",
    }
    current = {"images_bucket": images, "results_bucket": results}
    return [
        Change(name, consequence)
        for name, consequence in consequences.items()
        if _bucket_changes(deployed, current[name], name, wanted)
    ] + _key_changes(outputs, deployed or {}, wanted)


def _bucket_changes(deployed: Mapping[str, Any] | None, current: str | None, name: str, wanted: Configuration) -> bool:
    setting: str | None = getattr(wanted, name)
    if deployed is None:
        return setting is not None and setting != current
    return bool(setting != deployed.get(name))


def _refuse_own_buckets(
    deployed: Mapping[str, Any] | None, images: str | None, results: str | None, wanted: Configuration
) -> None:
    """Refuse a bucket in the wrong part, and the images bucket that the stack made as one that it did not make.

    CloudFormation would first announce uploads for the named bucket, and then end that of the bucket made here. Both
    are the same bucket: https://github.com/aws/aws-cdk/issues/21036
    """
    if wanted.images_bucket is not None and wanted.images_bucket == results:
        raise ForbiddenChangeError(
            f"images_bucket is {results}, the bucket of this stack's results; give the bucket with the images."
        )
    if wanted.results_bucket is not None and wanted.results_bucket == images:
        raise ForbiddenChangeError(
            f"results_bucket is {images}, the bucket of this stack's images; every result would be scored as an image."
        )
    made_here = deployed is not None and deployed.get("images_bucket") is None
    if made_here and wanted.images_bucket is not None and wanted.images_bucket == images:
        raise ForbiddenChangeError(f"images_bucket is {images}, which this stack made: leave images_bucket out.")


def _key_changes(outputs: Mapping[str, str], deployed: Mapping[str, Any], wanted: Configuration) -> list[Change]:
    """Changes of the key for new objects, and keys that would no longer decrypt old ones."""
    key = outputs.get(names.KEY_OUTPUT)
    of_buckets = {deployed.get("images_kms_key"), deployed.get("results_kms_key")}
    in_use = {key, *of_buckets, *deployed.get("former_kms_keys", [])}
    same_key = wanted.kms_key == deployed.get("kms_key") or (key is not None and wanted.kms_key == key)
    kept = {wanted.kms_key, wanted.images_kms_key, wanted.results_kms_key, *wanted.former_kms_keys}
    lost = in_use - kept - {None, key if same_key else None}
    if lost:
        keys = ",".join(sorted([*map(str, lost), *wanted.former_kms_keys]))
        return [
            Change(
                "kms_key",
                "the function can no longer read what is encrypted with the key so far, and every new version of such "
                f"an image fails; to keep that right, add -c former_kms_keys={keys}",
            )
        ]
    if not same_key and deployed:
        new = {None: "AWS's own keys", OWN: "a new key of this stack"}.get(wanted.kms_key, wanted.kms_key)
        return [Change("kms_key", f"new images, results and logs are encrypted with {new}")]
    return []
