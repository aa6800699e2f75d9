"""Images and a model whose answers are known, for the tests of the function; everything is made here."""

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import onnx
import pytest
from moto import mock_aws
from numpy.typing import NDArray
from onnx import TensorProto, helper
from PIL import Image, ImageDraw

from lambda_fn.model import Model

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
def aws(monkeypatch: pytest.MonkeyPatch) -> "Iterator[S3Client]":
    """An S3 client of an account in this process, without buckets yet."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.client("s3")


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that answers with the brightest value of the image's red channel, from 0 to 1."""
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", 64, 64, 3])
    probability = helper.make_tensor_value_info("probability_all", TensorProto.FLOAT, ["batch", 1])
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["float", "red"], ["red_channel"], axis=3),
        helper.make_node("ReduceMax", ["red_channel", "height_and_width"], ["brightest"], keepdims=0),
        helper.make_node("Div", ["brightest", "full"], ["fraction"]),
        helper.make_node("Unsqueeze", ["fraction", "last"], ["probability_all"]),
    ]
    constants = [
        helper.make_tensor("red", TensorProto.INT64, [], [0]),
        helper.make_tensor("height_and_width", TensorProto.INT64, [2], [1, 2]),
        helper.make_tensor("full", TensorProto.FLOAT, [], [255.0]),
        helper.make_tensor("last", TensorProto.INT64, [1], [1]),
    ]
    graph = helper.make_graph(nodes, "brightest_red", [image], [probability], constants)
    onnx_model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(onnx_model, full_check=True)
    content = onnx_model.SerializeToString()
    manifest: dict[str, Any] = {
        "version": "brightest-red",
        "sha256": hashlib.sha256(content).hexdigest(),
        "input": {"name": "image"},
        "outputs": [{"name": "probability_all"}],
        "preprocessing": {"crop": 256, "size": 64},
        "decision": {"operating_point": 0.5, "normal_below": 0.3, "all_from": 0.7},
    }
    folder = tmp_path_factory.mktemp("model")
    (folder / "model.onnx").write_bytes(content)
    (folder / "model.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="session")
def model(model_folder: Path) -> Model:
    return Model(model_folder)
