"""A small model that explains itself: an 8 x 8 map of colours, its mean and spread, and a kernel machine on them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SIDE, FIELDS, SUPPORT = 64, 8, 6
FEATURES, COMPONENTS = 9, 5
GAMMA, CLIP, TINY = 0.5, 6.0, 1e-6


def constants(steepness: float = 1.0, seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """The head's constants by name; ``steepness`` multiplies the logit's distance from the intercept."""
    random = np.random.default_rng(seed)
    arrays = {
        "mean": np.array([90, 40, 120, 20, 20, 20, 90, 40, 120]),
        "scale": np.full(FEATURES, 0.02),
        "projection": random.normal(0, 0.2, (FEATURES, COMPONENTS)),
        "offset": random.normal(0, 0.1, COMPONENTS),
        "support": -2 * random.normal(0, 0.5, (COMPONENTS, SUPPORT)),
        "coefficients": steepness * random.normal(0, 2, (SUPPORT, 1)),
        "intercept": np.array([0.1]),
        "whitening": np.eye(3) * 0.5,
        "baseline": random.normal(0, 0.3, FEATURES),
    }
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def explanation_fields() -> dict[str, Any]:
    """The manifest's ``explanation``."""
    return {
        "constants": {name: f"head_{name}" for name in constants()},
        "gamma": GAMMA,
        "clip": CLIP,
        "tiny": TINY,
        "mean_colour": [6, 9],
        "maps": [{"maps": "maps", "shares": "shares", "mean": [0, 3], "spread": [3, 6], "side": FIELDS}],
        "other": {"colour": [6, 9]},
    }


def write_explained_model(folder: Path, steepness: float = 1.0) -> None:
    """Write the model's graph and manifest."""
    head = constants(steepness)
    numbers = {
        "level": 12.0, "nothing": 0.0, "one": 1.0, "tiny": TINY, "low": -CLIP, "high": CLIP, "minus_gamma": -GAMMA,
    }  # fmt: skip
    shapes = {"flat_maps": [0, 3, 64], "flat_mask": [0, 1, 64], "flat": [0, FEATURES]}
    pool: dict[str, Any] = {"kernel_shape": [8, 8], "strides": [8, 8]}
    node = helper.make_node
    nodes = [
        node("Cast", ["image"], ["levels"], to=TensorProto.FLOAT),
        node("Transpose", ["levels"], ["planes"], perm=[0, 3, 1, 2]),
        node("AveragePool", ["planes"], ["pooled"], **pool),
        node("Reshape", ["pooled", "flat_maps"], ["rows"]),
        node("Transpose", ["rows"], ["maps"], perm=[0, 2, 1]),
        node("ReduceMax", ["planes", "axis_1"], ["brightest"], keepdims=1),
        node("Sub", ["brightest", "level"], ["above"]),
        node("Clip", ["above", "nothing", "one"], ["mask"]),
        node("AveragePool", ["mask"], ["coarse_mask"], **pool),
        node("Reshape", ["coarse_mask", "flat_mask"], ["weights"]),
        node("ReduceSum", ["weights", "axis_2"], ["sum"], keepdims=1),
        node("Add", ["sum", "tiny"], ["divisor"]),
        node("Div", ["weights", "divisor"], ["shares"]),
        node("MatMul", ["shares", "maps"], ["centre"]),
        node("Mul", ["maps", "maps"], ["squares"]),
        node("MatMul", ["shares", "squares"], ["square"]),
        node("Mul", ["centre", "centre"], ["centre_square"]),
        node("Sub", ["square", "centre_square"], ["difference"]),
        node("Relu", ["difference"], ["variance"]),
        node("Add", ["variance", "tiny"], ["no_zero"]),
        node("Sqrt", ["no_zero"], ["spread"]),
        node("Concat", ["centre", "spread", "centre"], ["statistics"], axis=2),
        node("Reshape", ["statistics", "flat"], ["features"]),
        node("Sub", ["features", "value_mean"], ["centred"]),
        node("Mul", ["centred", "value_scale"], ["unclipped"]),
        node("Clip", ["unclipped", "low", "high"], ["standard"]),
        node("MatMul", ["standard", "value_projection"], ["turned"]),
        node("Add", ["turned", "value_offset"], ["projected"]),
        node("Mul", ["projected", "projected"], ["projected_squares"]),
        node("ReduceSum", ["projected_squares", "axis_1"], ["lengths"], keepdims=1),
        node("MatMul", ["projected", "value_support"], ["crossed"]),
        node("Add", ["crossed", "support_lengths"], ["with_support"]),
        node("Add", ["with_support", "lengths"], ["distances"]),
        node("Mul", ["distances", "minus_gamma"], ["exponents"]),
        node("Exp", ["exponents"], ["kernels"]),
        node("MatMul", ["kernels", "value_coefficients"], ["score"]),
        node("Add", ["score", "value_intercept"], ["logit"]),
        node("Sigmoid", ["logit"], ["probability_all"]),
        node("ReduceMin", ["distances", "axis_1"], ["distance"], keepdims=1),
        *(node("Identity", [f"value_{name}"], [f"head_{name}"]) for name in head),
    ]
    arrays: dict[str, NDArray[Any]] = {
        **{f"value_{name}": array for name, array in head.items()},
        **{name: np.array(value, np.float32) for name, value in numbers.items()},
        **{name: np.array(shape, np.int64) for name, shape in shapes.items()},
        **{f"axis_{axis}": np.array([axis], np.int64) for axis in (1, 2)},
        "support_lengths": ((head["support"] / -2) ** 2).sum(axis=0),
    }
    outputs = {
        **{name: ["batch", 1] for name in ("probability_all", "distance", "logit")},
        **{"features": ["batch", FEATURES], "maps": ["batch", 64, 3], "shares": ["batch", 1, 64]},
        **{f"head_{name}": list(array.shape) for name, array in head.items()},
    }
    graph = helper.make_graph(
        nodes,
        "explained",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString()
    manifest = {
        "version": "explained",
        "sha256": hashlib.sha256(content).hexdigest(),
        "input": {"name": "image"},
        "outputs": [{"name": name} for name in outputs],
        "preprocessing": {"crop": 256, "size": SIDE},
        "decision": {"operating_point": 0.5, "normal_below": 0.3, "all_from": 0.7, "unlike_above": 1e9},
        "explanation": explanation_fields(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(content)
    (folder / "model.json").write_text(json.dumps(manifest))
