"""The state of the promises of a deployment, as metrics hold it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from infra.deployed_stack import DeployedStack
from infra.promise.state import judge_deployment, last_state, report_state
from lambda_fn.manifest import Manifest
from lambda_fn.promises import Judgement, Verdict
from tests.infra.commands.stored_results import document
from tests.infra.commands.test_promise import documents
from tests.infra.fakes import RESULTS
from tests.laboratory import draw_laboratory

MODEL = Manifest.read()
SERVED: Any = {"version": MODEL.version, "sha256": MODEL.sha256, "thresholds": "manifest"}


def put(stack: DeployedStack, written: dict[str, bytes]) -> None:
    for key, body in written.items():
        stack.s3.put_object(Bucket=RESULTS, Key=key, Body=body)


def judgements(*verdicts: Verdict) -> list[Judgement]:
    return [Judgement(verdict, None, 0.04, None, None, None) for verdict in verdicts]


@pytest.mark.parametrize(
    ("verdicts", "counts", "words"),
    [
        (("broken", "holds"), (1, 1), "1 broken, 1 held"),
        (("broken", "broken"), (2, 0), "2 broken"),
        (("holds", "holds"), (0, 2), "2 held"),
        (("open", "holds"), (0, 1), "1 held, 1 cannot be said yet"),
        (("open", "open"), (0, 0), "2 cannot be said yet"),
    ],
)
def test_what_was_found_is_read_again(
    stack: DeployedStack, verdicts: tuple[Verdict, ...], counts: tuple[int, int], words: str
) -> None:
    report_state(stack, SERVED, judgements(*verdicts))
    state = last_state(stack, MODEL.version, "manifest")
    assert state
    assert (state.broken, state.held) == counts
    assert state.words == words
    assert datetime.now(UTC) - state.judged_at < timedelta(hours=2)
    assert state.judged_at.tzinfo is UTC


def test_the_last_judgement_counts_and_an_old_one_is_none(stack: DeployedStack) -> None:
    report_state(stack, SERVED, judgements("broken", "open"))
    assert last_state(stack, MODEL.version, "manifest", datetime.now(UTC) + timedelta(days=29))
    assert last_state(stack, MODEL.version, "manifest", datetime.now(UTC) + timedelta(days=32)) is None


@pytest.mark.parametrize(("model", "thresholds"), [("another", "manifest"), (MODEL.version, "2026-11-22-0d319bb4")])
def test_a_verdict_on_one_model_and_its_thresholds_is_none_on_others(
    stack: DeployedStack, model: str, thresholds: str
) -> None:
    report_state(stack, SERVED, judgements("broken", "broken"))
    assert last_state(stack, model, thresholds) is None


def test_another_deployment_has_a_state_of_its_own(stack: DeployedStack) -> None:
    report_state(stack, SERVED, judgements("broken", "broken"))
    other = DeployedStack("cellflag-other", stack.outputs, stack.session)
    assert last_state(other, MODEL.version, "manifest") is None


def test_a_worse_model_is_found_broken_from_the_documents_of_the_deployment(stack: DeployedStack) -> None:
    put(stack, documents(draw_laboratory(np.random.default_rng(2), worse=2.0, slides=20, cells=60), 300))
    counts = judge_deployment(stack)
    assert counts
    assert counts.broken == 1
    found = last_state(stack, MODEL.version, "manifest")
    assert found
    assert (found.broken, found.held) == (1, counts.held)


def test_results_of_another_model_beside_it_do_not_hide_the_verdict_on_this_one(stack: DeployedStack) -> None:
    put(stack, documents(draw_laboratory(np.random.default_rng(2), worse=2.0, slides=20, cells=60), 300))
    newest = document("slide 1/newest.bmp", "ALL")
    newest["scored_at"] = "2099-01-01T00:00:00.000Z"
    stack.s3.put_object(Bucket=RESULTS, Key="results/slide 1/newest.bmp.json", Body=json.dumps(newest).encode())
    counts = judge_deployment(stack)
    assert counts
    assert counts.broken == 1


def test_without_results_of_this_model_nothing_is_judged_or_sent(stack: DeployedStack) -> None:
    stack.s3.put_object(Bucket=RESULTS, Key="results/a.bmp.json", Body=json.dumps(document("a.bmp")).encode())
    assert judge_deployment(stack) is None
    assert last_state(stack, MODEL.version, "manifest") is None
