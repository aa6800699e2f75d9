"""The stages of a network, from its ONNX graph: layers in a row whose output has the same size."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import onnx

TIMES = "\N{MULTIPLICATION SIGN}"
_POOLS = ("MaxPool", "AveragePool")


@dataclass
class Stage:
    """Layers in a row whose output has the same size.

    Attributes:
        side: height and width of the output's feature maps; 0 for a dense layer.
        channels: number of feature maps, or of values of a dense layer.
        layers: how many layers of each kind the stage has.
    """

    side: int
    channels: int
    layers: Counter[str] = field(default_factory=Counter)


def stages(path: Path) -> list[Stage]:
    """Gather the layers that hold weights or reduce the size into stages, along the longest way through a graph.

    Args:
        path: of an ONNX graph whose input has the shape (batch, height, width, channels).
    """
    graph = onnx.shape_inference.infer_shapes(onnx.load(path)).graph
    weights = {weight.name: list(weight.dims) for weight in graph.initializer}
    _, side, _, channels = (dimension.dim_value for dimension in graph.input[0].type.tensor_type.shape.dim)
    in_order = [Stage(side, channels, Counter({"image": 1}))]
    for layer in _longest_way(graph, _layers(graph, weights)):
        last = in_order[-1]
        if layer.side and layer.side == last.side and "image" not in last.layers:
            last.channels = layer.channels
            last.layers += layer.layers
        else:
            in_order.append(layer)
    return in_order


def _layers(graph: onnx.GraphProto, weights: dict[str, list[int]]) -> dict[str, Stage]:
    """Each layer that holds weights or reduces the size as a stage of its own, by the name of its output."""
    shapes = {
        value.name: [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in (*graph.value_info, *graph.output)
    }
    layers: dict[str, Stage] = {}
    for node in graph.node:
        shape = shapes.get(node.output[0], [])
        if node.op_type in ("Conv", *_POOLS) and len(shape) == 4 and shape[1] > 1:
            layers[node.output[0]] = Stage(shape[2], shape[1], Counter({_name_of(node, weights): 1}))
        elif node.op_type in ("MatMul", "Gemm") and len(weights.get(node.input[1], [])) == 2:
            transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
            layers[node.output[0]] = Stage(0, weights[node.input[1]][0 if transposed else 1], Counter({"dense": 1}))
    return layers


def _longest_way(graph: onnx.GraphProto, layers: dict[str, Stage]) -> list[Stage]:
    # Shorter branches, such as filters of the image itself, would look like parts of the backbone.
    ways: dict[str, list[Stage]] = {}
    for node in graph.node:
        before = max((ways.get(name, []) for name in node.input), key=len, default=[])
        for name in node.output:
            ways[name] = [*before, layers[name]] if name in layers else before
    return max((ways.get(output.name, []) for output in graph.output), key=len)


def _name_of(node: onnx.NodeProto, weights: dict[str, list[int]]) -> str:
    if node.op_type in _POOLS:
        return "pooling"
    kernel = weights.get(node.input[1], [0, 0, 0, 0])
    groups = next((attribute.i for attribute in node.attribute if attribute.name == "group"), 1)
    return f"{'depthwise' if groups > 1 else 'convolution'} {kernel[2]}{TIMES}{kernel[3]}"
