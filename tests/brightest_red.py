"""A model with known answers, and cells for it."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper
from PIL import Image, ImageDraw


def write_brightest_red(folder: Path) -> None:
    """Write a model that answers with the brightest value of the image's red channel, from 0 to 1."""
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
    (folder / "model.onnx").write_bytes(content)
    (folder / "model.json").write_text(json.dumps(manifest))


def cell(red: int) -> bytes:
    """A small BMP with a cell that the model decides normal below a red of 76, and ALL above 178."""
    image = Image.new("RGB", (60, 60))
    ImageDraw.Draw(image).ellipse((5, 5, 54, 54), fill=(red, 40, 120))
    buffer = io.BytesIO()
    image.save(buffer, "BMP")
    return buffer.getvalue()
