"""An operator's commands against the deployed stack: everything but AWS is real."""

import json
import time
from urllib.parse import quote_plus

import click
import pytest
from click.testing import CliRunner, Result

from infra.commands.backfill import backfill
from infra.commands.redrive import redrive
from infra.commands.results import results
from infra.commands.status import status
from infra.operate.access import find_local_stack
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
