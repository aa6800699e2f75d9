"""Images that end the process that scores them, with real processes."""

import io
import json
import os
import signal
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lambda_fn.decisions import Policy
from lambda_fn.errors import OutOfTimeError, PoisonImageError
from lambda_fn.images import StoredImage
from lambda_fn.isolation import IsolatedScoring
from lambda_fn.model import Model
from lambda_fn.scoring import score

from ..brightest_red import cell
from ..fake_s3 import FakeS3
from .conftest import batch, notification
from .test_batches import Clock, failed_ids

# What a decoder does to its process, by the name of an image.
FATES = {
    "segmentation fault": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "out of memory": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "abort": "import os; os.abort()",
    "exit": "import os; os._exit(3)",
    "endless loop": "while True: pass",
    "error": "raise RuntimeError('jane-doe.bmp')",
}


@pytest.fixture
def poisoned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the decoder of every new process do what the image asks for, by Python's own hook for each start."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "if sys.argv[:1] == ['-m'] and 'lambda_fn.isolation' in sys.orig_argv:\n"
        "    from lambda_fn import images\n"
        "    decode = images.decode\n"
        "    def poisoned(data, *arguments):\n"
        "        if data.startswith(b'poison:'):\n"
        "            exec(data[7:].decode())\n"
        "        return decode(data, *arguments)\n"
        "    images.decode = poisoned\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))


def stored(data: bytes) -> StoredImage:
    return StoredImage("images", "a.bmp", "v1", "e1", "2026-11-22T12:00:00Z", len(data), data, read_ms=1.5)


def poison(fate: str) -> bytes:
    return b"poison:" + FATES[fate].encode()


def test_an_isolated_image_gets_the_document_that_it_would_get_otherwise(model: Model) -> None:
    policy = Policy(model.manifest.thresholds, review_everything=True)
    isolated = IsolatedScoring(model, policy)
    try:
        for data in (cell(30), cell(250), b"no image"):
            ours, theirs = isolated.score(stored(data), lambda: 60), score(model, stored(data), policy)
            for document in (ours, theirs):
                document["timing_ms"] = {"read": 0, "decode": 0, "infer": 0, "explain": 0}
                document["scored_at"] = ""
            assert ours == theirs
    finally:
        isolated.stop()


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize(
    ("fate", "seconds", "words"),
    [
        ("segmentation fault", 60, "SIGSEGV"),
        ("out of memory", 60, "SIGKILL"),
        ("abort", 60, "SIGABRT"),
        ("exit", 60, "exit status 3"),
        ("endless loop", 2, "busy for 1 seconds"),
        ("error", 60, "raised RuntimeError"),
    ],
)
def test_an_image_that_ends_its_process_fails_alone_and_the_next_one_is_scored(
    fate: str, seconds: float, words: str, model: Model
) -> None:
    isolated = IsolatedScoring(model, Policy(model.manifest.thresholds))
    try:
        assert isolated.score(stored(cell(30)), lambda: 60)["decision"] == "normal"
        with pytest.raises(PoisonImageError, match=words) as poisoned:
            isolated.score(stored(poison(fate)), lambda: seconds)
        assert "jane" not in str(poisoned.value)
        assert isolated.score(stored(cell(250)), lambda: 60)["decision"] == "ALL"
    finally:
        isolated.stop()


def test_a_process_that_does_not_start_in_time_is_no_fault_of_the_image(model: Model) -> None:
    isolated = IsolatedScoring(model, Policy(model.manifest.thresholds))
    with pytest.raises(OutOfTimeError, match="did not start"):
        isolated.score(stored(cell(30)), lambda: 0.01)


def test_no_process_is_left_behind(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    popen = subprocess.Popen

    def start(*arguments: Any, **options: Any) -> Any:
        started.append(popen(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    isolated = IsolatedScoring(model, Policy(model.manifest.thresholds))
    isolated.score(stored(cell(30)), lambda: 60)
    isolated.stop()
    (process,) = started
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, signal.SIGCONT)


@pytest.fixture
def s3() -> FakeS3:
    return FakeS3()


def deliveries(receives: int, *keys: str) -> dict[str, Any]:
    event = batch(**{key: notification(key) for key in keys})
    for record in event["Records"]:
        record["attributes"] = {"ApproximateReceiveCount": "1"}
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = str(receives)
    return event


@pytest.mark.usefixtures("poisoned")
def test_in_a_late_batch_each_poison_image_fails_alone_even_if_only_another_message_is_late(
    function: ModuleType, s3: FakeS3, log: io.StringIO
) -> None:
    bodies = {"a": cell(30), "b": poison("segmentation fault"), "c": cell(128), "d": poison("exit"), "e": cell(250)}
    for key, body in bodies.items():
        s3.put_object(Bucket="images", Key=key, Body=body)
    assert failed_ids(function.handler(deliveries(3, *bodies), Clock(60))) == ["b", "d"]
    results = {key for key in s3.current("results") if key.startswith("results/")}
    assert results == {"results/a.json", "results/c.json", "results/e.json"}
    reasons = [json.loads(line).get("reason", "") for line in log.getvalue().splitlines()]
    assert "PoisonImageError: the image ended the process that scored it: SIGSEGV" in reasons


@pytest.mark.usefixtures("poisoned")
def test_an_endless_image_leaves_half_of_the_time_to_the_others(function: ModuleType, s3: FakeS3) -> None:
    bodies = {"a": poison("endless loop"), "b": cell(30), "c": cell(250)}
    for key, body in bodies.items():
        s3.put_object(Bucket="images", Key=key, Body=body)
    assert failed_ids(function.handler(deliveries(4, *bodies), Clock(20))) == ["a"]


@pytest.mark.usefixtures("poisoned")
def test_a_batch_of_a_backfill_that_crashed_loses_only_the_image_that_ended_it(
    function: ModuleType, s3: FakeS3
) -> None:
    bodies = {"a": cell(30), "b": poison("abort"), "c": cell(250)}
    for key, body in bodies.items():
        s3.put_object(Bucket="images", Key=key, Body=body)
    items = [{"Bucket": "images", "Key": key, "Backfill": "missing"} for key in bodies]
    counts = function.handler({"Items": items, "first": {"crashed": True, "counts": {}}}, Clock(60))
    assert (counts["scored"], counts["failed"]) == (2, 1)


def test_an_early_batch_starts_no_process(function: ModuleType, s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    s3.put_object(Bucket="images", Key="a", Body=cell(30))
    assert failed_ids(function.handler(deliveries(2, "a"), Clock(60))) == []
