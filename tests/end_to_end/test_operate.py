"""An operator's commands against the deployed stack: everything but AWS is real."""

import json
import time
from urllib.parse import quote_plus

import click
import pytest
from click.testing import CliRunner, Result

from infra.commands.backfill import backfill
from infra.commands.erase import erase
from infra.commands.redrive import redrive
from infra.commands.results import results
from infra.commands.status import status
from infra.operate.access import find_local_stack
from infra.tools.objects import list_keys
from tests.end_to_end.cells import KEYS
from tests.end_to_end.conftest import Demonstration

PATIENCE_SECONDS = 30.0


def run(command: click.Command, *arguments: str) -> Result:
    result = CliRunner().invoke(command, ["--local", *arguments])
    assert result.exit_code == 0, result.output
    return result


def scored_at() -> dict[str, str]:
    lines = map(json.loads, run(results, "--format", "jsonl").stdout.splitlines())
    return {line["image"]["key"]: line["scored_at"] for line in lines if line["image"]["key"] in KEYS}


@pytest.mark.usefixtures("demonstration")
def test_a_backfill_leaves_what_is_answered_and_on_demand_answers_all_once_more() -> None:
    before = scored_at()
    assert "left as they are" in run(backfill).stdout
    assert scored_at() == before
    assert "left as they are" not in run(backfill, "--all").stdout
    after = scored_at()
    assert set(after) == set(KEYS)
    assert all(after[key] > before[key] for key in KEYS)


def test_a_dead_letter_is_sent_back_and_answered(demonstration: Demonstration) -> None:
    stack = find_local_stack()
    entity = {"key": quote_plus(KEYS[1]), "sequencer": "00"}
    bucket = {"name": demonstration.stack.images}
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"bucket": bucket, "object": entity}}
    dead_letters = stack.output("DeadLetterQueueUrl")
    stack.sqs.send_message(QueueUrl=dead_letters, MessageBody=json.dumps({"Records": [record]}))
    before = json.loads(run(status, "--json").stdout)
    assert before["dead_letters"] == 1

    shown = run(redrive, "--yes").stdout
    assert KEYS[1] in shown
    assert "1 back in the queue" in shown

    end = time.monotonic() + PATIENCE_SECONDS
    repeated = before["last_hour"]["repeated"]
    while (after := json.loads(run(status, "--json").stdout))["last_hour"]["repeated"] == repeated:
        assert time.monotonic() < end, after
        time.sleep(0.2)
    assert (after["dead_letters"], sum(after["queue"][name] for name in ("visible", "delayed"))) == (0, 0)
    assert after["last_hour"]["answered"] >= len(KEYS)
    assert after["model"]


def test_an_erased_image_leaves_nothing_in_any_version(demonstration: Demonstration) -> None:
    stack, key, longer = demonstration.stack, "erased/cell +ü.bmp", "erased/cell +ü.bmp.bmp"
    for name in (key, longer):
        for _ in range(2):
            stack.s3.put_object(Bucket=stack.images, Key=name, Body=b"this is no image")
    end = time.monotonic() + PATIENCE_SECONDS
    while len(list(list_keys(stack.s3, stack.results, "review/erased/"))) < 2:
        assert time.monotonic() < end
        time.sleep(0.2)

    assert "Nothing was erased" in run(erase, key).stdout
    assert f"{key} is erased" in run(erase, key, "--yes").stdout

    assert f"There is no trace of {key}." in run(erase, key).stdout
    for bucket in (stack.images, stack.results):
        page = stack.s3.list_object_versions(Bucket=bucket)
        keys = [entry["Key"] for kind in (page.get("Versions", []), page.get("DeleteMarkers", [])) for entry in kind]
        assert not [one for one in keys if f"{key}.json" in one or one == key]
        assert [one for one in keys if longer in one]
