"""What can be chosen at deployment, by ``cdk ... -c NAME=VALUE`` or under ``"context"`` in cdk.json."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator

from infra.names import DEFAULT_STAGE
from infra.settings.fields import ConfigurationError, Rate, ReadWhole, Switch, Tags, Whole, describe_error
from lambda_fn.manifest import ErrorRate, Manifest

# The retentions that CloudWatch Logs offers (PutRetentionPolicy), in days.
RetentionDays = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653]

# The longest timeout of the function, in seconds, with which the batches of a backfill are Express workflows. Express
# workflows cost a fraction of Standard ones, but end after 5 minutes, waits and retries included.
EXPRESS_SECONDS: Final = 60

# In place of a key's ARN: make a key.
OWN: Final = "own"

_KEY_ARN = r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+"
_KEY_ARN_WORDS = "the ARN of a KMS key (arn:aws:kms:…:key/…)"
_KEY_PART = r"^[A-Za-z0-9!_.'()/-]{1,512}$"
_KEY_PART_WORDS = "1 to 512 letters, digits and !_.'()/- (S3 takes a filter literally, * included)"


class Configuration(BaseModel):
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

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    # The description of a text ends the message about one that does not match its pattern.
    stage: str = Field(
        default=DEFAULT_STAGE,
        pattern=r"^[a-z][a-z0-9-]{0,39}$",
        description="1 to 40 small letters, digits and hyphens, a letter first",
    )
    target: Literal["aws", "local"] = "aws"
    tags: Tags = Field(default_factory=dict)
    hipaa: Switch = False
    images_bucket: str | None = Field(
        default=None, pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", description="the name of an S3 bucket"
    )
    images_prefix: str | None = Field(default=None, pattern=_KEY_PART, description=_KEY_PART_WORDS)
    images_suffix: str | None = Field(default=None, pattern=_KEY_PART, description=_KEY_PART_WORDS)
    images_kms_key: str | None = Field(default=None, pattern=f"^{_KEY_ARN}$", description=_KEY_ARN_WORDS)
    kms_key: str | None = Field(
        default_factory=lambda values: OWN if values["hipaa"] else None,
        pattern=f"^({OWN}|{_KEY_ARN})$",
        description=f"{OWN}, or {_KEY_ARN_WORDS}",
    )
    access_logs: Switch = Field(default_factory=lambda values: values["hipaa"])
    memory_mb: Whole = Field(default=1769, ge=128, le=10240)
    timeout_seconds: Whole = Field(default=60, ge=1, le=900)
    batch_size: Whole = Field(default=50, ge=1, le=1000)
    batch_window_seconds: Whole = Field(default=1, ge=0, le=300)
    max_concurrency: Whole = Field(default=8, ge=2, le=1000)
    reserved_concurrency: Whole | None = Field(default=None, ge=1, le=100_000)
    snap_start: Switch = False
    canary_minutes: Annotated[Literal[0, 5, 10, 15, 30], ReadWhole] = 5
    log_retention_days: Annotated[RetentionDays, ReadWhole] = 30
    results_retention_days: Whole | None = Field(default=None, ge=1, le=36_500)
    alarm_email: str | None = Field(
        default=None, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s.]+$", description="an e-mail address"
    )
    review_everything: Switch = False
    all_decided_normal: Rate | None = None
    normal_decided_all: Rate | None = None
    backfill_batch_size: Whole = Field(default=50, ge=1, le=1000)
    backfill_concurrency: Whole = Field(default=8, ge=1, le=1000)
    backfill_tolerated_failure_percentage: Whole = Field(default=5, ge=0, le=100)

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, values: dict[str, Any], validate: ModelWrapValidatorHandler[Self]) -> Self:
        """Read every value, and refuse what cannot be deployed.

        Raises:
            ConfigurationError: a value cannot be used, or not beside another.
        """
        values = {name: value for name, value in values.items() if value is not None}
        try:
            configuration = validate(values)
        except ValidationError as errors:
            raise ConfigurationError(describe_error(errors.errors()[0], cls.model_fields, values)) from errors
        configuration._refuse_contradictions()
        configuration._refuse_rates_that_cannot_be_served()
        return configuration

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
        for name, rate in self.own_rates.items():
            rates = model.rates(name)
            if not rates:
                raise ConfigurationError(f"{name} is {rate:g}; {model.version} has no table of it, so leave it out")
            if not rates[0] <= rate <= rates[-1]:
                raise ConfigurationError(
                    f"{name} is {rate:g}; it must be {rates[0]:g} to {rates[-1]:g}, the rates that {model.version} "
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
        names = cls.model_fields
        for name in context:
            meant = get_close_matches(name, names, n=1, cutoff=0.8)
            if name not in names and meant:
                raise ConfigurationError(f"{name}: there is no such setting; is {meant[0]} meant?")
        return cls(**{name: context[name] for name in names if name in context})
