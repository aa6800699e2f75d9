"""Promises of the stack as a whole."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Template

from infra.packaging.bundle import Target
from infra.settings.configuration import Configuration
from lambda_fn.manifest import AchievedShares, Manifest
from tests.infra.templates import KEY, Synthesize, actions, only, resources, statements

NAMES = {
    "ImagesBucketName",
    "ResultsBucketName",
    "QueueUrl",
    "DeadLetterQueueUrl",
    "FunctionName",
    "BackfillArn",
    "AlarmTopicArn",
    "Settings",
}


def test_outputs_give_the_names_that_users_need(template: Template) -> None:
    assert set(template.to_json()["Outputs"]) == NAMES


def test_the_local_target_changes_the_functions_platform_and_leaves_out_resources_that_the_local_cloud_lacks(
    synthesize: Synthesize, template: Template
) -> None:
    function, _ = only(template, "AWS::Lambda::Function", "ScoringFunction")
    local = synthesize(Target("local", "3.11", "x86_64", None), target="local").to_json()["Resources"]
    aws = template.to_json()["Resources"]
    lacking = {aws[name]["Type"] for name in set(aws) - set(local)}
    assert lacking - {"AWS::Lambda::Version", "AWS::IAM::Role"} == {
        "AWS::Athena::NamedQuery",
        "AWS::CloudWatch::Alarm",
        "AWS::CodeDeploy::Application",
        "AWS::CodeDeploy::DeploymentGroup",
    }
    properties = local[function]["Properties"]
    assert (properties.pop("Runtime"), properties.pop("Architectures")) == ("python3.11", ["x86_64"])
    for name in ("Runtime", "Architectures"):
        del aws[function]["Properties"][name]
    assert local[function] == aws[function]


SHOWN = {
    "AWS::S3::Bucket": ("VersioningConfiguration.Status",),
    "AWS::SQS::Queue": ("VisibilityTimeout", "MessageRetentionPeriod", "RedrivePolicy.maxReceiveCount"),
    "AWS::Lambda::Function": ("Handler", "Runtime", "MemorySize", "Timeout"),
    "AWS::Lambda::Alias": ("Name",),
    "AWS::Lambda::EventSourceMapping": ("BatchSize", "ScalingConfig.MaximumConcurrency"),
    "AWS::Logs::LogGroup": ("RetentionInDays",),
    "AWS::CloudWatch::Alarm": ("ComparisonOperator", "Threshold", "EvaluationPeriods"),
    "AWS::CodeDeploy::DeploymentGroup": ("DeploymentConfigName",),
    "AWS::Athena::NamedQuery": ("Name",),
}


def outline(template: Template) -> list[str]:
    """A line for each resource: its name, its type, the properties in ``SHOWN``, and rights."""
    lines = []
    for name, resource in template.to_json()["Resources"].items():
        shown = [f"{re.sub('([0-9A-F]{8})+([0-9a-f]{32})?$', '', name)}: {resource['Type']}"]
        for statement in resource.get("Properties", {}).get("PolicyDocument", {}).get("Statement", ()):
            verb = "may" if statement["Effect"] == "Allow" else "denied"
            shown.append(f"{verb} {' '.join(sorted(actions(statement)))}")
        for path in SHOWN.get(resource["Type"], ()):
            value: Any = resource.get("Properties", {})
            for part in path.split("."):
                value = value.get(part) if isinstance(value, dict) else None
            if isinstance(value, str | int | float):
                shown.append(f"{path.rpartition('.')[2]}={value}")
        lines.append(", ".join(shown))
    return sorted(lines)


def test_the_stack_is_as_outlined(synthesize: Synthesize, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a change is intended, copy the printed text to stack.txt."""
    shipped = replace(Manifest.read(), version="a-model", sha256="digest")
    model = replace(shipped, achieved=AchievedShares(0.25, all_decided_normal=0.04, normal_decided_all=0.1))
    monkeypatch.setattr(Manifest, "read", lambda: model)
    text = "\n".join(outline(synthesize())) + "\n"
    assert text == Path(__file__).with_name("stack.txt").read_text("utf-8"), text


def allowed(template: Template) -> list[tuple[str, dict[str, Any]]]:
    """Every statement of the stack that allows something, with the name of its resource."""
    return [
        (name, statement)
        for name, resource in template.to_json()["Resources"].items()
        for document in ("PolicyDocument", "KeyPolicy", "AssumeRolePolicyDocument")
        for statement in resource.get("Properties", {}).get(document, {}).get("Statement", ())
        if statement["Effect"] == "Allow"
    ]


def test_nobody_outside_of_the_account_is_let_in_but_services_of_aws_on_its_behalf(synthesize: Synthesize) -> None:
    services, others = set(), []
    for _, statement in allowed(synthesize(hipaa=True)):
        principal = statement.get("Principal", {"Service": []})
        if set(principal) != {"Service"}:
            others.append(json.dumps(principal))
        elif principal["Service"]:
            services.add(str(principal["Service"]))
    names = ("cloudwatch", "codedeploy", "delivery.logs", "lambda", "logging.s3", "s3", "states")
    logs = {"Fn::Join": ["", ["logs.", {"Ref": "AWS::Region"}, ".amazonaws.com"]]}
    assert services == {f"{name}.amazonaws.com" for name in names} | {str(logs)}
    assert [other for other in others if '{"Ref": "AWS::AccountId"}, ":root"' not in other] == []


def test_a_bucket_that_somebody_else_makes_under_an_old_name_is_neither_read_nor_written_nor_listened_to(
    template: Template,
) -> None:
    account = {"Ref": "AWS::AccountId"}
    buckets = set(resources(template, "AWS::S3::Bucket"))
    rights = [
        statement
        for name, statement in allowed(template)
        if any(bucket in json.dumps(statement.get("Resource")) for bucket in buckets)
        and not name.startswith("StorageImagesNotificationsHandler")  # it runs while the buckets are made
    ]
    assert {statement["Sid"] for statement in rights} == {
        "ReadImages",
        "WriteResults",
        "ReadLabels",
        "WithdrawResults",
        "TellMissingFromForbidden",
        "ListImages",
        "ReadListAndWriteOutcome",
    }
    for statement in rights:
        assert statement["Condition"]["StringEquals"] == {"aws:ResourceAccount": account}
    refused = [s for s in statements(template, "ScoringQueue", "AWS::SQS::QueuePolicy") if s["Effect"] == "Deny"]
    assert {"StringNotEquals": {"aws:SourceAccount": account}} in [statement["Condition"] for statement in refused]


def test_a_service_takes_a_role_for_this_account_alone(synthesize: Synthesize) -> None:
    trusted = 0
    for role in resources(synthesize(hipaa=True), "AWS::IAM::Role").values():
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
            trusted += 1
    assert trusted == 4  # function, backfill, release, and the CDK's own function


@pytest.mark.parametrize("choices", [{}, {"hipaa": True}, {"images_bucket": "ours", "results_bucket": "theirs"}])
def test_no_arn_names_a_partition(synthesize: Synthesize, choices: dict[str, Any]) -> None:
    """GovCloud, China and the European Sovereign Cloud have their own: `arn:aws-us-gov`, `arn:aws-cn` and so on."""
    assert "arn:aws" not in json.dumps(synthesize(**choices).to_json())


def test_the_settings_in_force_are_an_output_that_deploys_the_same_again(synthesize: Synthesize) -> None:
    choices: dict[str, Any] = {
        "kms_key": "own",
        "alarm_email": "lab@example.org",
        "tags": {"team": "a"},
        "former_kms_keys": (KEY,),
    }
    outputs = synthesize(**choices).to_json()["Outputs"]
    settings = outputs["Settings"]["Value"]
    assert "example.org" not in settings
    del choices["alarm_email"]
    assert Configuration.from_context(json.loads(settings)) == Configuration(**choices)
    assert "Fn::GetAtt" in outputs["KeyArn"]["Value"]


def test_no_role_has_a_right_to_everything(synthesize: Synthesize) -> None:
    for name, statement in allowed(synthesize(hipaa=True)):
        of_a_role = "Principal" not in statement
        assert not of_a_role or "*" not in json.dumps(sorted(actions(statement))), name
        if of_a_role and statement["Resource"] == "*":
            # AWS offers no resource to deliver logs and traces to; the CDK's function turns on notifications.
            services = {action.partition(":")[0] for action in actions(statement)}
            assert services in ({"logs"}, {"xray"}) or actions(statement) == {"s3:PutBucketNotification"}, name
