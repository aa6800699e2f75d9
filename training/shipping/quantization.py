"""Converts a float32 graph to 8-bit integers: smaller, faster on most processors, and checked to decide alike.

Static quantisation in QDQ form, signed 8-bit weights by channel and signed activations, as onnxruntime's guide advises
first (onnxruntime.ai/docs/performance/model-optimizations/quantization.html).
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from lambda_fn.decisions import Thresholds
from lambda_fn.manifest import PROBABILITY_OUTPUT
from training.data.dataset import Dataset
from training.data.folds import Split
from training.errors import TrainingError
from training.networks.architectures import INPUT_NAME
from training.shipping.graph import run_graph

CALIBRATION_CELLS = 256
# Most that the smaller graph may lose, on cells of subjects that the network did not learn from.
MOST_AUC_LOST = 0.005
MOST_DECISIONS_CHANGED = 0.02


class QuantizationError(TrainingError):
    """The 8-bit graph does not decide as the float32 graph does."""


@dataclass(frozen=True)
class Quantization:
    """How an 8-bit graph compares with the float32 one on ``cells`` cells; part of the manifest.

    Attributes:
        calibration_cells: number of cells that its value ranges were measured on.
        cells: number of other cells that both graphs are compared on.
        roc_auc_float32: of the float32 graph, 0 to 1.
        roc_auc_int8: of the 8-bit graph, 0 to 1.
        decisions_changed: share of the cells that it decides differently, 0 to 1.
    """

    calibration_cells: int
    cells: int
    roc_auc_float32: float
    roc_auc_int8: float
    decisions_changed: float


def quantize(
    graph: bytes, dataset: Dataset, split: Split, thresholds: Thresholds, seed: int
) -> tuple[bytes, Quantization]:
    """Quantise a graph by some of the training cells, and check it on the stopping cells.

    Raises:
        QuantizationError: as ``check_int8``.
    """
    sample = np.random.default_rng(seed).permutation(split.training)[:CALIBRATION_CELLS]
    int8 = to_int8(graph, dataset.pixels[sample])
    held_out = split.stopping
    return int8, check_int8(
        graph, int8, dataset.pixels[held_out], dataset.is_all[held_out], thresholds, calibration_cells=len(sample)
    )


def to_int8(graph: bytes, calibration: NDArray[np.uint8]) -> bytes:
    """Quantise a graph; the same graph and cells give the same bytes.

    Args:
        graph: from ``graph.to_onnx``.
        calibration: uint8 array of shape (n, size, size, 3): cells whose activations set the value ranges.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, quant_pre_process, quantize_static

    class Cells(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._batches: Iterator[NDArray[np.uint8]] = iter(np.array_split(calibration, -(-len(calibration) // 16)))

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            batch = next(self._batches, None)
            return None if batch is None else {INPUT_NAME: batch}

    with tempfile.TemporaryDirectory() as folder:
        original, preparation, int8 = (Path(folder) / f"{step}.onnx" for step in ("original", "prepared", "int8"))
        original.write_bytes(graph)
        quant_pre_process(original, preparation, skip_symbolic_shape=True)
        nodes = onnx.load(preparation).graph.node
        # Nodes after the last multiplication are small, and the digits of the probability depend on them.
        last = max(i for i, node in enumerate(nodes) if node.op_type in ("MatMul", "Gemm"))
        names = [node.name for node in nodes[last:]]
        quantize_static(preparation, int8, Cells(), per_channel=True, nodes_to_exclude=names)
        model = onnx.load(int8)
    model.producer_version = ""
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def check_int8(
    graph: bytes,
    int8: bytes,
    pixels: NDArray[np.uint8],
    is_all: NDArray[np.bool_],
    thresholds: Thresholds,
    calibration_cells: int,
) -> Quantization:
    """Compare an 8-bit graph with the float32 one on cells that it was not calibrated on.

    Args:
        graph: the float32 graph.
        int8: the 8-bit graph.
        pixels: uint8 array of shape (n, size, size, 3): cells of subjects that the network did not learn from.
        is_all: boolean array of shape (n,), of both classes.
        thresholds: where decisions change.
        calibration_cells: for the record.

    Raises:
        QuantizationError: it loses more AUC than ``MOST_AUC_LOST``, or decides more than ``MOST_DECISIONS_CHANGED`` of
            the cells differently.
    """
    before, after = (run_graph(each, pixels)[PROBABILITY_OUTPUT][:, 0] for each in (graph, int8))
    bounds = (thresholds.normal_below, thresholds.all_from)  # below, between and from these: normal, review and ALL
    share_changed = float((np.digitize(before, bounds) != np.digitize(after, bounds)).mean())
    aucs = [float(roc_auc_score(is_all, probabilities)) for probabilities in (before, after)]
    if aucs[0] - aucs[1] > MOST_AUC_LOST or share_changed > MOST_DECISIONS_CHANGED:
        raise QuantizationError(
            f"The 8-bit graph changes {share_changed:.1%} of the decisions and the AUC from {aucs[0]:.4f} to "
            f"{aucs[1]:.4f}; at most {MOST_DECISIONS_CHANGED:.0%} and a loss of {MOST_AUC_LOST:g} are allowed."
        )
    return Quantization(calibration_cells, len(pixels), aucs[0], aucs[1], share_changed)
