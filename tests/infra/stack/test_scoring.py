"""Promises about the path from an upload to the function, and about the function's rights."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Template

from infra.stack.stack import PYTHON
from lambda_fn.manifest import Manifest
from lambda_fn.settings import policy
from tests.infra.templates import Synthesize, actions, only, resources, statements
from tests.lambda_fn.test_own_thresholds import OWN

RESULT_PREFIXES = ["/results/*", "/review/*", "/ledger/*"]
QUEUE, FUNCTION = "AWS::SQS::Queue", "AWS::Lambda::Function"


def announced(template: Template) -> dict[str, Any]:
    _, notifications = only(template, "Custom::S3BucketNotifications", "Images")
    configured, *_ = notifications["NotificationConfiguration"]["QueueConfigurations"]
    return dict(configured)


@pytest.mark.parametrize("choices", [{}, {"images_prefix": "slides/", "images_suffix": ".bmp"}])
def test_deletions_are_announced_like_uploads(synthesize: Synthesize, choices: dict[str, Any]) -> None:
    _, notifications = only(synthesize(**choices), "Custom::S3BucketNotifications", "Images")
    uploads, *deletions = notifications["NotificationConfiguration"]["QueueConfigurations"]
    assert deletions == [
        uploads | {"Events": ["s3:ObjectRemoved:*"]},
        uploads | {"Events": ["s3:LifecycleExpiration:*"]},
    ]


def test_every_upload_is_announced_whatever_its_name(template: Template) -> None:
    queue, _ = only(template, QUEUE, "ScoringQueue")
    assert announced(template) == {"Events": ["s3:ObjectCreated:*"], "QueueArn": {"Fn::GetAtt": [queue, "Arn"]}}


def test_uploads_can_be_narrowed_to_a_prefix_and_a_suffix_and_no_other_image_can_be_read(
    synthesize: Synthesize,
) -> None:
    template = synthesize(images_prefix="slides/", images_suffix=".bmp")
    rules = [{"Name": "suffix", "Value": ".bmp"}, {"Name": "prefix", "Value": "slides/"}]
    assert announced(template)["Filter"] == {"Key": {"FilterRules": rules}}
    (reading,) = [s for s in statements(template) if "s3:GetObjectVersion" in s["Action"]]
    assert reading["Resource"]["Fn::Join"][1][1] == "/slides/*"


def test_only_the_images_bucket_may_send_to_the_queue(template: Template) -> None:
    images, _ = only(template, "AWS::S3::Bucket", "Images")
    granted = statements(template, "ScoringQueue", "AWS::SQS::QueuePolicy")
    (allowed,) = [s for s in granted if s["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "s3.amazonaws.com"}
    assert allowed["Condition"] == {"ArnLike": {"aws:SourceArn": {"Fn::GetAtt": [images, "Arn"]}}}


def test_a_message_is_received_five_times_then_kept_for_14_days(template: Template) -> None:
    dead_letters, properties = only(template, QUEUE, "DeadLetters")
    _, queue = only(template, QUEUE, "ScoringQueue")
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": [dead_letters, "Arn"]}, "maxReceiveCount": 5}
    assert queue["RedrivePolicy"] == redrive
    assert properties["MessageRetentionPeriod"] == 14 * 24 * 3600


@pytest.mark.parametrize("queue", ["ScoringQueue", "DeadLetters"])
def test_queues_are_encrypted_and_refuse_requests_without_tls(template: Template, queue: str) -> None:
    assert only(template, QUEUE, queue)[1]["SqsManagedSseEnabled"] is True
    denied = {"Effect": "Deny", "Action": "sqs:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    policy = statements(template, queue, "AWS::SQS::QueuePolicy")
    assert [statement for statement in policy if denied.items() <= statement.items()]


@pytest.mark.parametrize("timeout", [10, 60, 900])
@pytest.mark.parametrize("window", [1, 300])
def test_a_message_stays_invisible_for_six_timeouts_of_the_function_and_the_batch_window(
    synthesize: Synthesize, timeout: int, window: int
) -> None:
    template = synthesize(timeout_seconds=timeout, batch_window_seconds=window)
    assert only(template, FUNCTION, "ScoringFunction")[1]["Timeout"] == timeout
    assert only(template, QUEUE, "ScoringQueue")[1]["VisibilityTimeout"] == 6 * timeout + window


def test_the_function_runs_on_arm64_with_one_full_cpu(template: Template) -> None:
    _, function = only(template, FUNCTION, "ScoringFunction")
    assert function["Handler"] == "lambda_fn.handler.handler"
    assert (function["Runtime"], function["Architectures"]) == (f"python{PYTHON}", ["arm64"])
    assert function["MemorySize"] == 1769
    assert "ReservedConcurrentExecutions" not in function
    assert "SnapStart" not in function


def test_the_function_gets_no_variable_for_a_setting_without_a_value(template: Template) -> None:
    results, _ = only(template, "AWS::S3::Bucket", "Results")
    _, function = only(template, FUNCTION, "ScoringFunction")
    assert function["Environment"]["Variables"] == {
        "RESULTS_BUCKET": {"Ref": results},
        "POWERTOOLS_SERVICE_NAME": "cellflag-test",
        "EXPLAIN": "flagged",
        "AUDIT_SHARE": "0.02",
        "AUDIT_SALT": {"Ref": "AWS::StackId"},
    }


def test_a_deployment_without_audits_gets_no_salt(synthesize: Synthesize) -> None:
    _, function = only(synthesize(audit_share=0), FUNCTION, "ScoringFunction")
    assert not {"AUDIT_SHARE", "AUDIT_SALT"} & set(function["Environment"]["Variables"])


@pytest.mark.parametrize(
    ("choices", "variables"),
    [
        ({"review_everything": True}, {"REVIEW_EVERYTHING": "true"}),
        ({"explain": "all"}, {"EXPLAIN": "all"}),
        ({"all_decided_normal": 0.02}, {"ALL_DECIDED_NORMAL": "0.02"}),
        ({"normal_decided_all": "0.2"}, {"NORMAL_DECIDED_ALL": "0.2"}),
        ({"um_per_px": "0.05"}, {"UM_PER_PX": "0.05"}),
        ({"audit_share": "0.1"}, {"AUDIT_SHARE": "0.1"}),
    ],
)
def test_choices_about_decisions_reach_the_function(
    synthesize: Synthesize, choices: dict[str, Any], variables: dict[str, str]
) -> None:
    _, function = only(synthesize(**choices), FUNCTION, "ScoringFunction")
    assert variables.items() <= function["Environment"]["Variables"].items()


def test_a_laboratorys_thresholds_reach_the_function_and_the_alarm_about_review(
    synthesize: Synthesize, tmp_path: Path
) -> None:
    model = Manifest.read()
    own = replace(OWN, model_sha256=model.sha256)
    (tmp_path / "thresholds.json").write_text(own.to_json(indent=1))
    template = synthesize(thresholds_file=str(tmp_path / "thresholds.json"))
    _, function = only(template, FUNCTION, "ScoringFunction")
    chosen = policy(function["Environment"]["Variables"], model)
    assert (chosen.thresholds_name, chosen.thresholds.all_from) == (own.version, own.all_from)
    _, alarm = only(template, "AWS::CloudWatch::Alarm", "ReviewShare")
    assert alarm["Threshold"] == pytest.approx(200 * own.review_share)
    assert "the 30 % that thresholds_file states" in alarm["AlarmDescription"]


def test_concurrency_can_be_reserved_and_versions_snapped(synthesize: Synthesize) -> None:
    _, function = only(synthesize(reserved_concurrency=60, snap_start=True), FUNCTION, "ScoringFunction")
    assert function["ReservedConcurrentExecutions"] == 60
    assert function["SnapStart"] == {"ApplyOn": "PublishedVersions"}


def test_a_batch_goes_to_the_live_version_and_only_its_failed_messages_go_back(template: Template) -> None:
    live, _ = only(template, "AWS::Lambda::Alias", "")
    _, source = only(template, "AWS::Lambda::EventSourceMapping", "")
    assert live in json.dumps(source["FunctionName"])
    assert source["FunctionName"]["Fn::Join"][1][-1] == ":live"
    assert (source["BatchSize"], source["MaximumBatchingWindowInSeconds"]) == (50, 1)
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_flood_of_images_takes_five_calls_at_a_time_and_no_more(template: Template) -> None:
    assert only(template, "AWS::Lambda::EventSourceMapping", "")[1]["ScalingConfig"] == {"MaximumConcurrency": 5}


def test_a_version_names_its_model_and_outlives_the_next_deployment(template: Template) -> None:
    ((name, version),) = resources(template, "AWS::Lambda::Version").items()
    model = Manifest.read()
    assert version["Properties"]["Description"] == f"{model.version}, sha256 {model.sha256}"
    assert (version["DeletionPolicy"], version["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    _, live = only(template, "AWS::Lambda::Alias", "")
    assert (live["Name"], live["FunctionVersion"]) == ("live", {"Fn::GetAtt": [name, "Version"]})


def test_a_changed_setting_is_a_version_of_its_own(synthesize: Synthesize, template: Template) -> None:
    changed = synthesize(memory_mb=3008)
    assert set(resources(changed, "AWS::Lambda::Version")) != set(resources(template, "AWS::Lambda::Version"))
    again = synthesize()
    assert set(resources(again, "AWS::Lambda::Version")) == set(resources(template, "AWS::Lambda::Version"))


def test_the_function_cannot_write_to_the_images_bucket(template: Template) -> None:
    images, _ = only(template, "AWS::S3::Bucket", "Images")
    of_images = [statement for statement in statements(template) if images in json.dumps(statement["Resource"])]
    assert set().union(*map(actions, of_images)) == {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"}


def test_the_function_writes_results_below_three_prefixes_only_and_removes_from_two(template: Template) -> None:
    results, _ = only(template, "AWS::S3::Bucket", "Results")
    (writing,) = [s for s in statements(template) if "s3:PutObject" in s["Action"]]
    assert writing["Action"] == ["s3:GetObject", "s3:PutObject"]
    arn = {"Fn::GetAtt": [results, "Arn"]}
    assert writing["Resource"] == [{"Fn::Join": ["", [arn, prefix]]} for prefix in RESULT_PREFIXES]
    (removing,) = [s for s in statements(template) if "s3:DeleteObject" in s["Action"]]
    assert actions(removing) == {"s3:DeleteObject"}
    assert removing["Resource"] == [{"Fn::Join": ["", [arn, prefix]]} for prefix in ("/results/*", "/review/*")]


def test_the_function_deletes_results_and_flags_but_no_version_no_label_and_no_ledger(template: Template) -> None:
    results, _ = only(template, "AWS::S3::Bucket", "Results")
    (deleting,) = [s for s in statements(template) if "s3:Delete" in json.dumps(s["Action"])]
    assert deleting["Action"] == "s3:DeleteObject"
    arn = {"Fn::GetAtt": [results, "Arn"]}
    assert deleting["Resource"] == [{"Fn::Join": ["", [arn, prefix]]} for prefix in ("/results/*", "/review/*")]


def test_the_function_has_no_managed_policy_and_no_right_to_everything(template: Template) -> None:
    _, role = only(template, "AWS::IAM::Role", "ScoringRole")
    assert "ManagedPolicyArns" not in role
    for statement in statements(template):
        assert "*" not in json.dumps(statement["Action"])
        assert statement["Resource"] != "*"


def test_the_function_writes_its_own_log_only_and_the_log_is_kept_for_30_days(template: Template) -> None:
    log, properties = only(template, "AWS::Logs::LogGroup", "ScoringLog")
    (logging,) = [s for s in statements(template) if "logs:" in json.dumps(s["Action"])]
    assert logging["Resource"] == {"Fn::GetAtt": [log, "Arn"]}
    assert properties["RetentionInDays"] == 30
