"""What the stack promises, read from its template."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Match, Template

from infra.bundling import Bundle, Target, aws_target
from infra.configuration import Configuration
from infra.stack import PYTHON, CellflagStack

ON_AWS = aws_target(PYTHON)
Synthesize = Callable[..., Template]
RESULT_PREFIXES = ["/results/*", "/review/*", "/explanations/*", "/ledger/*"]


@pytest.fixture(scope="module")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    code = tmp_path_factory.mktemp("code")
    (code / "handler.py").write_text("")

    def to_template(runs_on: Target = ON_AWS, **choices: Any) -> Template:
        app = App(outdir=str(tmp_path_factory.mktemp("cdk")))
        bundle = Bundle(code, runs_on, zipped=1, unzipped=1, bytecode=True)
        return Template.from_stack(
            CellflagStack(app, "cellflag-test", configuration=Configuration(**choices), bundle=bundle)
        )

    return to_template


@pytest.fixture(scope="module")
def template(synthesize: Synthesize) -> Template:
    return synthesize()


def resources(template: Template, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = template.to_json()["Resources"]
    return {name: resource for name, resource in found.items() if resource["Type"] == kind}


def only(template: Template, kind: str, part_of_name: str) -> tuple[str, dict[str, Any]]:
    (found,) = [item for item in resources(template, kind).items() if part_of_name in item[0]]
    return found


def statements(template: Template) -> list[dict[str, Any]]:
    _, policy = only(template, "AWS::IAM::Policy", "ScoringRole")
    found: list[dict[str, Any]] = policy["Properties"]["PolicyDocument"]["Statement"]
    return found


def test_images_and_results_lie_in_two_private_encrypted_versioned_buckets(template: Template) -> None:
    template.resource_count_is("AWS::S3::Bucket", 2)
    template.all_resources_properties(
        "AWS::S3::Bucket",
        {
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "VersioningConfiguration": {"Status": "Enabled"},
        },
    )


def test_destroying_the_stack_keeps_images_and_results(template: Template) -> None:
    template.all_resources("AWS::S3::Bucket", {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"})


def test_uploads_that_were_never_completed_are_removed_after_a_week(template: Template) -> None:
    rule = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}, "Status": "Enabled"}
    template.all_resources_properties("AWS::S3::Bucket", {"LifecycleConfiguration": {"Rules": [rule]}})


@pytest.mark.parametrize("kind", ["AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"])
def test_nothing_is_reached_without_tls(template: Template, kind: str) -> None:
    denied = Match.object_like({"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}})
    template.resource_count_is(kind, 2)
    template.all_resources_properties(kind, {"PolicyDocument": {"Statement": Match.array_with([denied])}})


def test_buckets_refuse_tls_below_1_2(template: Template) -> None:
    denied = Match.object_like({"Effect": "Deny", "Condition": {"NumericLessThan": {"s3:TlsVersion": 1.2}}})
    template.all_resources_properties(
        "AWS::S3::BucketPolicy", {"PolicyDocument": {"Statement": Match.array_with([denied])}}
    )


def test_every_upload_is_announced_whatever_its_suffix(template: Template) -> None:
    queue, _ = only(template, "AWS::SQS::Queue", "ScoringQueue")
    images, _ = only(template, "AWS::S3::Bucket", "Images")
    template.has_resource_properties(
        "Custom::S3BucketNotifications",
        {
            "BucketName": {"Ref": images},
            "NotificationConfiguration": {
                "QueueConfigurations": [{"Events": ["s3:ObjectCreated:*"], "QueueArn": {"Fn::GetAtt": [queue, "Arn"]}}]
            },
        },
    )


def test_only_the_images_bucket_may_send_to_the_queue(template: Template) -> None:
    images, _ = only(template, "AWS::S3::Bucket", "Images")
    _, policy = only(template, "AWS::SQS::QueuePolicy", "ScoringQueue")
    (allowed,) = [s for s in policy["Properties"]["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "s3.amazonaws.com"}
    assert allowed["Condition"] == {"ArnLike": {"aws:SourceArn": {"Fn::GetAtt": [images, "Arn"]}}}


def test_a_message_is_received_five_times_then_kept_for_14_days(template: Template) -> None:
    dead_letters, properties = only(template, "AWS::SQS::Queue", "DeadLetters")
    _, queue = only(template, "AWS::SQS::Queue", "ScoringQueue")
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": [dead_letters, "Arn"]}, "maxReceiveCount": 5}
    assert queue["Properties"]["RedrivePolicy"] == redrive
    assert properties["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_queues_are_encrypted(template: Template) -> None:
    template.resource_count_is("AWS::SQS::Queue", 2)
    template.all_resources_properties("AWS::SQS::Queue", {"SqsManagedSseEnabled": True})


@pytest.mark.parametrize("timeout", [10, 60, 900])
def test_a_message_stays_invisible_for_six_timeouts_of_the_function(synthesize: Synthesize, timeout: int) -> None:
    template = synthesize(timeout_seconds=timeout)
    template.has_resource_properties(
        "AWS::Lambda::Function", {"Timeout": timeout, "Handler": "lambda_fn.handler.handler"}
    )
    _, queue = only(template, "AWS::SQS::Queue", "ScoringQueue")
    assert queue["Properties"]["VisibilityTimeout"] == 6 * timeout


def test_the_function_runs_on_arm64_with_one_full_cpu(template: Template) -> None:
    _, function = only(template, "AWS::Lambda::Function", "ScoringFunction")
    results, _ = only(template, "AWS::S3::Bucket", "Results")
    properties = function["Properties"]
    assert properties["Runtime"] == f"python{PYTHON}"
    assert properties["Architectures"] == ["arm64"]
    assert properties["MemorySize"] == 1769
    assert properties["Environment"]["Variables"] == {
        "RESULTS_BUCKET": {"Ref": results},
        "POWERTOOLS_SERVICE_NAME": "cellflag",
    }
    assert "ReservedConcurrentExecutions" not in properties


def test_only_failed_messages_of_a_batch_go_back(template: Template) -> None:
    template.has_resource_properties(
        "AWS::Lambda::EventSourceMapping",
        {
            "BatchSize": 10,
            "MaximumBatchingWindowInSeconds": 1,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": 50},
        },
    )


def test_the_function_cannot_write_to_the_images_bucket(template: Template) -> None:
    images, _ = only(template, "AWS::S3::Bucket", "Images")
    granted: set[str] = set()
    for statement in statements(template):
        if images in json.dumps(statement["Resource"]):
            actions = statement["Action"]
            granted |= {actions} if isinstance(actions, str) else set(actions)
    assert granted == {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"}


def test_the_function_writes_results_below_four_prefixes_only(template: Template) -> None:
    results, _ = only(template, "AWS::S3::Bucket", "Results")
    (writing,) = [s for s in statements(template) if "s3:PutObject" in s["Action"]]
    assert writing["Action"] == ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    arn = {"Fn::GetAtt": [results, "Arn"]}
    assert writing["Resource"] == [{"Fn::Join": ["", [arn, prefix]]} for prefix in RESULT_PREFIXES]


def test_the_function_has_no_managed_policy_and_no_right_to_everything(template: Template) -> None:
    _, role = only(template, "AWS::IAM::Role", "ScoringRole")
    assert "ManagedPolicyArns" not in role["Properties"]
    for statement in statements(template):
        assert "*" not in json.dumps(statement["Action"])
        assert statement["Resource"] != "*"


def test_the_function_writes_its_own_log_only_and_the_log_is_kept_for_30_days(template: Template) -> None:
    log, properties = only(template, "AWS::Logs::LogGroup", "ScoringLog")
    (logging,) = [s for s in statements(template) if "logs:" in json.dumps(s["Action"])]
    assert logging["Resource"] == {"Fn::GetAtt": [log, "Arn"]}
    assert properties["Properties"]["RetentionInDays"] == 30


def test_users_are_told_the_names_that_they_need(template: Template) -> None:
    names = {"ImagesBucketName", "ResultsBucketName", "QueueUrl", "DeadLetterQueueUrl", "FunctionName", "BackfillArn"}
    assert set(template.to_json()["Outputs"]) == names


def test_an_existing_bucket_can_be_named(synthesize: Synthesize) -> None:
    template = synthesize(images_bucket="our-slides")
    template.resource_count_is("AWS::S3::Bucket", 1)
    template.has_resource_properties("Custom::S3BucketNotifications", {"BucketName": "our-slides", "Managed": False})
    (reading,) = [s for s in statements(template) if "s3:GetObjectVersion" in s["Action"]]
    assert reading["Resource"] == {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::our-slides/*"]]}


def test_the_local_target_changes_the_functions_runtime_and_architecture_and_nothing_else(
    synthesize: Synthesize, template: Template
) -> None:
    local = synthesize(Target("local", "3.11", "x86_64", None), target="local").to_json()
    aws = template.to_json()
    function, _ = only(template, "AWS::Lambda::Function", "ScoringFunction")
    properties = local["Resources"][function]["Properties"]
    assert (properties.pop("Runtime"), properties.pop("Architectures")) == ("python3.11", ["x86_64"])
    for name in ("Runtime", "Architectures"):
        del aws["Resources"][function]["Properties"][name]
    assert local == aws
