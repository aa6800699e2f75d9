"""The settings of a deployment, and the messages about wrong ones."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.settings.configuration import Configuration
from infra.settings.fields import ConfigurationError
from lambda_fn.manifest import Manifest
from lambda_fn.preprocessing import Limits
from tests.lambda_fn.test_own_thresholds import OWN

KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_nothing_need_be_chosen() -> None:
    assert Configuration.from_context({}) == Configuration()


def test_numbers_come_as_text_from_the_command_line_and_as_numbers_from_cdk_json() -> None:
    context = {"memory_mb": "3008", "batch_size": 100, "reserved_concurrency": "60", "stage": "lab"}
    configuration = Configuration.from_context(context)
    assert (configuration.memory_mb, configuration.batch_size, configuration.reserved_concurrency) == (3008, 100, 60)
    assert configuration.stage == "lab"


@pytest.mark.parametrize("tags", ["team=cells,ward=3 B", {"team": "cells", "ward": "3 B"}])
def test_tags_come_as_text_from_the_command_line_and_as_an_object_from_cdk_json(tags: Any) -> None:
    assert Configuration.from_context({"tags": tags}).tags == {"team": "cells", "ward": "3 B"}


@pytest.mark.parametrize("keys", [f"{KEY},{KEY}", [KEY, KEY]])
def test_former_keys_come_as_text_from_the_command_line_and_as_an_array_from_cdk_json(keys: Any) -> None:
    assert Configuration.from_context({"former_kms_keys": keys}).former_kms_keys == (KEY, KEY)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso-b"])
@pytest.mark.parametrize("name", ["kms_key", "former_kms_keys"])
def test_keys_of_every_partition_are_taken(name: str, partition: str) -> None:
    assert Configuration.from_context({name: KEY.replace("arn:aws:", f"arn:{partition}:")})


def test_a_stack_takes_over_a_bucket_of_images_that_an_earlier_stack_left() -> None:
    name = "cellflag-lab-storageimages4a7f-1x2y"
    assert Configuration(images_bucket=name, results_bucket="ours").images_bucket == name


def test_the_queue_and_a_backfill_together_leave_a_new_account_one_of_its_ten_calls() -> None:
    assert Configuration().max_concurrency + Configuration().backfill_concurrency == 9


def test_the_least_memory_follows_the_models_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    model = replace(Manifest.read(), limits=Limits(pixels=100_000_000))
    monkeypatch.setattr(Manifest, "read", lambda: model)
    with pytest.raises(ConfigurationError, match="memory_mb is 1769; it must be 2688 or more"):
        Configuration()
    assert Configuration(memory_mb=2688)


def test_rates_and_switches_come_as_text_too() -> None:
    context = {"all_decided_normal": "0.02", "snap_start": "true", "canary_minutes": "0"}
    configuration = Configuration.from_context(context)
    assert (configuration.all_decided_normal, configuration.snap_start, configuration.canary_minutes) == (0.02, True, 0)


def test_thresholds_of_a_laboratory_are_read_from_a_file_and_promise_their_rates(tmp_path: Path) -> None:
    own = replace(OWN, model_sha256=Manifest.read().sha256)
    file = tmp_path / "thresholds.json"
    file.write_text(own.to_json(indent=1))
    configuration = Configuration(thresholds_file=str(file))
    assert configuration.own_thresholds == own
    in_force = json.loads(configuration.in_force())
    assert in_force["promised"] == {"all_decided_normal": 0.04}
    assert Configuration.from_context(in_force) == configuration
    assert in_force["own_thresholds"] == {
        "version": own.version,
        "operating_point": own.operating_point,
        "normal_below": own.normal_below,
        "all_from": own.all_from,
    }
    with pytest.raises(ConfigurationError, match="thresholds_file goes without all_decided_normal"):
        Configuration(thresholds_file=str(file), all_decided_normal=0.02)
    with pytest.raises(ConfigurationError, match="review_everything leaves nothing to decide"):
        Configuration(thresholds_file=str(file), review_everything=True)


def test_a_file_of_thresholds_that_is_missing_odd_or_of_another_model_is_refused(tmp_path: Path) -> None:
    odd, other = tmp_path / "odd.json", tmp_path / "other.json"
    odd.write_text("{}")
    other.write_text(OWN.to_json())
    for file, message in (
        (tmp_path / "none.json", "No such file"),
        (odd, "these are no thresholds"),
        (other, "were chosen for the model v"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            Configuration(thresholds_file=str(file))


def test_rates_between_two_of_the_table_promise_the_lower_one() -> None:
    settings = json.loads(Configuration(all_decided_normal=0.025).in_force())
    assert settings["promised"] == {"all_decided_normal": 0.02}
    assert "promised" not in json.loads(Configuration().in_force())


def test_hipaa_turns_on_a_key_and_access_logs_and_keeps_a_key_that_is_named() -> None:
    configuration = Configuration(hipaa=True)
    assert (configuration.kms_key, configuration.access_logs) == ("own", True)
    assert Configuration(hipaa=True, kms_key=KEY).kms_key == KEY


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"batch_size": "11", "batch_window_seconds": "0"}, "batch_size is 11; SQS takes over 10 only if batch_window"),
        (
            {"reserved_concurrency": 8},
            "reserved_concurrency is 8; it must be 9 or more, max_concurrency and backfil",
        ),
        ({"images_kms_key": KEY}, "images_kms_key is given without images_bucket"),
        ({"review_everything": "true", "all_decided_normal": "0.1"}, "review_everything leaves nothing to decide"),
        ({"review_everything": True, "normal_decided_all": 0.1}, "review_everything leaves nothing to decide"),
        ({"hipaa": "true", "access_logs": "false"}, "hipaa demands access logs"),
        ({"results_kms_key": KEY}, "results_kms_key is given without results_bucket"),
        ({"images_bucket": "ours", "results_bucket": "ours"}, "images_bucket and results_bucket are the same"),
        (
            {"results_bucket": "ours", "results_retention_days": "9"},
            "results_retention_days is given with results_buck",
        ),
        (
            {"images_bucket": "cellflag-lab-storageresults4a7f-1x2y"},
            "images_bucket is 'cellflag-lab-storageresults4a7f-1x2y', which holds results",
        ),
        (
            {"images_bucket": "cellflag-lab-storageaccesslogs4a7f-1x"},
            "images_bucket is 'cellflag-lab-storageaccesslogs",
        ),
        (
            {"memory_mb": "128"},
            "memory_mb is 128; it must be 1024 or more: the model's limits let in images of 25,000,00",
        ),
        ({"memory_mb": 1023}, "memory_mb is 1023; it must be 1024 or more"),
    ],
)
def test_choices_that_contradict_each_other_are_answered_in_one_line(context: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Configuration.from_context(context)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_context_that_belongs_to_others_is_left_alone() -> None:
    context = {"aws:cdk:bundling-stacks": ["**"], "@aws-cdk/core:checkSecretUsage": True, "theirs": 1}
    assert Configuration.from_context(context) == Configuration()


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"stage": "Lab 1"}, "stage is 'Lab 1'; it must be 1 to 40 small letters, digits and hyphens, a letter first"),
        ({"stage": ""}, "stage is ''"),
        ({"stage": 7}, "stage is 7"),
        ({"target": "azure"}, "target is 'azure'; it must be one of aws, local"),
        ({"images_bucket": "s3://mine"}, "images_bucket is 's3://mine'; it must be the name of an S3 bucket"),
        ({"memory_mb": "64"}, "memory_mb is 64; it must be 128 to 10240"),
        ({"memory_mb": "1 GB"}, "memory_mb is '1 GB'; it must be a whole number"),
        ({"memory_mb": True}, "memory_mb is True; it must be a whole number"),
        ({"memory_mb": 1.5}, "memory_mb is 1.5; it must be a whole number"),
        ({"timeout_seconds": "901"}, "timeout_seconds is 901; it must be 1 to 900"),
        ({"timeout_seconds": "-1"}, "timeout_seconds is -1; it must be 1 to 900"),
        ({"batch_size": 0}, "batch_size is 0; it must be 1 to 1000"),
        ({"batch_window_seconds": 301}, "batch_window_seconds is 301; it must be 0 to 300"),
        ({"max_concurrency": 1}, "max_concurrency is 1; it must be 2 to 1000"),
        ({"reserved_concurrency": 0}, "reserved_concurrency is 0; it must be 1 to 100000"),
        ({"log_retention_days": 31}, "log_retention_days is 31; it must be one of 1, 3, 5"),
        ({"log_retention_days": "a month"}, "log_retention_days is a month; it must be one of 1, 3, 5"),
        ({"log_retention_days": True}, "log_retention_days is True; it must be one of 1, 3, 5"),
        ({"results_retention_days": 0}, "results_retention_days is 0; it must be 1 to 36500"),
        ({"canary_minutes": False}, "canary_minutes is False; it must be one of 0, 5, 10, 15, 30"),
        ({"canary_minutes": 5.0}, "canary_minutes is 5.0; it must be one of 0, 5, 10, 15, 30"),
        ({"canary_minutes": "7"}, "canary_minutes is 7; it must be one of 0, 5, 10, 15, 30"),
        ({"snap_start": "yes"}, "snap_start is 'yes'; it must be true or false"),
        ({"review_everything": 1}, "review_everything is 1; it must be true or false"),
        ({"explain": "some"}, "explain is 'some'; it must be one of flagged, all, none"),
        ({"hipaa": ""}, "hipaa is ''; it must be true or false"),
        ({"access_logs": "on"}, "access_logs is 'on'; it must be true or false"),
        ({"kms_key": "mine"}, "kms_key is 'mine'; it must be own, or the ARN of a KMS key"),
        ({"kms_key": KEY.replace("key/", "alias/")}, "kms_key is 'arn:aws:kms:eu-west-1:111122223333:alias/"),
        ({"images_kms_key": "own"}, "images_kms_key is 'own'; it must be the ARN of a KMS key"),
        ({"images_prefix": "slides/*"}, "images_prefix is 'slides/*'; it must be 1 to 512 letters"),
        ({"former_kms_keys": "own"}, "former_kms_keys is 'own'; it must be ARN,ARN: for each key the ARN of a KMS key"),
        ({"former_kms_keys": f"{KEY}, {KEY}"}, "former_kms_keys is 'arn:aws:kms:"),
        ({"former_kms_keys": 7}, "former_kms_keys is 7; it must be ARN,ARN"),
        ({"results_bucket": "Results"}, "results_bucket is 'Results'; it must be the name of an S3 bucket"),
        ({"images_suffix": ["bmp"]}, "images_suffix is ['bmp']; it must be 1 to 512 letters"),
        ({"alarm_email": "the lab"}, "alarm_email is 'the lab'; it must be an e-mail address"),
        ({"all_decided_normal": "few"}, "all_decided_normal is 'few'; it must be a number"),
        ({"normal_decided_all": "inf"}, "normal_decided_all is 'inf'; it must be a number"),
        ({"normal_decided_all": "nan"}, "normal_decided_all is 'nan'; it must be a number"),
        ({"normal_decided_all": True}, "normal_decided_all is True; it must be a number"),
        ({"audit_share": "1.5"}, "audit_share is 1.5; it must be 0 to 1"),
        ({"audit_share": "-0.1"}, "audit_share is -0.1; it must be 0 to 1"),
        ({"audit_share": "few"}, "audit_share is 'few'; it must be a number"),
        ({"um_per_px": "0"}, "um_per_px is 0; it must be 0.001 to 10"),
        ({"um_per_px": "small"}, "um_per_px is 'small'; it must be a number"),
        ({"tags": "team"}, "tags holds 'team' with value ''; it must be name=value,name=value"),
        ({"tags": ["team"]}, "tags is ['team']; it must be name=value,name=value"),
        ({"tags": {"team": 7}}, "tags holds 'team' with value 7"),
        ({"tags": "aws:team=cells"}, "tags holds 'aws:team' with value 'cells'"),
        ({"tags": "stage=lab"}, "tags holds 'stage', which every deployment sets itself; leave it out"),
        ({"sage": "lab"}, "sage: there is no such setting; is stage meant?"),
        ({"memory-mb": "512"}, "memory-mb: there is no such setting; is memory_mb meant?"),
    ],
)
def test_a_wrong_choice_is_answered_in_one_line(context: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Configuration.from_context(context)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_a_name_that_is_no_setting_is_refused() -> None:
    misspelt: dict[str, Any] = {"hippa": True}
    with pytest.raises(ConfigurationError, match="hippa: there is no such setting"):
        Configuration(**misspelt)


@pytest.mark.parametrize("name", ["all_decided_normal", "normal_decided_all"])
@pytest.mark.parametrize("within", [1, 0.99, 1.01, 0, -1])
@pytest.mark.parametrize("end", [0, -1])
def test_only_error_rates_that_the_shipped_model_has_thresholds_for_are_taken(
    name: str, within: float, end: int
) -> None:
    rates = [rate for rate, _ in Manifest.read().thresholds_by_rate[name]]
    chosen = rates[end] * within
    if rates[0] <= chosen <= rates[-1]:
        assert Configuration.from_context({name: str(chosen)}).own_rates == {name: chosen}
    else:
        message = f"{name} is {chosen:g}; it must be {rates[0]:g} to {rates[-1]:g}, the rates that "
        with pytest.raises(ConfigurationError, match=message):
            Configuration.from_context({name: str(chosen)})


def test_no_error_rate_is_taken_for_a_model_without_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    model = replace(Manifest.read(), version="bare", thresholds_by_rate={})
    monkeypatch.setattr(Manifest, "read", lambda: model)
    with pytest.raises(ConfigurationError, match=r"all_decided_normal is 0\.04; bare has no table of it, so leave it"):
        Configuration(all_decided_normal=0.04)
