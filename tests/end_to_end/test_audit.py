"""A decided cell is drawn for the audit, labelled blind, and counts for the promise: everything but AWS is real."""

import json
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from rich.console import Console

from infra.commands.promise import promise
from infra.commands.status import status
from infra.demo.round_trip import score_images
from infra.demo.uploads import Upload
from infra.deployed_stack import DeployedStack
from infra.review.bucket import BucketPlace
from infra.review.desk import Desk, GivenAnswer
from infra.review.policy import read_model_view
from infra.tools.steps import Steps
from lambda_fn.audits import is_drawn
from lambda_fn.keys import flag_key
from lambda_fn.model import Model
from lambda_fn.scoring import score
from lambda_fn.stores import read_from_folder
from tests.end_to_end.conftest import Demonstration
from training.synthetic.samples import write_samples


def deployed_draw(stack: DeployedStack) -> tuple[float, str]:
    """The share and the salt of the deployed function."""
    function = stack.functions.get_function_configuration(FunctionName=stack.output("FunctionName"))
    variables = function["Environment"]["Variables"]
    return float(variables["AUDIT_SHARE"]), variables["AUDIT_SALT"]


def decided_cell(folder: Path) -> tuple[Path, str]:
    """A drawn cell that the shipped model decides, and the decision."""
    write_samples(folder, 4)
    model = Model()
    for path in sorted(folder.glob("*.bmp")):
        decision = score(model, read_from_folder(folder, path))["decision"]
        if decision != "review":
            return path, decision
    raise AssertionError("no drawn cell is decided")


def copies(cell: Path, folder: Path, share: float, salt: str) -> dict[bool, Upload]:
    """Two files of the same pixels and of other bytes: one that is drawn (True), and one that is not."""
    found: dict[bool, Upload] = {}
    for number in range(2_000):
        note = PngInfo()
        note.add_text("number", str(number))
        path = folder / f"{number}.png"
        Image.open(cell).save(path, pnginfo=note)
        drawn = is_drawn(sha256(path.read_bytes()).hexdigest(), share, salt)
        found.setdefault(drawn, Upload(f"audit {drawn}/cell.png", path))
        if len(found) == 2:
            return found
    raise AssertionError("no copy is drawn")


def test_a_drawn_cell_keeps_its_decision_is_labelled_blind_and_counts_for_the_promise(
    demonstration: Demonstration, tmp_path: Path
) -> None:
    stack = demonstration.stack
    share, salt = deployed_draw(stack)
    assert (share, len(salt) > 20) == (0.02, True)
    cell, decision = decided_cell(tmp_path / "cells")
    uploads = copies(cell, tmp_path, share, salt)
    with Steps(Console(quiet=True)) as steps:
        results = {key: one.document for key, one in score_images(stack, [*uploads.values()], steps).items()}
    drawn, other = uploads[True].key, uploads[False].key
    assert results[drawn]["decision"] == results[other]["decision"] == decision
    assert results[drawn]["review"] == {"required": True, "reasons": ["audit"]}
    assert results[other]["review"] == {"required": False, "reasons": []}
    assert results[drawn]["explanation"] is not None
    assert results[drawn]["morphology"] is not None

    place = BucketPlace(stack)
    wait_for_flag(place, drawn)
    assert place.read(flag_key(other)) is None
    desk = Desk(place, "one", read_model_view(stack))
    desk.waiting.load()
    card = desk.card(drawn)
    assert card["blind"] is True
    written, revealed = desk.answer(drawn, GivenAnswer("ALL", card["version"], None, 1.0, False, "", None))
    assert (written, revealed["blind"], revealed["decision"]) == (True, False, decision)
    assert place.read(flag_key(drawn)) is None

    runner = CliRunner()
    judged = runner.invoke(promise, ["--local", "--json"])
    assert json.loads(judged.stdout)["audits"] == 1
    assert "CloudWatch" not in judged.stderr
    state = json.loads(runner.invoke(status, ["--local", "--json"]).stdout)["promise"]
    assert (state["broken"], state["held"]) == (0, 0)
    assert "of 2 error rates, 2 cannot be said yet" in runner.invoke(status, ["--local"]).stdout
    # The alarm watches what was sent.
    (sent,) = stack.cloudwatch.list_metrics(Namespace="cellflag", MetricName="PromisesBroken")["Metrics"]
    alarms = stack.cloudwatch.describe_alarms()["MetricAlarms"]
    (alarm,) = [one for one in alarms if one.get("MetricName") == "PromisesBroken"]
    assert dimensions(alarm) == dimensions(sent)


def dimensions(metric: Any) -> dict[str, str]:
    return {one["Name"]: one["Value"] for one in metric["Dimensions"]}


def wait_for_flag(place: BucketPlace, key: str) -> None:
    """Wait for a flag, which is written just after the result."""
    end = time.monotonic() + 30
    while place.read(flag_key(key)) is None:
        assert time.monotonic() < end
        time.sleep(0.2)
