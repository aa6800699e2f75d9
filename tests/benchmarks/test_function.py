"""The speed of the function: ``uv run pytest tests/benchmarks``. No test fails because it is slow; machines differ."""

import io
import time
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from lambda_fn import handler
from lambda_fn.cells import find_cell, to_model_input
from lambda_fn.events import ImageReference
from lambda_fn.images import decode
from lambda_fn.precedence import ImageVersion, Precedence
from lambda_fn.publishing import publish
from lambda_fn.scoring import score
from lambda_fn.stores import BucketStore, read_from_bucket

from ..fake_s3 import FakeS3
from .batches import CONTEXT, DELAY_S, event
from .conftest import ComparisonRow, report, rounds

ROUNDS = 9


def filled(cells: list[bytes], around: Callable[..., Any] | None = None) -> tuple[FakeS3, list[str]]:
    s3 = FakeS3()
    keys = [f"cell {number}.bmp" for number in range(len(cells))]
    for key, data in zip(keys, cells, strict=True):
        s3.put_object(Bucket="images", Key=key, Body=data)
    if around:
        s3.around = around
    return s3, keys


def delayed(name: str, operation: Callable[[], Any]) -> Any:
    time.sleep(DELAY_S)
    return operation()


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESULTS_BUCKET", "results")
    monkeypatch.setattr(handler, "report_batch", lambda *arguments: None)


def bare(cells: list[bytes], clock: Callable[[], float]) -> float:
    """Measure decoding and resizing by Pillow and inference by onnxruntime, without anything else."""
    size = handler.runtime.model.manifest.preprocessing.size
    started = clock()
    for data in cells:
        image = Image.open(io.BytesIO(data)).convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
        handler.runtime.model.predict(np.asarray(image))
    return clock() - started


def whole(cells: list[bytes], clock: Callable[[], float], monkeypatch: pytest.MonkeyPatch, batch: int) -> float:
    s3, keys = filled(cells)
    monkeypatch.setattr(handler.runtime, "s3", s3)
    started = clock()
    for first in range(0, len(keys), batch):
        assert handler.handler(event(keys[first : first + batch]), CONTEXT) == {"batchItemFailures": []}
    spent = clock() - started
    assert len([key for key in s3.current("results") if key.startswith("results/")]) == len(cells)
    return spent


def test_processor_time_of_the_whole_function_beside_its_bare_parts(
    cells: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = rounds(
        ROUNDS,
        lambda: whole(cells, time.process_time, monkeypatch, 10) / len(cells) * 1000,
        lambda: bare(cells, time.process_time) / len(cells) * 1000,
    )
    ComparisonRow(
        "CPU per image, events to documents", "decode + resize + onnxruntime", "ms", ours, theirs, "<= 1.25"
    ).report()


def test_a_batch_overlaps_waiting_with_work(cells: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    def batch() -> float:
        s3, keys = filled(cells, delayed)
        monkeypatch.setattr(handler.runtime, "s3", s3)
        started = time.perf_counter()
        handler.handler(event(keys), CONTEXT)
        return time.perf_counter() - started

    def one_after_the_other() -> float:
        s3, keys = filled(cells, delayed)
        store = BucketStore(cast(Any, s3), "results")
        started = time.perf_counter()
        for key in keys:
            image = read_from_bucket(cast(Any, s3), ImageReference("images", key))
            publish(
                store,
                score(handler.runtime.model, image, handler.runtime.policy),
                Precedence(None, image.last_modified, ""),
                partial(ImageVersion, image.version_id, image.etag),
            )
        return time.perf_counter() - started

    ours, bare_parts, sequential = rounds(5, batch, lambda: bare(cells, time.perf_counter), one_after_the_other)
    ComparisonRow("batch of 50, 20 ms a request", "bare compute", "s", ours, bare_parts, "<= 2.5").report()
    ComparisonRow("batch of 50, 20 ms a request", "one image after the other", "s", ours, sequential, ">= 4").report(
        faster=True
    )


def test_throughput_beside_the_original_way(cells: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    from training.networks.architectures import network

    manifest = handler.runtime.model.manifest
    size = manifest.preprocessing.size
    keras_model = network("2x2C1D", size)
    inputs = [
        to_model_input(find_cell(decode(data).pixels), handler.runtime.model.manifest.preprocessing)
        for data in cells[:20]
    ]
    compiled = tf.function(keras_model)

    def seconds_an_image(call: Callable[[Any], object]) -> Callable[[], float]:
        def measure() -> float:
            started = time.perf_counter()
            for pixels in inputs:
                call(pixels[None])
            return (time.perf_counter() - started) / len(inputs)

        return measure

    ours, predict, function, onnx = rounds(
        5,
        lambda: whole(cells[:20], time.perf_counter, monkeypatch, 20) / 20,
        seconds_an_image(lambda batch: keras_model.predict(batch, verbose=0)),
        seconds_an_image(lambda batch: compiled(tf.constant(batch))),
        seconds_an_image(lambda batch: handler.runtime.model.predict(batch[0])),
    )
    for name, theirs, aim in (
        ("Keras 2x2C1D predict, one image", predict, ">= 12"),
        ("Keras 2x2C1D in a tf.function", function, ""),
        ("onnxruntime alone, one by one", onnx, ""),
    ):
        ComparisonRow("whole function, an image", name, "s", ours, theirs, aim).report(faster=True)


def test_size_of_the_zip(bundle: Any) -> None:
    report("code unzipped", f"{bundle.unzipped / 2**20:.0f} MiB", "<= 110 MiB")
