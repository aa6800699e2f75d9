"""``cellflag promise`` and ``cellflag recalibrate`` on the documents of a deployment, and on those of a folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result

from infra.commands.promise import promise
from infra.commands.recalibrate import recalibrate
from infra.deployed_stack import DeployedStack
from infra.promise.state import last_state
from lambda_fn import labels
from lambda_fn.keys import label_key, result_key
from lambda_fn.manifest import Manifest
from lambda_fn.own_thresholds import read_own_thresholds
from lambda_fn.results import ResultDocument
from tests.infra.commands.stored_results import document
from tests.infra.fakes import RESULTS, with_client
from tests.laboratory import Laboratory, draw_laboratory

Run = Callable[..., Result]
MODEL = Manifest.read()


def documents(laboratory: Laboratory, audits: int, *, flags: bool = True) -> dict[str, bytes]:
    """Results and labels by key: all flags answered if ``flags``, and some decided cells audited."""
    normal, decided_all = laboratory.decided(MODEL.thresholds)
    drawn = np.random.default_rng(0).permutation(np.flatnonzero(normal | decided_all))[:audits]
    written: dict[str, bytes] = {}
    for number, probability in enumerate(laboratory.probabilities.tolist()):
        key = f"slide {laboratory.slides[number]}/{number}.bmp"
        result = document(key, "normal" if normal[number] else "ALL" if decided_all[number] else "review")
        cast(Any, result)["image"]["sha256"] = f"{number:064x}"
        result["prediction"] = {"label": "ALL" if probability >= 0.5 else "normal", "probability_all": probability}
        result["review"]["reasons"] = ["uncertain"] if result["review"]["required"] else []
        result["model"] = {"version": MODEL.version, "sha256": MODEL.sha256, "thresholds": "manifest"}
        written[result_key(key)] = json.dumps(result).encode()
        if number in drawn or (flags and result["decision"] == "review"):
            is_all = bool(laboratory.is_all[number])
            written[label_key(key)] = labels.to_json(answered(result, is_all, drawn=number in drawn))
    return written


def answered(result: ResultDocument, is_all: bool, drawn: bool) -> labels.LabelDocument:
    shown: labels.Shown = {"probability": not drawn, "map": False, "blind": drawn}
    entry = labels.entry(result, "ALL" if is_all else "normal", "one", seconds=1, shown=shown, drawn=drawn)
    return labels.with_answer(None, entry)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    def write(laboratory: Laboratory, audits: int, **options: bool) -> Path:
        for key, body in documents(laboratory, audits, **options).items():
            (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / key).write_bytes(body)
        return tmp_path

    return write


def judged(folder: Path, *options: str) -> dict[str, Any]:
    result = CliRunner().invoke(promise, ["--folder", str(folder), "--json", *options])
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def test_a_worse_model_is_called_broken_with_its_rate_and_interval(folder: Callable[..., Path]) -> None:
    laboratory = draw_laboratory(np.random.default_rng(2), worse=2.0, slides=20, cells=60)
    source = folder(laboratory, 300)
    report = judged(source)
    assert CliRunner().invoke(promise, ["--folder", str(source), "--check"]).exit_code == 3
    missed = report["promises"]["all_decided_normal"]
    true_rate = laboratory.rates(MODEL.thresholds)["all_decided_normal"]
    assert (missed["verdict"], missed["promised"]) == ("broken", 0.04)
    assert missed["interval"][0] < true_rate < missed["interval"][1]
    assert missed["over_slides"]["slides"] == 10
    assert report["audits"] == 300


def test_labels_of_flagged_cells_alone_say_nothing(
    folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    laboratory = draw_laboratory(np.random.default_rng(2), worse=2.0, slides=6, cells=40)
    result = CliRunner().invoke(promise, ["--folder", str(folder(laboratory, 0))])
    assert result.exit_code == 0
    assert result.stdout.count("cannot be said: no decided cell was audited") == 2
    assert "0 of " in result.stdout


def test_a_deployment_is_judged_by_the_rates_that_it_tolerates(stack: DeployedStack, run: Run) -> None:
    for key, body in documents(draw_laboratory(np.random.default_rng(2), slides=4, cells=10), 10).items():
        stack.s3.put_object(Bucket=RESULTS, Key=key, Body=body)
    stack.s3.put_object(Bucket=RESULTS, Key="labels/odd.json", Body=b"[]")
    stack.outputs["Settings"] = json.dumps({"promised": {"all_decided_normal": 0.02}})
    result = run(promise, "--json")
    promises = json.loads(result.stdout)["promises"]
    assert {name: one["promised"] for name, one in promises.items()} == {
        "all_decided_normal": 0.02,
        "normal_decided_all": 0.1,
    }
    assert "labels/odd.json: left out" in result.stderr


def test_a_verdict_on_the_whole_deployment_reaches_the_alarm_and_one_on_a_part_does_not(
    stack: DeployedStack, run: Run
) -> None:
    laboratory = draw_laboratory(np.random.default_rng(2), worse=2.0, slides=20, cells=60)
    for key, body in documents(laboratory, 300).items():
        stack.s3.put_object(Bucket=RESULTS, Key=key, Body=body)
    run(promise, "--prefix", "slide")
    run(promise, "--since", "1h")
    assert last_state(stack, MODEL.version, "manifest") is None
    assert run(promise, "--check").exit_code == 3
    found = last_state(stack, MODEL.version, "manifest")
    assert found
    assert found.broken == 1


def test_who_may_not_send_metrics_reads_the_verdict_all_the_same(stack: DeployedStack, run: Run) -> None:
    for key, body in documents(draw_laboratory(np.random.default_rng(2), slides=4, cells=10), 10).items():
        stack.s3.put_object(Bucket=RESULTS, Key=key, Body=body)

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutMetricData")

    with_client(stack, "cloudwatch", put_metric_data=refuse)
    result = run(promise, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["audits"] == 10
    assert "CloudWatch did not get this: PutMetricData is not allowed" in result.stderr


def test_results_of_a_model_that_is_not_in_this_version_are_not_judged(stack: DeployedStack, run: Run) -> None:
    stack.s3.put_object(Bucket=RESULTS, Key="results/a.bmp.json", Body=json.dumps(document("a.bmp")).encode())
    result = run(promise)
    assert result.exit_code == 1
    assert "the newest results are of the model model-1" in result.output


def test_without_results_there_is_nothing_to_judge(run: Run) -> None:
    assert "there is no scored cell" in run(promise).output


def test_recalibration_writes_a_file_beside_the_models_own_figures(
    folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    source = folder(draw_laboratory(np.random.default_rng(2), worse=1.0, slides=40, cells=60), 400)
    out = tmp_path / "thresholds.json"
    result = CliRunner().invoke(recalibrate, ["--folder", str(source), "--out", str(out)])
    assert result.exit_code == 0, result.output
    own = read_own_thresholds(out.read_text("utf-8"))
    assert own.version in result.stdout
    assert own.normal_below < MODEL.thresholds.normal_below
    assert f"{MODEL.thresholds.normal_below:.4f}" in result.stdout
    again = CliRunner().invoke(recalibrate, ["--folder", str(source), "--out", str(out)])
    assert again.exit_code == 2
    assert "is there already" in again.output
