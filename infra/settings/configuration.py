"""The settings of a deployment: ``cdk ... -c NAME=VALUE``, or under ``"context"`` in cdk.json."""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator

from infra.names import DEFAULT_STAGE
from infra.settings.contradictions import refuse_contradictions
from infra.settings.fields import ConfigurationError, Rate, ReadNames, ReadWhole, Switch, Tags, Whole, describe_error
from lambda_fn.decisions import Explain
from lambda_fn.errors import SettingsError
from lambda_fn.manifest import ErrorRate, Manifest
from lambda_fn.own_thresholds import OwnThresholds, read_own_thresholds
from lambda_fn.settings import thresholds_name

# Retention times that CloudWatch Logs offers (PutRetentionPolicy), in days.
RetentionDays = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653]

# If the function's timeout is at most this long, in seconds, the batches of a backfill are Express workflows. Express
# workflows cost a fraction of Standard workflows, but end after 5 minutes, waits and retries included.
EXPRESS_SECONDS: Final = 60

# The value of ``kms_key`` that makes a new key.
OWN: Final = "own"

_KEY_ARN = r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+"
_BUCKET_NAME = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
_BUCKET_NAME_WORDS = "the name of an S3 bucket"
_KEY_ARN_WORDS = "the ARN of a KMS key (arn:aws:kms:…:key/…)"
_KEY_PART = r"^[A-Za-z0-9!_.'()/-]{1,512}$"
_KEY_PART_WORDS = "1 to 512 letters, digits and !_.'()/- (S3 takes a filter literally, * included)"


class Configuration(BaseModel):
    """The settings of one deployment. Each field is the name of a context value, with its default.

    Attributes:
        stage: distinguishes several deployments in one account. The stack is called ``cellflag-<stage>``.
        target: ``aws``, or ``local`` for the emulator, which runs functions with this machine's Python and processor.
        tags: tags of every resource, in addition to ``application`` and ``stage``, for example ``team=cells,ward=3``.
            AWS can split a bill by them.
        hipaa: also check the template by the HIPAA Security rules, and turn on ``kms_key`` and ``access_logs``.
        images_bucket: an existing bucket of images in the same account and region. None makes a new bucket.
        results_bucket: an existing bucket of results, such as one that an earlier stack left. Its encryption, lifecycle
            rules and policy stay as they are. None makes a new bucket.
        images_prefix: score only keys that begin with this. The function has no right to read other keys.
        images_suffix: score only keys that end with this. S3 takes one suffix and distinguishes ``.bmp`` from ``.BMP``.
            Without a suffix every upload is answered, and a file that is no image is rejected.
        images_kms_key: ARN of the KMS key that encrypts the existing ``images_bucket``.
        results_kms_key: ARN of the KMS key that encrypts the existing ``results_bucket``.
        kms_key: ``own`` makes a KMS key for buckets, logs and alarms. The ARN of an existing key is used as it is; its
            policy must let CloudWatch and its logs use the key (docs/aws.md). None leaves encryption to S3's own keys,
            which cost nothing.
        former_kms_keys: ARNs of keys that encrypted images or results once, ``ARN,ARN``. Changing a bucket's key leaves
            the objects in it under the former key; the function goes on to decrypt them with these.
        access_logs: log every request to the new buckets in a third bucket.
        memory_mb: memory of the function in MB, up to 10240 and enough for the largest image that the model accepts
            (``infra.settings.memory``). 1769 MB include one full vCPU (AWS Lambda, "Configure function memory").
        timeout_seconds: longest time for one batch, 1 to 900.
        batch_size: most messages in one call of the function, 1 to 1000. docs/performance.md gives the reasons for 50.
        batch_window_seconds: longest wait for a batch to fill, 0 to 300; at least 1 if ``batch_size`` is above 10.
        max_concurrency: most calls of the function that the queue makes at the same time, 2 to 1000. The limit keeps a
            flood of images from using up the calls of the account: a new account has 10. The default and the default
            of ``backfill_concurrency`` together leave one of them to others.
        reserved_concurrency: calls that the account reserves for the function, for queue and backfill together. None
            reserves nothing: an account must leave 100 calls unreserved, and a new account has only 10.
        snap_start: publish versions with SnapStart. It is off by default, because nobody waits for the half second of a
            cold start behind a queue.
        canary_minutes: how long a new version gets a tenth of the batches before it gets all of them. An alarm in this
            time rolls the version back. 0 switches at once: use it for a version that ends an alarm, because
            CodeDeploy starts no deployment during one. The local cloud has no CodeDeploy and switches at once.
        log_retention_days: days for which logs are kept, one of ``RetentionDays``.
        results_retention_days: days after which S3 deletes results, flags and ledger. Their former versions go a day
            after they were replaced, so a day or two later nothing is left. None keeps them.
        alarm_email: address that gets the alarms. AWS first asks for its consent.
        review_everything: send every image to review. Scores and labels stay as they are.
        explain: the images whose documents say how the probability comes about: ``flagged`` ones, which ask for review,
            ``all`` or ``none``. It changes no score and no decision.
        all_decided_normal: tolerated share of ALL cells that are decided normal, 0 to 1, between the lowest and the
            highest rate in the shipped model's table. A rate between two rates of the table counts as the lower one.
            None is the model's own rate.
        normal_decided_all: tolerated share of normal cells that are decided ALL, with the same limits.
        thresholds_file: file of ``cellflag recalibrate``: thresholds that the laboratory chose from its own labels. It
            is read at every ``cdk`` command. Without it, the manifest's thresholds are in force again.
        audit_share: share of the decided cells that gets a flag with the only reason ``audit``, 0 to 1. Their decision
            stands. People label them blind, and ``cellflag promise`` then tells whether the error rates hold.
        reviewers: number of people who are to answer each flagged cell, blind to each other. The page of
            ``cellflag review`` reads it.
        um_per_px: micrometres a pixel of the images, 0.001 to 10. Results then give areas and diameters of cells
            in micrometres too.
        backfill_batch_size: most images in one call of the function during a backfill, 1 to 1000.
        backfill_concurrency: most calls of the function that a backfill makes at the same time, 1 to 1000.
        backfill_tolerated_failure_percentage: a backfill ends early if a larger share of its images is in batches that
            failed as a whole, 0 to 100.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    # If a text does not match its pattern, the message ends with its description.
    stage: str = Field(
        default=DEFAULT_STAGE,
        pattern=r"^[a-z][a-z0-9-]{0,39}$",
        description="1 to 40 small letters, digits and hyphens, a letter first",
    )
    target: Literal["aws", "local"] = "aws"
    tags: Tags = Field(default_factory=dict)
    hipaa: Switch = False
    images_bucket: str | None = Field(default=None, pattern=_BUCKET_NAME, description=_BUCKET_NAME_WORDS)
    results_bucket: str | None = Field(default=None, pattern=_BUCKET_NAME, description=_BUCKET_NAME_WORDS)
    images_prefix: str | None = Field(default=None, pattern=_KEY_PART, description=_KEY_PART_WORDS)
    images_suffix: str | None = Field(default=None, pattern=_KEY_PART, description=_KEY_PART_WORDS)
    images_kms_key: str | None = Field(default=None, pattern=f"^{_KEY_ARN}$", description=_KEY_ARN_WORDS)
    results_kms_key: str | None = Field(default=None, pattern=f"^{_KEY_ARN}$", description=_KEY_ARN_WORDS)
    kms_key: str | None = Field(
        default_factory=lambda values: OWN if values["hipaa"] else None,
        pattern=f"^({OWN}|{_KEY_ARN})$",
        description=f"{OWN}, or {_KEY_ARN_WORDS}",
    )
    former_kms_keys: Annotated[tuple[Annotated[str, Field(pattern=f"^{_KEY_ARN}$")], ...], ReadNames] = Field(
        default=(), description=f"ARN,ARN: for each key {_KEY_ARN_WORDS}"
    )
    access_logs: Switch = Field(default_factory=lambda values: values["hipaa"])
    memory_mb: Whole = Field(default=1769, ge=128, le=10240)
    timeout_seconds: Whole = Field(default=60, ge=1, le=900)
    batch_size: Whole = Field(default=50, ge=1, le=1000)
    batch_window_seconds: Whole = Field(default=1, ge=0, le=300)
    max_concurrency: Whole = Field(default=5, ge=2, le=1000)
    reserved_concurrency: Whole | None = Field(default=None, ge=1, le=100_000)
    snap_start: Switch = False
    canary_minutes: Annotated[Literal[0, 5, 10, 15, 30], ReadWhole] = 5
    log_retention_days: Annotated[RetentionDays, ReadWhole] = 30
    results_retention_days: Whole | None = Field(default=None, ge=1, le=36_500)
    alarm_email: str | None = Field(
        default=None, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s.]+$", description="an e-mail address"
    )
    review_everything: Switch = False
    explain: Explain = "flagged"
    all_decided_normal: Rate | None = None
    normal_decided_all: Rate | None = None
    thresholds_file: str | None = None
    audit_share: Rate = Field(default=0.02, ge=0, le=1)
    reviewers: Whole = Field(default=1, ge=1, le=5)
    um_per_px: Rate | None = Field(default=None, ge=0.001, le=10)
    backfill_batch_size: Whole = Field(default=50, ge=1, le=1000)
    backfill_concurrency: Whole = Field(default=4, ge=1, le=1000)
    backfill_tolerated_failure_percentage: Whole = Field(default=5, ge=0, le=100)

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, values: dict[str, Any], validate: ModelWrapValidatorHandler[Self]) -> Self:
        """Read and check all values; None stands for a default.

        Raises:
            ConfigurationError: a value is wrong, or two values contradict each other.
        """
        values = {name: value for name, value in values.items() if value is not None}
        try:
            configuration = validate(values)
        except ValidationError as errors:
            raise ConfigurationError(describe_error(errors.errors()[0], cls.model_fields, values)) from errors
        refuse_contradictions(configuration)
        return configuration

    @property
    def own_rates(self) -> dict[ErrorRate, float]:
        """The tolerated error rates that this deployment sets, by name."""
        rates: dict[ErrorRate, float | None] = {
            "all_decided_normal": self.all_decided_normal,
            "normal_decided_all": self.normal_decided_all,
        }
        return {name: rate for name, rate in rates.items() if rate is not None}

    @cached_property
    def own_thresholds(self) -> OwnThresholds | None:
        """The thresholds in ``thresholds_file``; None without one.

        Raises:
            ConfigurationError: the file cannot be read, or holds no thresholds.
        """
        if self.thresholds_file is None:
            return None
        try:
            return read_own_thresholds(Path(self.thresholds_file).read_text("utf-8"))
        except OSError as error:
            raise ConfigurationError(f"thresholds_file is {self.thresholds_file!r}: {error.strerror}") from error
        except (SettingsError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"thresholds_file is {self.thresholds_file!r}: {error}") from error

    @property
    def thresholds_in_force(self) -> str:
        """The name of the thresholds, as results have it."""
        return self.own_thresholds.version if self.own_thresholds else thresholds_name(self.own_rates)

    @property
    def promised_rates(self) -> dict[ErrorRate, float]:
        """The error rates, by name, that this deployment's own settings promise instead of the model's."""
        model = Manifest.read()
        tabulated = {name: model.tabulated(name, rate) for name, rate in self.own_rates.items()}
        rates = {name: pair[0] for name, pair in tabulated.items() if pair}
        return rates | (self.own_thresholds.chosen_for if self.own_thresholds else {})

    def in_force(self) -> str:
        """The settings that have a value as a JSON object, for an output of the stack, which everybody may read.

        The address of a person is left out. ``promised`` holds ``promised_rates``, ``own_thresholds`` those of
        ``thresholds_file``, which other machines do not have.
        """
        settings = self.model_dump(mode="json", exclude={"alarm_email"}, exclude_none=True)
        if self.promised_rates:
            settings["promised"] = self.promised_rates
        if own := self.own_thresholds:
            settings["own_thresholds"] = {
                name: getattr(own, name) for name in ("version", "operating_point", "normal_below", "all_from")
            }
        return json.dumps(settings)

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Self:
        """Read the settings from the CDK context, which also holds names of the CDK and of others.

        Raises:
            ConfigurationError: a value cannot be used, or a name looks like a misspelt setting.
        """
        names = cls.model_fields
        for name in context:
            meant = get_close_matches(name, names, n=1, cutoff=0.8)
            if name not in names and meant:
                raise ConfigurationError(f"{name}: there is no such setting; is {meant[0]} meant?")
        return cls(**{name: context[name] for name in names if name in context})
