"""Images, a model with known answers, and events for the tests of the function."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import boto3
import numpy as np
import pytest
from moto import mock_aws
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lambda_fn import reporting
from lambda_fn.decisions import Policy
from lambda_fn.model import Model
from lambda_fn.runtime import Runtime

from ..brightest_red import write_brightest_red

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

Pixels = NDArray[np.uint8]


@pytest.fixture
def cell() -> Pixels:
    """A purple disc of 180 px on black, away from the middle of a 450 x 400 image."""
    return draw_disc((90, 40, 120))


def draw_disc(colour: tuple[int, int, int]) -> Pixels:
    image = Image.new("RGB", (450, 400))
    ImageDraw.Draw(image).ellipse((60, 90, 239, 269), fill=colour)
    return np.asarray(image)


@pytest.fixture
def encode(cell: Pixels) -> Callable[..., bytes]:
    """Encodes pixels, by default the cell's, in one of Pillow's formats."""

    def encode_pixels(image_format: str = "BMP", pixels: Pixels = cell) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, image_format)
        return buffer.getvalue()

    return encode_pixels


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """The log of the function, in JSON lines."""
    stream = io.StringIO()
    monkeypatch.setattr(reporting.logger.registered_handler, "stream", stream)
    return stream


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> "Iterator[S3Client]":
    """An S3 client of an emulated account without buckets."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.client("s3")


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that answers with the brightest value of the image's red channel, from 0 to 1."""
    folder = tmp_path_factory.mktemp("model")
    write_brightest_red(folder)
    return folder


@pytest.fixture(scope="session")
def model(model_folder: Path) -> Model:
    return Model(model_folder)


@pytest.fixture
def function(s3: Any, model: Model, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of the handler, with a known model and the ``s3`` of the test's module."""
    from lambda_fn import handler

    monkeypatch.setattr(handler, "runtime", Runtime(model, Policy(model.manifest.thresholds), s3))
    monkeypatch.setenv("RESULTS_BUCKET", "results")
    return handler


def notification(*keys: str, bucket: str = "images", **entity: str) -> dict[str, Any]:
    """S3's notification of new objects; ``entity`` holds further fields of each object."""
    return {
        "Records": [
            {
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key), "size": 1, **entity}},
            }
            for key in keys
        ]
    }


def batch(**bodies: object) -> dict[str, Any]:
    """A batch of SQS messages, from their bodies by id."""
    return {
        "Records": [
            {"eventSource": "aws:sqs", "messageId": name, "body": body if isinstance(body, str) else json.dumps(body)}
            for name, body in bodies.items()
        ]
    }
