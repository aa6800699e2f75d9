"""What may be chosen at deployment, and what is said of wrong choices."""

from typing import Any

import pytest

from infra.configuration import Configuration, ConfigurationError


def test_nothing_need_be_chosen() -> None:
    assert Configuration.from_context({}) == Configuration()


def test_numbers_come_as_text_from_the_command_line_and_as_numbers_from_cdk_json() -> None:
    context = {"memory_mb": "3008", "batch_size": 100, "reserved_concurrency": "60", "stage": "lab"}
    configuration = Configuration.from_context(context)
    assert (configuration.memory_mb, configuration.batch_size, configuration.reserved_concurrency) == (3008, 100, 60)
    assert configuration.stage == "lab"


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
        ({"timeout_seconds": "-1"}, "timeout_seconds is '-1'; it must be a whole number"),
        ({"batch_size": 0}, "batch_size is 0; it must be 1 to 1000"),
        ({"batch_size": "11", "batch_window_seconds": "0"}, "batch_window_seconds is 0; it must be 1 to 300"),
        ({"max_concurrency": 1}, "max_concurrency is 1; it must be 2 to 1000"),
        ({"max_concurrency": 20, "reserved_concurrency": 10}, "reserved_concurrency is 10; it must be 20 to 100000"),
        ({"log_retention_days": 31}, "log_retention_days is 31; it must be one of 1, 3, 5"),
        ({"sage": "lab"}, "sage: there is no such setting; is stage meant?"),
        ({"memory-mb": "512"}, "memory-mb: there is no such setting; is memory_mb meant?"),
    ],
)
def test_a_wrong_choice_is_answered_in_one_line(context: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Configuration.from_context(context)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)
