"""From a float32 graph to one of 8-bit integers that is proved to decide alike: smaller, and faster on most processors.

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
# What the smaller graph may cost, on cells of subjects that the network did not learn from.
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
    drawn = np.random.default_rng(seed).permutation(split.training)[:CALIBRATION_CELLS]
    int8 = to_int8(graph, dataset.pixels[drawn])
    held_out = split.stopping
    return int8, check_int8(
        graph, int8, dataset.pixels[held_out], dataset.is_all[held_out], thresholds, calibration_cells=len(drawn)
    )


def to_int8(graph: bytes, calibration: NDArray[np.uint8]) -> bytes:
    """Quantise a graph; the same graph and cells give the same bytes.

    Args:
        graph: what ``export.to_onnx`` made.
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
        original, prepared, quantized = (Path(folder) / f"{step}.onnx" for step in ("original", "prepared", "int8"))
        original.write_bytes(graph)
        quant_pre_process(original, prepared, skip_symbolic_shape=True)
        kept = onnx.load(prepared)
        # What follows the last multiplication is small, and its digits are the probability's.
        last = max(i for i, node in enumerate(kept.graph.node) if node.op_type in ("MatMul", "Gemm"))
        names = [node.name for node in kept.graph.node[last:]]
        quantize_static(prepared, quantized, Cells(), per_channel=True, nodes_to_exclude=names)
        made = onnx.load(quantized)
    made.producer_version = ""
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString(deterministic=True))


def check_int8(
    graph: bytes,
    int8: bytes,
    pixels: NDArray[np.uint8],
    is_all: NDArray[np.bool_],
    thresholds: Thresholds,
    calibration_cells: int,
) -> Quantization:
    """Hold an 8-bit graph against the float32 one on cells that it was not calibrated on.

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
    changed = float((np.digitize(before, bounds) != np.digitize(after, bounds)).mean())
    aucs = [float(roc_auc_score(is_all, said)) for said in (before, after)]
    if aucs[0] - aucs[1] > MOST_AUC_LOST or changed > MOST_DECISIONS_CHANGED:
        raise QuantizationError(
            f"The 8-bit graph changes {changed:.1%} of the decisions and the AUC from {aucs[0]:.4f} to {aucs[1]:.4f}; "
            f"at most {MOST_DECISIONS_CHANGED:.0%} and a loss of {MOST_AUC_LOST:g} are allowed."
        )
    return Quantization(calibration_cells, len(pixels), aucs[0], aucs[1], changed)
