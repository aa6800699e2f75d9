"""From a laboratory's labels to the next model, as docs/next-model.md has it; a folder stands for the deployment.

The cells are drawn, and the network's weights are random: the steps are real, the figures mean nothing. Left out is
what needs a deployment: the alias's canary and the backfill's state machine. The last step scores the folder again
instead.
"""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image, ImageDraw
from rich.console import Console
from starlette.testclient import TestClient

from cellflag import cellflag
from infra.review.desk import Desk
from infra.review.folder import FolderPlace
from infra.review.policy import read_model_view
from infra.review.server import application
from lambda_fn import model as served
from lambda_fn.manifest import Manifest
from lambda_fn.preprocessing import Preprocessing
from training.fitting.recipes import new_pooled_recipe
from training.runs.plan import Plan
from training.runs.pooled import make_pooled_model
from training.runs.progress import RunProgress

from ..backbone import write_backbone

PORT, TOKEN = 8765, "the-token"
SUBJECTS, CELLS_OF_EACH = 6, 5
SLIDES = 6
FLAGS, AUDITS = 12, 8


def draw(path: Path, is_all: bool, generator: np.random.Generator) -> None:
    """An ellipse on black; blasts are redder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (100, 100))
    left, top, right, bottom = (generator.integers(10, 31, 4) + np.array((0, 0, 59, 59))).tolist()
    ImageDraw.Draw(image).ellipse((left, top, right, bottom), fill=(160, 60, 120) if is_all else (90, 80, 160))
    pixels = np.asarray(image) * generator.uniform(0.8, 1.2)
    noise = generator.integers(-20, 20, pixels.shape)
    Image.fromarray(np.where(pixels > 0, pixels + noise, 0).clip(0, 255).astype(np.uint8)).save(path)


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    """A labelled data set of 6 subjects of each class."""
    generator = np.random.default_rng(0)
    rows = []
    for subject in range(2 * SUBJECTS):
        for cell in range(CELLS_OF_EACH):
            name, is_all = f"{subject}-{cell}.png", subject < SUBJECTS
            draw(tmp_path / "data" / name, is_all, generator)
            rows.append((name, "all" if is_all else "hem", f"P{subject}"))
    with (tmp_path / "data/labels.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "label", "subject"), *rows])
    return tmp_path / "data"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A laboratory's images, in a folder for each slide. A slide has cells of one class: even numbers are ALL."""
    generator = np.random.default_rng(1)
    for slide in range(SLIDES):
        for cell in range(12):
            draw(tmp_path / f"images/slide {slide}/{cell}.png", slide % 2 == 0, generator)
    return tmp_path / "images"


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(cellflag, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def recipe(cells: Path, weights: Path, out: Path) -> None:
    """`cellflag train recipe`, on small inputs and with few tests of explanations."""
    plan = Plan(cells, Preprocessing(64, 64), new_pooled_recipe(str(weights), 0), 3, out, str(weights))
    make_pooled_model(plan, RunProgress(Console(quiet=True)), explained=(2, 4))


def results_of(out: Path) -> dict[str, Any]:
    found = {}
    for path in (out / "results").rglob("*.json"):
        document = json.loads(path.read_text("utf-8"))
        found[document["image"]["key"]] = document
    return found


def review(out: Path, images: Path) -> None:
    """A person answers 12 flags with the score shown, and 8 audits blind; the answers are right."""
    desk = Desk(FolderPlace(out, images), "dr. one", read_model_view(None))
    desk.waiting.load()
    page = TestClient(application(desk, PORT, TOKEN), base_url=f"http://127.0.0.1:{PORT}")
    page.get(f"/?token={TOKEN}")
    headers = {"Origin": f"http://127.0.0.1:{PORT}"}

    def answer(cells: list[Any]) -> None:
        for cell in cells:
            card = page.get(f"/api/cells/{cell['id']}").json()
            label = "ALL" if int(card["key"].split("/")[0].removeprefix("slide ")) % 2 == 0 else "normal"
            body = {"label": label, "version": card["version"], "seen": card["etag"], "seconds": 1.0, "map_shown": True}
            assert page.post(f"/api/cells/{cell['id']}/answer", json=body, headers=headers).status_code == 200

    answer(page.get("/api/cells").json()["cells"][:FLAGS])
    assert page.post("/api/audits", json={}, headers=headers).json()["drawn"] >= AUDITS
    waiting = page.get("/api/cells").json()["cells"]
    answer([cell for cell in waiting if "reasons" not in cell][:AUDITS])  # audits show nothing of the model's view


def test_twenty_labels_become_the_next_model(
    data_set: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = write_backbone(tmp_path)
    out, model_folder = tmp_path / "out", tmp_path / "model"
    monkeypatch.setattr(served.Model.__init__, "__defaults__", (model_folder, None))
    monkeypatch.setattr(vars(Manifest)["read"].__func__, "__defaults__", (model_folder,))

    # The model in service learned from the data set alone.
    run("train", "index", data_set, "--out", tmp_path / "before.csv")
    recipe(tmp_path / "before.csv", weights, tmp_path / "run 1")
    run("train", "promote", tmp_path / "run 1", "--model-folder", model_folder)
    run("score", images, "--out", out)
    before = results_of(out)
    assert Counter(document["decision"] for document in before.values())["review"] >= FLAGS

    review(out, images)
    pattern = ("--subject-pattern", "(slide [0-9]+)/")
    index = run("train", "index", data_set, "--reviewed", out, images, *pattern, "--out", tmp_path / "after.csv").output
    assert f"reviewed: {FLAGS} cells to learn from alone" in index
    assert f"reviewed: {AUDITS} cells to learn from and to choose thresholds" in index

    recipe(tmp_path / "after.csv", weights, tmp_path / "run 2")
    run("train", "evaluate", tmp_path / "run 2", "--cells", tmp_path / "after.csv")
    manifest = json.loads((tmp_path / "run 2/model/model.json").read_text("utf-8"))
    labels = [json.loads(path.read_text("utf-8")) for path in (out / "labels").rglob("*.json")]
    assert Counter(label["queue"] for label in labels) == {"flag": FLAGS, "audit": AUDITS}
    assert manifest["training"]["reviewed"] == {"fitting": FLAGS, "audits": AUDITS}
    assert manifest["metrics"]["n"] == 2 * SUBJECTS * CELLS_OF_EACH

    # Both were measured on the same cells, so that promotion can compare them.
    promoted = run("train", "promote", tmp_path / "run 2", "--model-folder", model_folder).output
    assert "ROC AUC: " in promoted

    run("score", images, "--out", out, "--overwrite")
    after = results_of(out)
    assert {document["model"]["sha256"] for document in after.values()} == {manifest["sha256"]}
    assert manifest["sha256"] not in {document["model"]["sha256"] for document in before.values()}
    answered = {path.relative_to(out / "labels").as_posix() for path in (out / "labels").rglob("*.json")}
    flags = {path.relative_to(out / "review").as_posix() for path in (out / "review").rglob("*.json")}
    assert not answered & flags, "a cell that a person has answered asks again"
    again = [json.loads(path.read_text("utf-8")) for path in (out / "labels").rglob("*.json")]
    assert again == labels
