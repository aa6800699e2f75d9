"""Images go in at one end of the deployed stack, and documents come out at the other."""

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from infra.demo.round_trip import score_images
from infra.demo.uploads import Upload
from infra.tools.objects import list_keys
from infra.tools.steps import Steps
from tests.end_to_end.cells import KEYS, draw_cell
from tests.end_to_end.conftest import Demonstration


def document(out: Path, kind: str, key: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((out / kind / f"{key}.json").read_text("utf-8"))
    return read


def test_the_demonstration_ends_well_and_counts_every_image(demonstration: Demonstration) -> None:
    output = demonstration.result.output
    assert demonstration.result.exit_code == 0
    assert f"{len(KEYS)} images below" in output
    assert "3 other files were passed over: 1 .txt, 1 hidden, 1 .csv." in output
    assert f"{len(KEYS)} images: " in output
    assert ", 0 rejected." in output
    assert f"export AWS_ENDPOINT_URL={demonstration.stack.endpoint}" in output


@pytest.mark.parametrize("key", KEYS)
def test_an_image_comes_back_under_its_key(demonstration: Demonstration, key: str) -> None:
    result = document(demonstration.out, "results", key)
    assert result["image"]["key"] == key
    assert result["status"] == "scored"
    assert 0 <= result["prediction"]["probability_all"] <= 1
    assert result["decision"] in ("ALL", "normal", "review")


def test_a_review_flag_stands_beside_exactly_the_results_that_ask_for_one(demonstration: Demonstration) -> None:
    flagged = {key for key in KEYS if document(demonstration.out, "results", key)["review"]["required"]}
    flags = {path.relative_to(demonstration.out / "review") for path in (demonstration.out / "review").rglob("*.json")}
    assert flags == {Path(f"{key}.json") for key in flagged}


def test_there_is_one_result_for_each_image_and_no_other(demonstration: Demonstration) -> None:
    results = {
        path.relative_to(demonstration.out / "results") for path in (demonstration.out / "results").rglob("*.json")
    }
    assert results == {Path(f"{key}.json") for key in KEYS}


def test_bad_input_is_rejected_and_harms_no_other_image(demonstration: Demonstration, tmp_path: Path) -> None:
    for number in range(12):
        draw_cell(tmp_path / f"good-{number}.bmp", number)
    whole = (tmp_path / "good-0.bmp").read_bytes()
    bad = {
        "text.bmp": b"this is no image",
        "truncated.bmp": whole[: len(whole) // 2],
        "empty.bmp": b"",
        "report.bmp": b"%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\n%%EOF",
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    images = [Upload(f"mixed/{path.name}", path) for path in sorted(tmp_path.iterdir())]

    stack = demonstration.stack
    with Steps(Console(quiet=True)) as steps:
        results = score_images(stack, images, steps)

    statuses = {key: result.document["status"] for key, result in results.items()}
    assert statuses == {image.key: "rejected" if image.path.name in bad else "scored" for image in images}
    for name in bad:
        rejected = results[f"mixed/{name}"].document
        assert (rejected["prediction"], rejected["decision"]) == (None, "review")
        assert rejected["review"]["required"]
    assert list(list_keys(stack.s3, stack.results, "results/mixed/")) == [
        f"results/{image.key}.json" for image in images
    ]
    flags = set(list_keys(stack.s3, stack.results, "review/mixed/"))
    assert {f"review/mixed/{name}.json" for name in bad} <= flags
