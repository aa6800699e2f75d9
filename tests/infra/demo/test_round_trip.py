"""Odd files among the images of a demonstration, and documents that this machine cannot hold."""

from pathlib import Path

import pytest
from rich.console import Console

from infra.demo import demonstration, round_trip
from infra.demo.round_trip import fetch_written, score_images
from infra.demo.uploads import Upload
from infra.deployed_stack import DeployedStack
from infra.errors import InfraError
from infra.tools.steps import Steps
from tests.infra.fakes import IMAGES, RESULTS


def put_result(stack: DeployedStack, key: str, body: bytes = b"{}") -> None:
    stack.s3.put_object(Bucket=RESULTS, Key=f"results/{key}.json", Body=body)


def test_an_image_that_cannot_be_read_is_named_and_the_others_are_scored(
    stack: DeployedStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(round_trip, "_POLL_SECONDS", 0.01)
    for name in ("a.bmp", "c.bmp"):
        (tmp_path / name).touch()
        put_result(stack, name)
    images = [Upload(name, tmp_path / name) for name in ("a.bmp", "b.bmp", "c.bmp")]
    failures: list[str] = []
    with Steps(Console(quiet=True)) as steps:
        results = score_images(stack, images, steps, 10.0, failures.append)
    assert list(results) == ["a.bmp", "c.bmp"]
    assert failures == [f"{tmp_path / 'b.bmp'}: No such file or directory"]
    uploaded = stack.s3.list_objects_v2(Bucket=IMAGES)["Contents"]
    assert [entry["Key"] for entry in uploaded] == ["a.bmp", "c.bmp"]


def test_a_document_that_this_machine_cannot_hold_is_named_and_the_others_are_written(
    stack: DeployedStack, tmp_path: Path
) -> None:
    long_name = "x" * 251
    for key in ("a.bmp", f"{long_name}.bmp", "b.bmp"):
        put_result(stack, key, key.encode())
    put_result(stack, "a.bmp.json/c.bmp")
    (failure, collision) = sorted(fetch_written(stack, tmp_path), key=len, reverse=True)
    assert failure == f"{tmp_path}/results/{long_name}.bmp.json: File name too long"
    assert collision.startswith(f"{tmp_path}/results/a.bmp.json")
    assert (tmp_path / "results" / "b.bmp.json").read_bytes() == b"b.bmp"


def test_a_demonstration_without_any_image_that_can_be_uploaded_ends_before_it_starts_a_cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demonstration, "put_up", lambda *_: pytest.fail("no cloud is needed"))
    with pytest.raises(InfraError, match="no image can be uploaded"):
        demonstration.demonstrate([Upload("caf\udce9.bmp", tmp_path)], tmp_path, tmp_path / "out")
