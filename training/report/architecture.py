"""Draws a network from its ONNX graph: what becomes of an image on its way to a probability."""

from collections import Counter
from dataclasses import dataclass, field
from math import log2, sqrt
from pathlib import Path

import onnx
from markupsafe import Markup
from matplotlib.patches import Polygon, Rectangle

from training.report.charts import ALL_COLOUR, FAINT, INK, NORMAL_COLOUR, REVIEW_COLOUR, as_svg, new_figure

TIMES = "\N{MULTIPLICATION SIGN}"
_POOLS = ("MaxPool", "AveragePool")


@dataclass
class Stage:
    """Layers in a row whose output has the same size.

    Attributes:
        side: height and width of the output in fields; 0 for a layer without places.
        channels: values at each field, or values in all where ``side`` is 0.
        layers: how often each kind of layer stands in the stage.
    """

    side: int
    channels: int
    layers: Counter[str] = field(default_factory=Counter)


def stages(path: Path) -> list[Stage]:
    """The layers that hold weights or reduce the size, gathered into stages, on the longest way through an ONNX graph.

    Args:
        path: of ``model.onnx``; its input has the shape (batch, height, width, channels).
    """
    graph = onnx.shape_inference.infer_shapes(onnx.load(path)).graph
    shapes = {
        value.name: [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in (*graph.value_info, *graph.output)
    }
    weights = {weight.name: list(weight.dims) for weight in graph.initializer}
    _, side, _, channels = (dimension.dim_value for dimension in graph.input[0].type.tensor_type.shape.dim)
    found = [Stage(side, channels, Counter({"image": 1}))]
    layers: dict[str, Stage] = {}
    for node in graph.node:
        shape = shapes.get(node.output[0], [])
        if node.op_type in ("Conv", *_POOLS) and len(shape) == 4 and shape[1] > 1:
            layers[node.output[0]] = Stage(shape[2], shape[1], Counter({_name_of(node, weights): 1}))
        elif node.op_type in ("MatMul", "Gemm") and len(weights.get(node.input[1], [])) == 2:
            transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
            layers[node.output[0]] = Stage(0, weights[node.input[1]][0 if transposed else 1], Counter({"dense": 1}))
    for layer in _longest_way(graph, layers):
        if layer.side and layer.side == found[-1].side and "image" not in found[-1].layers:
            found[-1].channels = layer.channels
            found[-1].layers += layer.layers
        else:
            found.append(layer)
    return found


def _longest_way(graph: onnx.GraphProto, layers: dict[str, Stage]) -> list[Stage]:
    # Branches beside the backbone, such as filters of the image itself, would read as if they stood in its row.
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


def draw(path: Path) -> Markup:
    """A drawing of the graph: a slab's height is the size of the image there, its depth the number of channels."""
    found = stages(path)
    figure, (axes,) = new_figure(9.6, 3.6)
    colours = {"image": FAINT, "dense": ALL_COLOUR}
    left, tops = 0.0, []
    largest = max(stage.side for stage in found)
    for stage in found:
        kind = next(iter(stage.layers))
        colour = colours.get(kind, NORMAL_COLOUR)
        if stage.side:
            height, depth = 0.16 + 0.84 * sqrt(stage.side / largest), 0.05 + 0.055 * log2(stage.channels)
            slant = 0.13 * height
            base = -height / 2
            axes.add_patch(Rectangle((left, base), depth, height, facecolor=colour, alpha=0.85, edgecolor="white"))
            roof = [
                (left, base + height), (left + slant, base + height + slant),
                (left + depth + slant, base + height + slant), (left + depth, base + height),
            ]  # fmt: skip
            flank = [
                (left + depth, base), (left + depth + slant, base + slant),
                (left + depth + slant, base + height + slant), (left + depth, base + height),
            ]  # fmt: skip
            for corners, alpha in ((roof, 0.45), (flank, 0.62)):
                axes.add_patch(Polygon(corners, facecolor=colour, alpha=alpha, edgecolor="white"))
            width = depth + slant
        else:
            height, width = 0.1 + 0.075 * log2(stage.channels + 1), 0.09
            colour = REVIEW_COLOUR if stage.channels == 1 else colour
            axes.add_patch(Rectangle((left, -height / 2), width, height, facecolor=colour, edgecolor="white"))
        tops.append((left + width / 2, stage))
        left += max(width, 0.36) + 0.16
    for centre, stage in tops:
        size = f"{stage.side}{TIMES}{stage.side}{TIMES}{stage.channels}" if stage.side else f"{stage.channels:,}"
        axes.text(centre, -0.66, size, ha="center", va="top", color=INK, weight="bold", fontsize=9)
        lines = [f"{count} {name}" if count > 1 else name for name, count in stage.layers.items()]
        axes.text(centre, -0.76, "\n".join(lines), ha="center", va="top", color=FAINT, fontsize=8, linespacing=1.5)
    axes.set(xlim=(-0.15, left), ylim=(-1.2, 0.72))
    axes.axis("off")
    return as_svg(figure, "The network, from the image on the left to the probability on the right")
