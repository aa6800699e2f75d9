"""The alarm for a promised error rate that is broken."""

import json
from dataclasses import replace

import pytest
from aws_cdk.assertions import Template

from lambda_fn import reporting
from lambda_fn.manifest import Manifest
from lambda_fn.settings import policy
from tests.infra.stack.test_monitoring import ALARM, MODEL, alarm
from tests.infra.templates import Synthesize, only


def test_a_broken_promise_of_this_model_and_its_thresholds_raises_an_alarm(template: Template) -> None:
    properties = alarm(template, "PromiseBroken")
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in properties["Dimensions"]}
    assert dimensions == {"service": "cellflag-test", "model": MODEL.version, "thresholds": "manifest"}
    assert (properties["Namespace"], properties["MetricName"]) == (reporting.metrics.namespace, "PromisesBroken")
    assert (properties["Statistic"], properties["Threshold"], properties["Period"]) == ("Maximum", 0, 86_400)


def test_other_thresholds_and_another_model_are_released_although_the_promise_of_the_former_is_broken(
    synthesize: Synthesize, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = synthesize(all_decided_normal=0.02)
    everything = synthesize(review_everything=True)
    monkeypatch.setattr(Manifest, "read", lambda: replace(MODEL, version="next", sha256="digest"))
    names = [only(each, ALARM, "PromiseBroken")[0] for each in (template, rates, synthesize())]
    assert len(set(names)) == 3
    dimensions = alarm(rates, "PromiseBroken")["Dimensions"]
    assert {"Name": "thresholds", "Value": "manifest, all_decided_normal 0.02"} in dimensions
    assert "Promise" not in json.dumps(everything.to_json())


def test_an_alarm_for_a_broken_promise_names_the_thresholds_as_results_do(synthesize: Synthesize) -> None:
    template = synthesize(normal_decided_all=0.2)
    variables = only(template, "AWS::Lambda::Function", "ScoringFunction")[1]["Environment"]["Variables"]
    chosen = policy(variables | {"RESULTS_BUCKET": "results", "AUDIT_SALT": "a stack"}, MODEL)
    assert {"Name": "thresholds", "Value": chosen.thresholds_name} in alarm(template, "PromiseBroken")["Dimensions"]
