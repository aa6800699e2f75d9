"""``cellflag explain``, on a small model that explains itself."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageDraw

from cellflag import cellflag
from infra.operate import explained
from infra.operate.explained import explain_file, explain_object
from infra.pictures.explanation import draw_explanation
from infra.pictures.signed_map import BLUE, NEUTRAL, ORANGE, colours, overlay
from lambda_fn.decisions import Policy
from lambda_fn.model import Model
from lambda_fn.results import ResultDocument, to_json
from lambda_fn.scoring import score
from lambda_fn.stores import read_from_folder

from ...brightest_red import write_brightest_red
from ...explained_model import write_explained_model
from ...lambda_fn.test_own_thresholds import OWN

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def cell(tmp_path: Path) -> Path:
    image = Image.new("RGB", (300, 280))
    ImageDraw.Draw(image).ellipse((60, 50, 239, 229), fill=(90, 40, 120))
    ImageDraw.Draw(image).ellipse((100, 90, 160, 150), fill=(160, 60, 130))
    path = tmp_path / "cell 1.png"
    image.save(path)
    return path


@pytest.fixture
def model_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "model"
    write_explained_model(folder)
    monkeypatch.setattr(explained, "Model", lambda _=folder: Model(folder))
    return folder


class Stack:
    """A deployment in memory."""

    name, images, results = "cellflag-test", "images", "results"

    def __init__(self, **objects: bytes) -> None:
        self.objects = objects
        self.s3: Any = self
        self.exceptions = self
        self.read: list[tuple[str, str | None]] = []

    NoSuchKey = KeyError

    def get_object(self, Bucket: str, Key: str, VersionId: str | None = None) -> dict[str, Any]:  # noqa: N803 - boto3's
        import io

        self.read.append((f"{Bucket}/{Key}", VersionId))
        return {"Body": io.BytesIO(self.objects[f"{Bucket}/{Key}"])}


def document_of(cell: Path, model: Model, **policy: Any) -> ResultDocument:
    document = score(model, read_from_folder(cell.parent, cell), Policy(model.manifest.thresholds, **policy))
    document["image"]["version_id"] = "v7"
    return document


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cellflag, ["explain", *arguments])


def test_a_file_is_scored_and_drawn(cell: Path, model_folder: Path, tmp_path: Path) -> None:
    result = run(str(cell), "--out", str(tmp_path / "out.png"))
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 1200
        drawn = {colour for _, colour in picture.getcolors(maxcolors=2**24) or []}
    assert ORANGE in drawn
    assert BLUE in drawn


@pytest.mark.parametrize("has_explanation", [True, False])
def test_a_key_is_drawn_from_its_result_and_the_version_that_was_scored(
    cell: Path, model_folder: Path, has_explanation: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    document = document_of(cell, Model(model_folder), explain="all" if has_explanation else "none")
    stack = Stack(**{"images/plate/cell": cell.read_bytes(), "results/results/plate/cell.json": to_json(document)})
    monkeypatch.setattr("infra.operate.access.find_stack", lambda *_: stack)
    result = run("plate/cell", "--out", str(tmp_path / "out.png"))
    assert result.exit_code == 0, result.output
    assert ("images/plate/cell", "v7") in stack.read
    assert (tmp_path / "out.png").stat().st_size > 10_000


def test_the_decision_of_a_key_is_the_one_that_the_deployments_thresholds_made(
    cell: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = document_of(cell, Model(model_folder), explain="none")
    document |= {"decision": "normal", "model": {**document["model"], "thresholds": "laboratory-1"}}
    stack: Any = Stack(**{"images/k": cell.read_bytes(), "results/results/k.json": to_json(document)})
    shown = explain_object(stack, "k").document
    assert (shown["decision"], shown["model"]["thresholds"]) == ("normal", "laboratory-1")
    assert "map" in (shown["explanation"] or {})


def test_a_file_is_decided_by_a_laboratorys_thresholds_if_they_are_named(
    cell: Path, model_folder: Path, tmp_path: Path
) -> None:
    manifest = Model(model_folder).manifest
    own = replace(OWN, model_sha256=manifest.sha256, operating_point=0.0, normal_below=0.0, all_from=0.0)
    (tmp_path / "own.json").write_text(own.to_json(), "utf-8")
    document = explain_file(cell, thresholds=tmp_path / "own.json").document
    assert (document["decision"], document["model"]["thresholds"]) == ("ALL", OWN.version)
    result = run(str(cell), "--out", str(tmp_path / "out.png"), "--thresholds", str(tmp_path / "own.json"))
    assert result.exit_code == 0, result.output
    result = run("a key", "--out", str(tmp_path / "2.png"), "--thresholds", str(tmp_path / "own.json"))
    assert "--thresholds goes with a file" in result.output


def other_model(document: ResultDocument) -> None:
    document["model"]["sha256"] = "0" * 64


def without_change(document: ResultDocument) -> None:
    pass


@pytest.mark.parametrize(
    ("objects", "change", "message"),
    [
        ((), without_change, "is no file here, and no image with a result in cellflag-test"),
        (("results",), without_change, "has a result, but the image is gone"),
        (("results", "images"), other_model, "was scored by explained, which is not here"),
    ],
    ids=["no result", "no image", "another model"],
)
def test_a_key_that_cannot_be_drawn_is_answered_in_one_line(
    objects: tuple[str, ...],
    change: "Callable[[ResultDocument], None]",
    message: str,
    cell: Path,
    model_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    document = document_of(cell, Model(model_folder), explain="none")
    change(document)
    contents = {"images": ("images/k", cell.read_bytes()), "results": ("results/results/k.json", to_json(document))}
    stack = Stack(**dict(contents[name] for name in objects))
    monkeypatch.setattr("infra.operate.access.find_stack", lambda *_: stack)
    result = run("k", "--out", str(tmp_path / "out.png"))
    assert result.exit_code == 1
    assert message in " ".join(result.output.split())
    assert not (tmp_path / "out.png").exists()


def test_a_model_that_explains_nothing_is_named_as_the_reason(
    cell: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    write_brightest_red(folder)
    monkeypatch.setattr(explained, "Model", lambda: Model(folder))
    result = run(str(cell), "--out", str(tmp_path / "out.png"))
    assert result.exit_code == 1
    assert "its model has no outputs that explain it" in result.output


def test_an_image_that_cannot_be_scored_is_answered_with_the_reason(model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("some text")
    result = run(str(tmp_path / "text.png"), "--out", str(tmp_path / "out.png"))
    assert result.exit_code == 1
    assert "text.png cannot be scored" in result.output


def test_a_picture_is_never_overwritten(cell: Path, model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out.png").write_bytes(b"mine")
    result = run(str(cell), "--out", str(tmp_path / "out.png"))
    assert result.exit_code != 0
    assert (tmp_path / "out.png").read_bytes() == b"mine"


def test_signs_have_their_own_hue_and_nothing_is_neutral() -> None:
    shown = colours(np.array([[-1.0, 0.0, 1.0, 5.0]]), 1.0)[0]
    assert shown.tolist() == [list(BLUE), list(NEUTRAL), list(ORANGE), list(ORANGE)]


def test_contour_lines_show_the_sign_without_any_colour() -> None:
    cell = np.full((120, 120, 3), 120, np.uint8)
    values = np.zeros((120, 120))
    values[20:100, 10:50] = 1.0
    values[20:100, 70:110] = -1.0
    black = (overlay(cell, values, 1.0) == 0).all(axis=2)
    whole, dashed = black[30:90, :60].any(axis=1).mean(), black[30:90, 60:].any(axis=1).mean()
    assert whole == 1.0
    assert 0.2 < dashed < 1.0


def test_the_picture_states_the_sum_that_the_document_states(cell: Path, model_folder: Path) -> None:
    image = explain_file(cell)
    facts = image.document["explanation"]
    assert facts is not None
    assert json.loads(to_json(image.document)) == image.document
    assert draw_explanation(image.pixels, image.mask, image.document).size[1] > 700
