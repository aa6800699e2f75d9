"""What can be chosen at deployment, by `cdk ... -c NAME=VALUE` or under "context" in cdk.json."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, Literal, Self

from infra.settings import values
from infra.settings.values import ConfigurationError, number_of, one_of, rate, switch, text, whole
from lambda_fn.manifest import ErrorRate, Manifest

RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653)
"""The retentions that CloudWatch Logs offers (PutRetentionPolicy), in days."""

EXPRESS_SECONDS = 60
"""The longest timeout of the function with which the batches of a backfill are Express workflows: these cost a fraction
of Standard ones, but end after 5 minutes, waits and retries included."""

OWN = "own"
"""In place of a key's ARN: make one."""

_KEY_ARN = r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+"
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_KEY_PART = r"[A-Za-z0-9!_.'()/-]{1,512}"
_KEY_PART_WORDS = "1 to 512 letters, digits and !_.'()/- (S3 takes a filter literally, * included)"


@dataclass(frozen=True)
class Configuration:
    """One deployment's choices. Every field is a context name; what is not given has the value below.

    Attributes:
        stage: tells several deployments in one account apart; the stack is called `cellflag-<stage>`.
        target: `aws`, or `local` for the emulator, which runs functions on this machine's Python and processor.
        tags: on every resource, beside `application` and `stage`, so that a bill can be split: `team=cells,ward=3`.
        hipaa: checks the template by the HIPAA Security rules too, and turns on `kms_key` and `access_logs`.
        images_bucket: an existing bucket to take images from, in the same account and region; None makes a new one.
        images_prefix: only keys that begin with it are scored, and the function may read no others.
        images_suffix: only keys that end with it are scored. S3 takes one, and tells `.bmp` from `.BMP`; without it
            whatever is uploaded is answered, if only to say that it is no image.
        images_kms_key: ARN of the KMS key with which that existing bucket is encrypted.
        kms_key: `own` makes a KMS key for buckets, logs and alarms; or the ARN of one, whose policy must let CloudWatch
            and its logs use it (docs/aws.md). None leaves encryption to S3's own keys, which cost nothing.
        access_logs: every request to the buckets made here is logged to a third one.
        memory_mb: of the function, 128 to 10240; 1769 MB buy one full vCPU (AWS Lambda, "Configure function memory").
        timeout_seconds: of one batch, 1 to 900.
        batch_size: messages that one call of the function gets at most, 1 to 1000; docs/performance.md says why 50.
        batch_window_seconds: how long a batch may take to fill, 0 to 300; at least 1 if batch_size is over 10.
        max_concurrency: calls of the function that the queue makes at the same time at most, 2 to 1000. It is what
            keeps a flood of images from starving the account: 8 leave room even in a new account, which has 10.
        reserved_concurrency: calls that the account sets aside for the function, for queue and backfill together. None
            reserves nothing, since an account must keep 100 unreserved, which a new one does not have.
        snap_start: publishes versions with SnapStart. Off: nobody waits for a queue's cold start of half a second.
        canary_minutes: how long a new version gets a tenth of the batches before it gets all; an alarm meanwhile
            rolls back. 0 switches at once: for a version that mends what an alarm tells of, since CodeDeploy starts
            nothing during one. The local cloud has no CodeDeploy and always switches at once.
        log_retention_days: one of RETENTION_DAYS.
        results_retention_days: after which results, flags and ledger are deleted; None keeps them.
        alarm_email: who is told of alarms; AWS asks that address for its consent first.
        review_everything: every image asks for review; its score and label stay as they are.
        all_decided_normal: tolerated share of ALL cells that are decided normal, within what the shipped model's
            table has, where a rate between two of its counts as the lower one; None is the model's own.
        normal_decided_all: tolerated share of normal cells that are decided ALL, likewise.
        backfill_batch_size: images that a backfill hands to one call of the function, 1 to 1000.
        backfill_concurrency: calls of the function that a backfill makes at the same time at most, 1 to 1000.
        backfill_tolerated_failure_percentage: a backfill is ended if more of its images lie in batches of which none
            was answered, 0 to 100.
    """

    stage: str = text(
        "production", r"[a-z][a-z0-9-]{0,39}", "1 to 40 small letters, digits and hyphens, a letter first"
    )
    target: Literal["aws", "local"] = one_of("aws", "aws", "local")
    tags: Mapping[str, str] = values.tags("application", "stage")
    hipaa: bool = switch()
    images_bucket: str | None = text(None, _BUCKET, "the name of an S3 bucket")
    images_prefix: str | None = text(None, _KEY_PART, _KEY_PART_WORDS)
    images_suffix: str | None = text(None, _KEY_PART, _KEY_PART_WORDS)
    images_kms_key: str | None = text(None, _KEY_ARN, "the ARN of a KMS key (arn:aws:kms:…:key/…)")
    kms_key: str | None = text(None, rf"{OWN}|{_KEY_ARN}", f"{OWN}, or the ARN of a KMS key (arn:aws:kms:…:key/…)")
    access_logs: bool | None = switch(None)
    memory_mb: int = whole(1769, 128, 10240)
    timeout_seconds: int = whole(60, 1, 900)
    batch_size: int = whole(50, 1, 1000)
    batch_window_seconds: int = whole(1, 0, 300)
    max_concurrency: int = whole(8, 2, 1000)
    reserved_concurrency: int | None = whole(None, 1, 100_000)
    snap_start: bool = switch()
    canary_minutes: int = number_of(5, 0, 5, 10, 15, 30)
    log_retention_days: int = number_of(30, *RETENTION_DAYS)
    results_retention_days: int | None = whole(None, 1, 36_500)
    alarm_email: str | None = text(None, r"[^@\s]+@[^@\s]+\.[^@\s.]+", "an e-mail address")
    review_everything: bool = switch()
    all_decided_normal: float | None = rate(None)
    normal_decided_all: float | None = rate(None)
    backfill_batch_size: int = whole(50, 1, 1000)
    backfill_concurrency: int = whole(8, 1, 1000)
    backfill_tolerated_failure_percentage: int = whole(5, 0, 100)

    def __post_init__(self) -> None:
        """Read every value, and refuse what cannot be deployed.

        Raises:
            ConfigurationError: a value cannot be used, or not beside another.
        """
        for setting in fields(self):
            value = getattr(self, setting.name)
            if value is not None:
                object.__setattr__(self, setting.name, setting.metadata[values.READ](setting.name, value))
        self._refuse_contradictions()
        self._refuse_rates_that_cannot_be_served()
        if self.access_logs is None:
            object.__setattr__(self, "access_logs", self.hipaa)
        if self.hipaa and self.kms_key is None:
            object.__setattr__(self, "kms_key", OWN)

    @property
    def own_rates(self) -> dict[ErrorRate, float]:
        """The tolerated error rates that were chosen, by name."""
        rates: dict[ErrorRate, float | None] = {
            "all_decided_normal": self.all_decided_normal,
            "normal_decided_all": self.normal_decided_all,
        }
        return {name: rate for name, rate in rates.items() if rate is not None}

    def _refuse_rates_that_cannot_be_served(self) -> None:
        """The function would not start with a rate below the model's table, and not do all that one above it says."""
        if not self.own_rates:
            return
        model = Manifest.read()
        for name, chosen in self.own_rates.items():
            rates = model.rates(name)
            if not rates:
                raise ConfigurationError(f"{name} is {chosen:g}; {model.version} has no table of it, so leave it out")
            if not rates[0] <= chosen <= rates[-1]:
                raise ConfigurationError(
                    f"{name} is {chosen:g}; it must be {rates[0]:g} to {rates[-1]:g}, the rates that {model.version} "
                    "has thresholds for"
                )

    def _refuse_contradictions(self) -> None:
        calls = self.max_concurrency + self.backfill_concurrency
        for wrong, message in (
            (
                self.batch_size > 10 and self.batch_window_seconds == 0,
                f"batch_size is {self.batch_size}; SQS takes over 10 only if batch_window_seconds is 1 or more",
            ),
            (
                self.reserved_concurrency is not None and self.reserved_concurrency < calls,
                f"reserved_concurrency is {self.reserved_concurrency}; it must be {calls} or more, max_concurrency and "
                "backfill_concurrency together, or else messages end as dead letters for want of a turn",
            ),
            (
                self.images_kms_key is not None and self.images_bucket is None,
                "images_kms_key is given without images_bucket; a bucket made here is encrypted with kms_key",
            ),
            (
                self.review_everything and bool(self.own_rates),
                "review_everything leaves nothing to decide; drop it, or all_decided_normal and normal_decided_all",
            ),
            (
                self.hipaa and self.access_logs is False,
                "hipaa demands access logs; drop access_logs=false, or hipaa",
            ),
        ):
            if wrong:
                raise ConfigurationError(message)

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Self:
        """Read the CDK context, in which the command line's values are strings; names of others are left alone.

        Raises:
            ConfigurationError: a value cannot be used, or a name is misspelt.
        """
        names = {setting.name for setting in fields(cls)}
        for name in context:
            meant = get_close_matches(name, names, n=1, cutoff=0.8)
            if name not in names and meant:
                raise ConfigurationError(f"{name}: there is no such setting; is {meant[0]} meant?")
        return cls(**{name: context[name] for name in names if context.get(name) is not None})
