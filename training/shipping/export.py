"""Exports a finished network as a graph, and compares both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lambda_fn.decisions import Thresholds
from lambda_fn.manifest import PROBABILITY_OUTPUT
from lambda_fn.preprocessing import Preprocessing
from training.data.dataset import Dataset
from training.data.folds import Split
from training.shipping.explanation import Explanation
from training.shipping.graph import check_parity, reference_cells, reference_probabilities, run_graph, to_onnx
from training.shipping.quantization import Quantization, quantize

if TYPE_CHECKING:
    import keras

PARITY_CELLS = 256


@dataclass(frozen=True)
class ExportedGraph:
    """An ONNX graph, and how it compares with the network that it was made from.

    Attributes:
        onnx: the graph's bytes.
        parameters: number of weights of the network.
        parity: largest difference between a probability of the float32 graph and the network's.
        reference_probabilities: of ``reference_cells``, by the network, or by the graph if that was quantised.
        quantization: how an 8-bit graph compares with the float32 one; None for a float32 graph.
    """

    onnx: bytes
    parameters: int
    parity: float
    reference_probabilities: list[float]
    quantization: Quantization | None = None


def export(
    model: keras.Model,
    dataset: Dataset,
    preprocessing: Preprocessing,
    seed: int,
    explanation: Explanation | None = None,
) -> ExportedGraph:
    """Export a network, and compare the graph with it.

    Args:
        model: the network.
        dataset: some of its cells try the graph.
        preprocessing: how the reference cells become input.
        seed: of the choice of cells.
        explanation: the constants that the graph gives as outputs; None if the network explains nothing.

    Raises:
        ParityError: the graph does not agree with the network.
    """
    graph = to_onnx(model, explanation.constants if explanation else None)
    cells = np.random.default_rng(seed).permutation(len(dataset.names))[:PARITY_CELLS]
    parity = check_parity(model, graph, dataset.pixels[cells], seed)
    return ExportedGraph(graph, model.count_params(), parity, reference_probabilities(model, preprocessing))


def to_8_bits(
    graph: ExportedGraph,
    dataset: Dataset,
    split: Split,
    preprocessing: Preprocessing,
    thresholds: Thresholds,
    seed: int,
) -> ExportedGraph:
    """Quantise an exported graph, and compare the result with it.

    Args:
        graph: of float32.
        dataset: the cells that the network was fitted to.
        split: its training cells set the ranges of values, its stopping cells show whether decisions stay.
        preprocessing: how the reference cells become input.
        thresholds: where decisions change.
        seed: of the choice of cells.

    Raises:
        QuantizationError: the 8-bit graph does not decide alike.
    """
    onnx, quantization = quantize(graph.onnx, dataset, split, thresholds, seed)
    probabilities = run_graph(onnx, reference_cells(preprocessing))[PROBABILITY_OUTPUT][:, 0]
    reference = [round(float(value), 6) for value in probabilities]
    return replace(graph, onnx=onnx, reference_probabilities=reference, quantization=quantization)
