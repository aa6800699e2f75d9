"""Pictures in the pages of ``cellflag report``."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

from infra.commands.report import report
from infra.deployed_stack import DeployedStack
from infra.operate import explained
from lambda_fn.decisions import Policy
from lambda_fn.manifest import Manifest
from lambda_fn.model import Model
from lambda_fn.results import ResultDocument, to_json
from lambda_fn.scoring import score
from lambda_fn.stores import read_from_folder
from tests.explained_model import write_explained_model
from tests.infra.commands.report_pages import Page, page_of
from tests.infra.fakes import IMAGES, RESULTS
from tests.infra.slide_report.material import write_label, write_results

Run = Callable[..., Result]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A small model that explains itself, in the place of the model of the package."""
    folder = tmp_path / "model"
    write_explained_model(folder)
    manifest = Manifest.read(folder)
    monkeypatch.setattr(Manifest, "read", lambda _=folder: manifest)
    monkeypatch.setattr(explained, "Model", lambda: Model(folder))
    return Model(folder)


def scored(images: Path, model: Model, number: int, explain: str = "none") -> ResultDocument:
    """The result of a drawn cell, which is written to a folder."""
    images.mkdir(exist_ok=True)
    rows, columns = np.indices((200, 200))
    inside = (rows - 100) ** 2 + (columns - 100) ** 2 < (60 + 5 * number) ** 2
    pixels = np.zeros((200, 200, 3), np.uint8)
    pixels[inside] = (90 + 4 * number, 40, 120)
    Image.fromarray(pixels).save(images / f"{number}.png")
    stored = read_from_folder(images, images / f"{number}.png")
    return score(model, stored, Policy(model.manifest.thresholds, explain=explain))  # type: ignore[arg-type]


@pytest.mark.parametrize("explain", ["all", "none"])
def test_the_most_suspicious_cells_have_pictures_and_maps_explained_before_or_now(
    explain: str, model: Model, tmp_path: Path
) -> None:
    documents = [scored(tmp_path / "images", model, number, explain) for number in range(3)]
    folder = write_results(tmp_path / "out", *documents)
    page = page_of(folder, "--images", str(tmp_path / "images"), "--cells", "2")
    assert len(page.pictures()) == 4
    assert all(picture.startswith("data:image/webp;base64,") for picture in page.pictures())
    assert page.text.count("Typical normal cell") == 2


def test_without_its_images_a_folder_has_no_pictures(model: Model, tmp_path: Path) -> None:
    folder = write_results(tmp_path / "out", scored(tmp_path / "images", model, 0, "all"))
    assert page_of(folder).pictures() == []


def test_a_missing_or_changed_image_is_named_instead_of_drawn(model: Model, tmp_path: Path) -> None:
    images = tmp_path / "images"
    folder = write_results(tmp_path / "out", *(scored(images, model, number) for number in range(2)))
    (images / "0.png").unlink()
    (images / "1.png").write_bytes(b"another")
    text = page_of(folder, "--images", str(images)).text
    assert "No picture: the image is gone." in text
    assert "No picture: the image has changed since it was scored." in text


def test_a_score_of_a_model_that_is_not_here_has_a_picture_and_no_map(model: Model, tmp_path: Path) -> None:
    document = scored(tmp_path / "images", model, 0)
    document["model"] = {"version": "other", "sha256": "0" * 64}
    folder = write_results(tmp_path / "out", document)
    page = page_of(folder, "--images", str(tmp_path / "images"))
    assert len(page.pictures()) == 1
    assert "No map: other, the model that gave the score, is not here." in page.text


def test_the_reason_why_a_cell_has_no_map_is_that_of_its_result(model: Model, tmp_path: Path) -> None:
    document = scored(tmp_path / "images", model, 0)
    document["explanation_missing"] = "not_in_model"
    document["model"] = {"version": "other", "sha256": "0" * 64}
    folder = write_results(tmp_path / "out", document)
    page = page_of(folder, "--images", str(tmp_path / "images"))
    assert "No map: its model has no outputs that explain it." in page.text


def test_pictures_stop_before_the_page_grows_too_large(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.slide_report.cards.MOST_BYTES", 1)
    documents = [scored(tmp_path / "images", model, number, "all") for number in range(2)]
    page = page_of(write_results(tmp_path / "out", *documents), "--images", str(tmp_path / "images"))
    assert len(page.pictures()) == 2
    assert "No picture: the page would exceed 3 MB." in page.text


def test_a_deployment_is_read_from_its_two_buckets(
    run: Run, stack: DeployedStack, model: Model, tmp_path: Path
) -> None:
    document = scored(tmp_path / "images", model, 0, "all")
    document["image"]["key"] = "p7/0.png"
    stack.s3.put_object(Bucket=IMAGES, Key="p7/0.png", Body=(tmp_path / "images/0.png").read_bytes())
    stack.s3.put_object(Bucket=RESULTS, Key="results/p7/0.png.json", Body=to_json(document))
    stack.s3.put_object(Bucket=RESULTS, Key="results/p8/0.png.json", Body=to_json(document))
    write_label(tmp_path, document, "ALL", "Grace")
    label = (tmp_path / "labels/p7/0.png.json").read_bytes()
    stack.s3.put_object(Bucket=RESULTS, Key="labels/p7/0.png.json", Body=label)
    outcome = run(report, "--prefix", "p7/", "--out", str(tmp_path / "r.html"))
    assert outcome.exit_code == 0, outcome.output
    page = Page(tmp_path / "r.html")
    assert len(page.pictures()) == 2
    assert "Grace said: ALL" in page.text
    assert "cellflag-test ." in page.text or "cellflag-test." in page.text
