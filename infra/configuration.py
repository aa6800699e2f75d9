"""What can be chosen at deployment, by `cdk ... -c NAME=VALUE` or under "context" in cdk.json."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, Literal, Self

RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653)
"""The retentions that CloudWatch Logs offers (PutRetentionPolicy), in days."""

BACKFILLS = "backfills"
"""Below it in the results bucket: what each backfill wrote about its batches, and lists of images to score."""

EXPRESS_SECONDS = 60
"""The longest timeout of the function with which the batches of a backfill are Express workflows: these cost a fraction
of Standard ones, but end after 5 minutes, waits and retries included."""


class ConfigurationError(ValueError):
    """A context value cannot be used; the message names it, and what may stand there."""


@dataclass(frozen=True)
class Configuration:
    """One deployment's choices. Every field is a context name; what is not given has the value below.

    Attributes:
        stage: tells several deployments in one account apart; the stack is called `cellflag-<stage>`.
        target: `aws`, or `local` for the emulator, which runs functions on this machine's Python and processor.
        images_bucket: an existing bucket to take images from, in the same account and region; None makes a new one.
        memory_mb: of the function, 128 to 10240; 1769 MB buy one full vCPU (AWS Lambda, "Configure function memory").
        timeout_seconds: of one batch, 1 to 900.
        batch_size: messages that one call of the function gets at most, 1 to 1000.
        batch_window_seconds: how long a batch may take to fill, 0 to 300; at least 1 if batch_size is over 10.
        max_concurrency: calls of the function that the queue makes at the same time at most, 2 to 1000.
        reserved_concurrency: calls that the account sets aside for the function; None reserves nothing.
        log_retention_days: one of RETENTION_DAYS.
        backfill_batch_size: images that a backfill hands to one call of the function, 1 to 1000.
        backfill_concurrency: calls of the function that a backfill makes at the same time at most, 1 to 1000.
        backfill_tolerated_failure_percentage: a backfill in which more images fail is ended, 0 to 100.
    """

    stage: str = "production"
    target: Literal["aws", "local"] = "aws"
    images_bucket: str | None = None
    memory_mb: int = 1769
    timeout_seconds: int = 60
    batch_size: int = 10
    batch_window_seconds: int = 1
    max_concurrency: int = 50
    reserved_concurrency: int | None = None
    log_retention_days: int = 30
    backfill_batch_size: int = 50
    backfill_concurrency: int = 40
    backfill_tolerated_failure_percentage: int = 5

    def __post_init__(self) -> None:
        """Refuse what cannot be deployed."""
        _matches(
            "stage", self.stage, r"[a-z][a-z0-9-]{0,39}", "1 to 40 small letters, digits and hyphens, a letter first"
        )
        _one_of("target", self.target, ("aws", "local"))
        if self.images_bucket is not None:
            _matches(
                "images_bucket", self.images_bucket, r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of an S3 bucket"
            )
        _between("memory_mb", self.memory_mb, 128, 10240)
        _between("timeout_seconds", self.timeout_seconds, 1, 900)
        _between("batch_size", self.batch_size, 1, 1000)
        _between("batch_window_seconds", self.batch_window_seconds, 1 if self.batch_size > 10 else 0, 300)
        _between("max_concurrency", self.max_concurrency, 2, 1000)
        if self.reserved_concurrency is not None:
            _between("reserved_concurrency", self.reserved_concurrency, self.max_concurrency, 100_000)
        _between("backfill_batch_size", self.backfill_batch_size, 1, 1000)
        _between("backfill_concurrency", self.backfill_concurrency, 1, 1000)
        _between("backfill_tolerated_failure_percentage", self.backfill_tolerated_failure_percentage, 0, 100)
        _one_of("log_retention_days", self.log_retention_days, RETENTION_DAYS)

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Self:
        """Read the CDK context, in which the command line's values are strings; names of others are left alone.

        Raises:
            ConfigurationError: a value cannot be used, or a name is misspelt.
        """
        names = {field.name for field in fields(cls)}
        for name in context:
            meant = get_close_matches(name, names, n=1, cutoff=0.8)
            if name not in names and meant:
                raise ConfigurationError(f"{name}: there is no such setting; is {meant[0]} meant?")
        numbers = {field.name for field in fields(cls) if "int" in str(field.type)}
        chosen: dict[str, Any] = {name: context[name] for name in names if context.get(name) is not None}
        for name in numbers & chosen.keys():
            chosen[name] = _number(name, chosen[name])
        return cls(**chosen)


def _number(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str) or not re.fullmatch(r"\d{1,6}", str(value)):
        raise ConfigurationError(f"{name} is {value!r}; it must be a whole number")
    return int(value)


def _between(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ConfigurationError(f"{name} is {value}; it must be {least} to {most}")


def _one_of(name: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices:
        raise ConfigurationError(f"{name} is {value!r}; it must be one of {', '.join(map(str, choices))}")


def _matches(name: str, value: object, pattern: str, wanted: str) -> None:
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise ConfigurationError(f"{name} is {value!r}; it must be {wanted}")
