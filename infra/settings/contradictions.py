"""Settings that are right each for itself, but not together."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from infra.settings.fields import ConfigurationError
from infra.settings.memory import least_memory_mb
from lambda_fn.errors import SettingsError
from lambda_fn.manifest import Manifest

if TYPE_CHECKING:
    from infra.settings.configuration import Configuration

# Names that CloudFormation gives to the results and access logs of a stack of this project.
_NO_IMAGES = re.compile(r"cellflag-.+-storage(results|accesslogs)")


def refuse_contradictions(configuration: "Configuration") -> None:
    """Refuse settings that contradict each other, or the model.

    Raises:
        ConfigurationError: with the first contradiction.
    """
    for messages in (_buckets, _function, _rates, _own_thresholds):
        for message in messages(configuration):
            raise ConfigurationError(message)


def _buckets(settings: "Configuration") -> Iterator[str]:
    """What is wrong with buckets and keys."""
    if settings.images_kms_key is not None and settings.images_bucket is None:
        yield "images_kms_key is given without images_bucket; a bucket made here is encrypted with kms_key"
    if settings.results_kms_key is not None and settings.results_bucket is None:
        yield "results_kms_key is given without results_bucket; a bucket made here is encrypted with kms_key"
    if settings.images_bucket is not None:
        if settings.images_bucket == settings.results_bucket:
            yield "images_bucket and results_bucket are the same; every result would be scored as an image"
        if _NO_IMAGES.match(settings.images_bucket):
            yield f"images_bucket is {settings.images_bucket!r}, which holds results; give the bucket with the images"
    if settings.results_bucket is not None and settings.results_retention_days is not None:
        yield (
            "results_retention_days is given with results_bucket, which keeps the lifecycle rules that it has; "
            "drop results_retention_days, and set the rules on the bucket"
        )
    if settings.hipaa and settings.access_logs is False:
        yield "hipaa demands access logs; drop access_logs=false, or hipaa"


def _function(settings: "Configuration") -> Iterator[str]:
    """What is wrong with batches, calls and memory of the function."""
    if settings.batch_size > 10 and settings.batch_window_seconds == 0:
        yield f"batch_size is {settings.batch_size}; SQS takes over 10 only if batch_window_seconds is 1 or more"
    calls = settings.max_concurrency + settings.backfill_concurrency
    if settings.reserved_concurrency is not None and settings.reserved_concurrency < calls:
        yield (
            f"reserved_concurrency is {settings.reserved_concurrency}; it must be {calls} or more, max_concurrency and "
            "backfill_concurrency together, or else messages end as dead letters for want of a turn"
        )
    limits = Manifest.read().limits
    if settings.memory_mb < (least := least_memory_mb(limits)):
        yield (
            f"memory_mb is {settings.memory_mb}; it must be {least} or more: the model's limits let in images of "
            f"{limits.pixels:,} pixels, and a smaller function would die of the largest"
        )


def _rates(settings: "Configuration") -> Iterator[str]:
    """What is wrong with the error rates.

    With a rate below the model's table the function would not start. A rate above the table would count as its highest.
    """
    if not settings.own_rates:
        return
    if settings.review_everything:
        yield "review_everything leaves nothing to decide; drop it, or all_decided_normal and normal_decided_all"
    model = Manifest.read()
    for name, rate in settings.own_rates.items():
        rates = model.rates(name)
        if not rates:
            yield f"{name} is {rate:g}; {model.version} has no table of it, so leave it out"
        elif not rates[0] <= rate <= rates[-1]:
            yield f"{name} is {rate:g}; it must be {rates[0]:g} to {rates[-1]:g}, the rates that {model.version} " + (
                "has thresholds for"
            )


def _own_thresholds(settings: "Configuration") -> Iterator[str]:
    """What is wrong with the laboratory's own thresholds. With those of another model the function would not start."""
    if settings.own_thresholds is None:
        return
    if settings.own_rates:
        yield (
            "thresholds_file goes without all_decided_normal and normal_decided_all: its thresholds are for rates "
            "already"
        )
    if settings.review_everything:
        yield "review_everything leaves nothing to decide; drop it, or thresholds_file"
    try:
        settings.own_thresholds.thresholds_for(Manifest.read())
    except SettingsError as error:
        yield str(error)
