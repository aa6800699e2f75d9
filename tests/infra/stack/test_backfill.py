"""Promises of the backfill, read from its template."""

import json
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

from infra.operate.backfills.outcomes import BackfillTally
from infra.settings.configuration import Configuration
from infra.settings.fields import ConfigurationError
from lambda_fn.events import messages
from tests.infra.templates import Synthesize


def state_machine(template: Template) -> dict[str, Any]:
    (resource,) = template.find_resources("AWS::StepFunctions::StateMachine").values()
    properties: dict[str, Any] = resource["Properties"]
    return properties


def definition(template: Template) -> dict[str, Any]:
    """The states, with logical ids in place of references."""
    delimiter, parts = state_machine(template)["DefinitionString"]["Fn::Join"]
    text = delimiter.join(part if isinstance(part, str) else str(next(iter(part.values()))) for part in parts)
    states: dict[str, Any] = json.loads(text)["States"]
    return states


def maps(template: Template) -> list[dict[str, Any]]:
    """The Distributed Maps; like Step Functions, they tolerate no failure if they name no percentage."""
    unstated = {"ToleratedFailurePercentage": 0}
    return [unstated | state for state in definition(template).values() if state["Type"] == "Map"]


def statements(template: Template) -> dict[str, dict[str, Any]]:
    return {
        statement["Sid"]: statement
        for name, policy in template.find_resources("AWS::IAM::Policy").items()
        if "Backfill" in name
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "Sid" in statement
    }


def test_images_come_from_a_listing_of_their_bucket_or_from_a_list_in_the_results_bucket(template: Template) -> None:
    states = definition(template)
    listing, of_list = (states[name]["ItemReader"] for name in ("BelowPrefix", "OfList"))
    assert listing["Resource"].endswith("s3:listObjectsV2")
    assert "Images" in listing["Parameters"]["Bucket"]
    assert "Results" in of_list["Parameters"]["Bucket"]
    assert of_list["ReaderConfig"] == {"InputType": "JSONL"}
    (choice,) = states["WhichImages"]["Choices"]
    assert (choice["Variable"], choice["Next"], states["WhichImages"]["Default"]) == ("$.list", "OfList", "BelowPrefix")


def test_each_batch_holds_the_functions_own_event(template: Template) -> None:
    below_prefix, of_list = (state["ItemSelector"] for state in maps(template))
    for selected in (below_prefix, of_list):
        assert "Images" in selected.pop("Bucket")
    assert below_prefix.pop("Since.$") == of_list.pop("Since.$") == "$$.Execution.StartTime"
    assert of_list == {"Key.$": "$$.Map.Item.Value.Key", "Backfill.$": "$.backfill"}
    assert below_prefix == of_list | {"Size.$": "$$.Map.Item.Value.Size"}


def test_what_would_not_be_announced_is_passed_over(synthesize: Synthesize) -> None:
    for state in maps(synthesize(images_prefix="incoming/", images_suffix=".bmp")):
        assert (state["ItemSelector"]["Prefix"], state["ItemSelector"]["Suffix"]) == ("incoming/", ".bmp")


@pytest.mark.parametrize("percentage", [0, 20])
def test_batch_size_concurrency_and_tolerated_failures_are_as_configured(
    synthesize: Synthesize, percentage: int
) -> None:
    choices = {
        "backfill_batch_size": 7,
        "backfill_concurrency": 3,
        "backfill_tolerated_failure_percentage": percentage,
    }
    for state in maps(synthesize(**choices)):
        assert state["ItemBatcher"]["MaxItemsPerBatch"] == 7
        assert state["MaxConcurrency"] == 3
        assert state["ToleratedFailurePercentage"] == percentage


@pytest.mark.parametrize(("timeout", "kind"), [(10, "EXPRESS"), (60, "EXPRESS"), (61, "STANDARD"), (900, "STANDARD")])
def test_a_child_is_express_where_all_its_tries_end_within_five_minutes(
    synthesize: Synthesize, timeout: int, kind: str
) -> None:
    for state in maps(synthesize(timeout_seconds=timeout)):
        processor = state["ItemProcessor"]
        assert processor["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": kind}
        calls = [child for child in processor["States"].values() if child["Type"] == "Task"]
        (pause,) = [child["Seconds"] for child in processor["States"].values() if child["Type"] == "Wait"]
        (throttled, crashed), (throttled_again,) = (call["Retry"] for call in calls)
        longest = (
            (len(calls) + crashed["MaxAttempts"]) * timeout
            + sum(map(waits, (throttled, crashed, throttled_again)))
            + pause
        )
        assert kind == "STANDARD" or longest < 300


def waits(retry: dict[str, Any]) -> float:
    """The longest total wait before all retries."""
    rate, most = retry.get("BackoffRate", 2), retry.get("MaxDelaySeconds", float("inf"))
    return sum(float(min(most, retry["IntervalSeconds"] * rate**number)) for number in range(retry["MaxAttempts"]))


def test_a_throttled_batch_is_tried_again(template: Template) -> None:
    for state in maps(template):
        for child in state["ItemProcessor"]["States"].values():
            if child["Type"] == "Task":
                assert child["Retry"][0]["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
                assert child["Retry"][0]["JitterStrategy"] == "FULL"


COUNTS = {"scored": 0, "rejected": 0, "review": 0, "unchanged": 0, "gone": 0, "failed": 0, "reasons": {}}
LEFT = COUNTS | {"stale": 0, "withdrawn": 0}
FIRST = COUNTS | {"scored": 48, "failed": 2}


@pytest.mark.parametrize(
    ("tries", "ends_in", "output"),
    [
        ([COUNTS | {"scored": 50}], "Answered", COUNTS | {"scored": 50}),
        ([COUNTS], "Answered", COUNTS),  # a batch of nothing but folders
        ([FIRST, COUNTS | {"unchanged": 48, "scored": 2}], "Counted", None),
        ([FIRST, COUNTS | {"unchanged": 48, "failed": 2}], "Counted", None),
        ([FIRST, COUNTS | {"rejected": 1, "failed": 49}], "Counted", None),
        ([COUNTS | {"failed": 50}, COUNTS | {"gone": 1, "failed": 49}], "Counted", None),
        ([COUNTS | {"failed": 50}, COUNTS | {"failed": 50}], "NothingAnswered", COUNTS | {"failed": 50}),
        ([COUNTS | {"failed": 50}, LEFT | {"failed": 49, "stale": 1}], "Counted", None),
        ([COUNTS | {"failed": 50}, LEFT | {"failed": 49, "withdrawn": 1}], "Counted", None),
        ([COUNTS | {"failed": 50}, LEFT | {"failed": 50}], "NothingAnswered", LEFT | {"failed": 50}),
    ],
)
def test_images_that_fail_twice_are_counted_and_only_a_batch_without_any_answer_fails(
    template: Template, tries: list[dict[str, Any]], ends_in: str, output: dict[str, Any] | None
) -> None:
    for state in maps(template):
        processor, name = state["ItemProcessor"], state["Label"]
        ended, returned, called = run_batch(processor["States"], processor["StartAt"], tries)
        assert (ended, called) == (f"{ends_in}{name}", len(tries))
        assert returned == (output or {"tries": tries})
        end = processor["States"][ended]
        assert (end["Type"] == "Fail") == (ends_in == "NothingAnswered")


def test_a_batch_whose_calls_crash_is_tried_again_image_by_image(template: Template) -> None:
    for state in maps(template):
        states, name = state["ItemProcessor"]["States"], state["Label"]
        (catch,) = states[f"Score{name}"]["Catch"]
        assert catch["ErrorEquals"] == ["States.ALL"]
        crashed = states[catch["Next"]]
        event = {"Items": [{"Bucket": "b", "Key": "a.bmp", "Backfill": "missing"}], "first": crashed["Result"]}
        assert crashed["ResultPath"] == "$.first"
        assert [message.late for message in messages(event)] == [True]
        assert (crashed["Next"], states[f"Wait{name}"]["Next"]) == (f"Wait{name}", f"ScoreAgain{name}")
        again = LEFT | {"scored": 49, "failed": 1, "seconds": 1.0}
        ended, returned, _ = run_batch(states, f"ScoreAgain{name}", [again], event)
        assert ended == f"Counted{name}"
        tally = BackfillTally.of([returned])
        assert (tally.scored, tally.failed) == (49, 1)


def run_batch(
    states: dict[str, Any], name: str, answers: list[dict[str, Any]], event: dict[str, Any] | None = None
) -> tuple[str, dict[str, Any], int]:
    """Run a child by the rules of the Amazon States Language; return its last state, its output, and the calls made."""
    data: dict[str, Any] = dict(event or {"Items": [{"Key": "a.bmp"}]})
    items = data["Items"]
    calls = 0
    while "Next" in states[name] or states[name]["Type"] == "Choice":
        state = states[name]
        if state["Type"] == "Task":
            assert state["Parameters"]["Payload.$"] == "$"
            assert data["Items"] == items
            answer, calls = answers[calls], calls + 1
            assert state["ResultSelector"] == {"counts.$": "$.Payload"}
            data |= {state["ResultPath"].removeprefix("$."): {"counts": answer}}
        name = next(
            (choice["Next"] for choice in state.get("Choices", []) if holds(choice, data)),
            state.get("Next") or state.get("Default"),
        )
    match states[name]:
        case {"Type": "Succeed", "OutputPath": path}:
            return name, at(path, data), calls
        case {"Type": "Fail", "CausePath": text}:
            return name, at(text.removeprefix("States.JsonToString(").removesuffix(")"), data), calls
        case {"Type": "Pass", "End": True, "Parameters": {"tries.$": array}}:
            paths = array.removeprefix("States.Array(").removesuffix(")").split(", ")
            return name, {"tries": [at(path, data) for path in paths]}, calls
    raise AssertionError(states[name])


def at(path: str, data: Any) -> Any:
    for part in path.split(".")[1:]:
        data = data[part]
    return data


def holds(rule: dict[str, Any], data: dict[str, Any]) -> bool:
    if "And" in rule:
        return all(holds(part, data) for part in rule["And"])
    if "Or" in rule:
        return any(holds(part, data) for part in rule["Or"])
    if "IsPresent" in rule:
        counts = at(rule["Variable"].rpartition(".")[0], data)
        return bool((rule["Variable"].rpartition(".")[2] in counts) == rule["IsPresent"])
    value = at(rule["Variable"], data)
    return bool(value > rule["NumericGreaterThan"] if "NumericGreaterThan" in rule else value == rule["NumericEquals"])


def test_the_outcome_of_every_batch_is_kept_in_the_results_bucket(template: Template) -> None:
    for state in maps(template):
        writer = state["ResultWriter"]
        assert "Results" in writer["Parameters"]["Bucket"]
        assert writer["Parameters"]["Prefix"] == "backfills"
        assert writer["WriterConfig"] == {"Transformation": "COMPACT", "OutputType": "JSONL"}


def test_the_outcome_goes_by_itself_after_90_days(template: Template) -> None:
    rule = {"Prefix": "backfills/", "ExpirationInDays": 90, "Status": "Enabled"}
    template.has_resource_properties(
        "AWS::S3::Bucket", {"LifecycleConfiguration": {"Rules": Match.array_with([Match.object_like(rule)])}}
    )


def test_every_step_is_logged_and_traced_but_no_key_is(template: Template) -> None:
    properties = state_machine(template)
    assert properties.get("StateMachineType", "STANDARD") == "STANDARD"
    assert properties["TracingConfiguration"] == {"Enabled": True}
    assert properties["LoggingConfiguration"]["Level"] == "ALL"
    assert properties["LoggingConfiguration"]["IncludeExecutionData"] is False


def test_the_backfill_reads_no_image_and_writes_no_result_itself(template: Template) -> None:
    granted = statements(template)
    assert granted["ListImages"]["Action"] == "s3:ListBucket"
    assert "Images" in json.dumps(granted["ListImages"]["Resource"])
    objects = granted["ReadListAndWriteOutcome"]["Resource"]["Fn::Join"][1]
    assert objects[-1] == "/backfills/*"
    assert granted["Score"]["Action"] == "lambda:InvokeFunction"
    others = set(granted) - {"ListImages", "ReadListAndWriteOutcome", "Score"}
    assert others == {"StartChildren", "FollowChildren"}


def test_the_backfill_lists_no_image_outside_of_the_prefix_that_was_chosen(
    synthesize: Synthesize, template: Template
) -> None:
    assert "s3:prefix" not in json.dumps(statements(template)["ListImages"])
    narrowed = statements(synthesize(images_prefix="incoming/"))["ListImages"]
    assert narrowed["Condition"]["StringLike"] == {"s3:prefix": "incoming/*"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("backfill_batch_size", 0),
        ("backfill_concurrency", 1001),
        ("backfill_tolerated_failure_percentage", 101),
    ],
)
def test_a_setting_that_the_map_cannot_keep_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is {value}"):
        Configuration(**{name: value})
