"""A new version of the function comes into service bit by bit, and alarms take it back."""

import json
from typing import Any

import pytest
from aws_cdk.assertions import Template

from tests.infra.stack.test_monitoring import ALARM, alarm, evaluated, metrics_by
from tests.infra.templates import Synthesize, actions, only, resources


def test_a_new_version_gets_a_tenth_of_the_batches_first_and_alarms_roll_it_back(template: Template) -> None:
    name, group = only(template, "AWS::CodeDeploy::DeploymentGroup", "Release")
    assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    assert group["AutoRollbackConfiguration"]["Enabled"] is True
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    watched = json.dumps(group["AlarmConfiguration"]["Alarms"])
    assert all(part in watched for part in ("MonitoringReleaseErrors", "MonitoringReleaseFailures"))
    (alias,) = resources(template, "AWS::Lambda::Alias").values()
    assert alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"] == {"Ref": name}


def test_a_release_is_judged_by_the_failures_of_the_new_version_alone(template: Template) -> None:
    """A tenth of the traffic would else have to fail by half before the share of all messages reaches 5 %."""
    ((version, _),) = resources(template, "AWS::Lambda::Version").items()
    number = {"Fn::GetAtt": [version, "Version"]}
    failures, crashes = alarm(template, "ReleaseFailures"), alarm(template, "ReleaseErrors")
    assert metrics_by(failures, {"service": "cellflag-test", "version": number}) == {"MessagesFailed", "Images"}
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in crashes["Dimensions"]}
    assert (crashes["MetricName"], dimensions["ExecutedVersion"]) == ("Errors", number)
    assert ":live" in json.dumps(dimensions["Resource"])
    _, group = only(template, "AWS::CodeDeploy::DeploymentGroup", "Release")
    others = [one for one in group["AlarmConfiguration"]["Alarms"] if "MonitoringRelease" not in json.dumps(one)]
    assert others == [{"Name": {"Ref": only(template, ALARM, "MonitoringPromiseBroken")[0]}}]


@pytest.mark.parametrize(
    ("figures", "percent"),
    [
        ({"images": 0, "failed": 9}, 0),  # fewer than ten messages in five minutes judge nothing
        ({"images": 0, "failed": 10}, 100),
        ({"images": 19, "failed": 1}, 5),
        ({"images": 18, "failed": 2}, 10),
    ],
)
def test_ten_messages_of_the_new_version_in_five_minutes_judge_it(
    template: Template, figures: dict[str, float], percent: float
) -> None:
    assert evaluated(alarm(template, "ReleaseFailures"), **figures) == percent


def test_codedeploy_moves_the_alias_of_this_function_and_reaches_no_other(template: Template) -> None:
    _, role = only(template, "AWS::IAM::Role", "ReleaseRole")
    assert "ManagedPolicyArns" not in role
    (policy,) = role["Policies"]
    reading, moving = policy["PolicyDocument"]["Statement"]
    function, _ = only(template, "AWS::Lambda::Function", "ScoringFunction")
    arn = {"Fn::GetAtt": [function, "Arn"]}
    assert actions(moving) == {"lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"}
    assert moving["Resource"] == [arn, {"Fn::Join": ["", [arn, ":*"]]}]
    assert actions(reading) == {"cloudwatch:DescribeAlarms"}


def test_dead_letters_do_not_keep_the_version_that_mends_them_from_coming_into_service(template: Template) -> None:
    _, group = only(template, "AWS::CodeDeploy::DeploymentGroup", "Release")
    assert "DeadLetters" not in json.dumps(group["AlarmConfiguration"])


@pytest.mark.parametrize("choices", [{"canary_minutes": 0}, {"target": "local"}])
def test_a_version_comes_into_service_at_once_by_choice_and_on_the_local_cloud(
    synthesize: Synthesize, choices: dict[str, Any]
) -> None:
    template = synthesize(**choices)
    assert not resources(template, "AWS::CodeDeploy::DeploymentGroup")
    (alias,) = resources(template, "AWS::Lambda::Alias").values()
    assert "UpdatePolicy" not in alias
