"""Alarms and the dashboard."""

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from aws_cdk.assertions import Template

from infra import prices
from infra.tools.paths import LAMBDA_PACKAGE
from lambda_fn import reporting
from lambda_fn.manifest import Manifest
from lambda_fn.settings import policy
from tests.infra.templates import KEY, Synthesize, actions, only, resources, statements

ALARM = "AWS::CloudWatch::Alarm"
MODEL = Manifest.read()
ACHIEVED = MODEL.achieved_shares()


def alarm(template: Template, name: str) -> dict[str, Any]:
    return only(template, ALARM, f"Monitoring{name}")[1]


def expression(properties: dict[str, Any]) -> str:
    (math,) = [metric["Expression"] for metric in properties["Metrics"] if "Expression" in metric]
    return str(math)


def own_metrics(properties: dict[str, Any]) -> set[str]:
    """The names of the function's own metrics, all of this deployment and model."""
    return metrics_by(properties, {"service": "cellflag-test", "model": MODEL.version})


def metrics_by(properties: dict[str, Any], expected: dict[str, Any]) -> set[str]:
    """The names of the function's own metrics, all with these dimensions."""
    names = set()
    for metric in (entry["MetricStat"]["Metric"] for entry in properties["Metrics"] if "MetricStat" in entry):
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in metric["Dimensions"]}
        assert dimensions == expected
        assert metric["Namespace"] == reporting.metrics.namespace
        names.add(metric["MetricName"])
    return names


def test_a_single_dead_letter_raises_an_alarm(template: Template) -> None:
    properties = alarm(template, "DeadLetters")
    dead, _ = only(template, "AWS::SQS::Queue", "DeadLetters")
    assert properties["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert dead in json.dumps(properties["Dimensions"])
    assert (properties["ComparisonOperator"], properties["Threshold"], properties["EvaluationPeriods"]) == (
        "GreaterThanThreshold",
        0,
        1,
    )


def test_images_that_wait_for_a_quarter_of_an_hour_raise_an_alarm(template: Template) -> None:
    properties = alarm(template, "OldestMessage")
    assert (properties["MetricName"], properties["Threshold"]) == ("ApproximateAgeOfOldestMessage", 900)


@pytest.mark.parametrize("timeout", [1, 60, 900])
def test_an_image_that_fails_again_and_again_is_the_dead_letters_alarm_alone(
    synthesize: Synthesize, timeout: int
) -> None:
    template = synthesize(timeout_seconds=timeout)
    third_try = 2 * only(template, "AWS::SQS::Queue", "ScoringQueue")[1]["VisibilityTimeout"]
    assert alarm(template, "OldestMessage")["Threshold"] > third_try


def test_errors_of_the_live_version_and_throttles_raise_alarms(template: Template) -> None:
    errors, throttles = alarm(template, "Errors"), alarm(template, "Throttles")
    assert (errors["MetricName"], throttles["MetricName"]) == ("Errors", "Throttles")
    assert ":live" in json.dumps(errors["Dimensions"])


def test_failed_messages_raise_an_alarm_although_the_call_that_reports_them_succeeds(template: Template) -> None:
    properties = alarm(template, "MessagesFailed")
    assert own_metrics(properties) == {"MessagesFailed", "Images"}
    assert properties["Threshold"] == 5


def test_far_more_than_the_model_cards_review_share_for_three_hours_raises_an_alarm(template: Template) -> None:
    properties = alarm(template, "ReviewShare")
    assert own_metrics(properties) == {"Review", "Images"}
    expected = 100 * ACHIEVED.review_share
    assert properties["Threshold"] == pytest.approx(min(2 * expected, (expected + 100) / 2), abs=0.01)
    assert properties["EvaluationPeriods"] == 3
    assert "FILL(images, 0) >= 100" in expression(properties)


@pytest.mark.parametrize(
    ("name", "rate"), [("DecidedALL", ACHIEVED.normal_decided_all), ("DecidedNormal", ACHIEVED.all_decided_normal)]
)
def test_fewer_decisions_than_any_mix_of_cells_explains_for_three_days_raise_an_alarm(
    template: Template, name: str, rate: float
) -> None:
    properties = alarm(template, name)
    assert own_metrics(properties) == {name, "Images"}
    assert (properties["ComparisonOperator"], properties["EvaluationPeriods"]) == ("LessThanThreshold", 3)
    assert properties["Threshold"] == pytest.approx(50 * rate, abs=0.01)


NO_DATA = float("nan")


def evaluated(properties: dict[str, Any], **values: float) -> float:
    """The value of an alarm's expression for one period, with IF and FILL as CloudWatch documents them."""

    def fill(value: float, instead: float) -> float:
        return instead if np.isnan(value) else value

    functions = {"IF": lambda condition, yes, no: yes if condition else no, "FILL": fill}
    with np.errstate(divide="ignore", invalid="ignore"):
        figures = {name: np.float64(value) for name, value in values.items()}
        return float(eval(expression(properties), functions | figures))


@pytest.mark.parametrize(
    ("name", "figures", "value"),
    [
        ("MessagesFailed", {"images": 90, "failed": 10}, 10),
        ("MessagesFailed", {"images": NO_DATA, "failed": 20}, 100),
        ("MessagesFailed", {"images": 5, "failed": 4}, 0),  # a few say nothing
        ("ReviewShare", {"images": 200, "part": 120}, 60),
        ("DecidedALL", {"images": 500, "part": 1}, 0.2),
        ("DecidedNormal", {"images": 1000, "part": 20}, 2),
    ],
)
def test_alarms_calculate_percentages(template: Template, name: str, figures: dict[str, float], value: float) -> None:
    assert evaluated(alarm(template, name), **figures) == pytest.approx(value)


@pytest.mark.parametrize("figures", [{"images": NO_DATA, "part": NO_DATA}, {"images": 99, "part": 0}])
@pytest.mark.parametrize("name", ["ReviewShare", "DecidedALL", "DecidedNormal"])
def test_too_few_images_are_no_drift(template: Template, name: str, figures: dict[str, float]) -> None:
    properties = alarm(template, name)
    value, threshold = evaluated(properties, **figures), properties["Threshold"]
    above = properties["ComparisonOperator"] == "GreaterThanThreshold"
    assert value < threshold if above else value > threshold


@pytest.mark.parametrize(
    "wished",
    [
        {"all_decided_normal": 0.02},
        {"all_decided_normal": 0.2},
        {"all_decided_normal": 0.199},
        {"normal_decided_all": 0.2},
        {"normal_decided_all": 0.2, "all_decided_normal": 0.2},
    ],
    ids=str,
)
def test_alarms_follow_the_error_rates_that_the_function_serves(
    synthesize: Synthesize, wished: dict[str, float]
) -> None:
    manifest = Manifest.from_json((LAMBDA_PACKAGE / "model" / "model.json").read_text("utf-8"))
    served = policy({name.upper(): str(rate) for name, rate in wished.items()}, manifest).thresholds
    keeps = {
        "all_decided_normal": lambda threshold: threshold <= served.normal_below,
        "normal_decided_all": lambda threshold: threshold >= served.all_from,
    }
    template = synthesize(**wished)
    for name, rate in (("DecidedNormal", "all_decided_normal"), ("DecidedALL", "normal_decided_all")):
        tabulated = [one for one, threshold in manifest.thresholds_by_rate[rate] if keeps[rate](threshold)]
        expected = tabulated[-1] if rate in wished else getattr(ACHIEVED, rate)
        assert alarm(template, name)["Threshold"] == pytest.approx(50 * expected, rel=0.01)
    assert not [name for name in resources(template, ALARM) if "ReviewShare" in name]


@pytest.mark.parametrize(("share", "threshold"), [(0.25, 50), (0.7, 85), (0.98, 99)])
def test_too_much_review_raises_an_alarm_for_a_model_that_leaves_most_to_people_too(
    synthesize: Synthesize, monkeypatch: pytest.MonkeyPatch, share: float, threshold: float
) -> None:
    monkeypatch.setattr(
        Manifest, "read", lambda: replace(MODEL, achieved=replace(MODEL.achieved_shares(), review_share=share))
    )
    properties = alarm(synthesize(), "ReviewShare")
    assert properties["Threshold"] == pytest.approx(threshold)
    assert f"the {100 * share:.0f} % that the model card" in properties["AlarmDescription"]
    assert (
        evaluated(properties, images=200, part=200) > threshold > evaluated(properties, images=1000, part=1000 * share)
    )


def test_nothing_drifts_where_everything_is_reviewed(synthesize: Synthesize) -> None:
    names = " ".join(resources(synthesize(review_everything=True), ALARM))
    assert not [name for name in ("ReviewShare", "DecidedALL", "DecidedNormal") if name in names]
    assert "MonitoringErrors" in names


def test_the_local_cloud_gets_every_alarm_that_it_takes(synthesize: Synthesize, template: Template) -> None:
    # The local cloud has no releases, so their alarms are left out.
    local, aws = (
        {name: alarm for name, alarm in resources(target, ALARM).items() if "MonitoringRelease" not in name}
        for target in (synthesize(target="local"), template)
    )
    calculating = {name for name, resource in aws.items() if "Metrics" in resource["Properties"]}
    assert set(aws) - set(local) == calculating
    assert len(calculating) == 4


def test_every_alarm_is_sent_when_it_comes_and_when_it_goes_and_none_for_want_of_images(template: Template) -> None:
    topic, _ = only(template, "AWS::SNS::Topic", "Monitoring")
    for name, resource in resources(template, ALARM).items():
        properties = resource["Properties"]
        assert properties["AlarmActions"] == [{"Ref": topic}]
        # The alarm for a broken promise goes for want of judgements, too: its end is no news.
        assert properties.get("OKActions", []) == ([] if name.startswith("MonitoringPromise") else [{"Ref": topic}])
        assert properties["TreatMissingData"] == "notBreaching"
        assert properties["AlarmDescription"]


def test_every_alarm_looks_back_no_longer_than_cloudwatch_does(template: Template) -> None:
    """A day, or seven days for periods of an hour or more (API reference of PutMetricAlarm, Period)."""
    for resource in resources(template, ALARM).values():
        properties = resource["Properties"]
        periods = {properties["Period"]} if "Period" in properties else set()
        periods |= {
            metric["MetricStat"]["Period"] for metric in properties.get("Metrics", []) if "MetricStat" in metric
        }
        (period,) = periods
        assert period * properties["EvaluationPeriods"] <= (7 * 86_400 if period >= 3600 else 86_400)


def test_alarms_go_to_the_address_that_was_chosen(synthesize: Synthesize, template: Template) -> None:
    _, subscription = only(synthesize(alarm_email="lab@example.org"), "AWS::SNS::Subscription", "")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "lab@example.org")
    assert not resources(template, "AWS::SNS::Subscription")


def test_only_this_accounts_alarms_may_send_to_the_topic_and_nobody_without_tls(template: Template) -> None:
    policy = statements(template, "MonitoringTopic", "AWS::SNS::TopicPolicy")
    (allowed,) = [statement for statement in policy if statement["Effect"] == "Allow"]
    assert (actions(allowed), allowed["Principal"]) == ({"sns:Publish"}, {"Service": "cloudwatch.amazonaws.com"})
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    (denied,) = [statement for statement in policy if statement["Effect"] == "Deny"]
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_topic_is_encrypted_with_the_key_that_was_chosen(synthesize: Synthesize) -> None:
    assert only(synthesize(kms_key=KEY), "AWS::SNS::Topic", "")[1]["KmsMasterKeyId"] == KEY


def test_the_dashboard_shows_the_functions_metrics(template: Template) -> None:
    _, dashboard = only(template, "AWS::CloudWatch::Dashboard", "")
    body = json.dumps(dashboard["DashboardBody"])
    assert dashboard["DashboardName"] == {"Fn::Join": ["", ["cellflag-test-", {"Ref": "AWS::Region"}]]}
    for name in (
        "DecidedALL",
        "DecidedNormal",
        "Review",
        "Rejected",
        "UploadToResult",
        "MessagesFailed",
        "USD an hour",
    ):
        assert name in body
    assert prices.PRICES_AS_OF in body


def test_the_dashboards_estimate_of_a_million_images_is_a_bill_worked_out_by_hand(template: Template) -> None:
    body = json.dumps(only(template, "AWS::CloudWatch::Dashboard", "")[1]["DashboardBody"])
    (formula,) = re.findall(r"\(FILL\(images[^\"\\]+ / 1000000", body)
    counted = {"images": 1e6, "review": 250_000, "calls": 100_000, "duration": 30e6}
    for name, value in counted.items():
        formula = formula.replace(f"FILL({name}, 0)", str(value))
    flags = 250_000 + 0.02 * 750_000  # of audits, too
    by_hand = 1e6 * (5e-6 + 4e-7 + 4e-7) + flags * 5.4e-6 + 100_000 * (5e-6 + 2e-7 + 8e-7)
    computing = 30_000 * 1769 / 1024 * 0.0000133334
    assert eval(formula) == pytest.approx(by_hand + computing, rel=0.001)
