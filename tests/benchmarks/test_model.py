"""What the served network costs beside the bare backbone that it is built on."""

import time
from collections.abc import Callable

import numpy as np
import onnxruntime

from lambda_fn.cells import find_cell, to_model_input
from lambda_fn.images import decode
from lambda_fn.model import MODEL_FOLDER, Model

from .conftest import Comparison, report, rounds

ROUNDS = 60
SIDE = 224


def test_an_inference_beside_the_bare_backbone(cells: list[bytes]) -> None:
    import keras

    from training.architectures import INPUT_NAME
    from training.export import to_onnx
    from training.pretrained import NO_WEIGHTS, backbone

    image = keras.Input((SIDE, SIDE, 3), dtype="uint8", name=INPUT_NAME)
    colours = keras.layers.Rescaling(1 / 127.5, offset=-1)(keras.ops.cast(image, "float32"))
    bare = keras.Model(image, backbone("MobileNet", SIDE, NO_WEIGHTS, ("conv_pw_9_relu",))(colours))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    theirs = onnxruntime.InferenceSession(to_onnx(bare), options, providers=["CPUExecutionProvider"])
    served = Model()
    pixels = to_model_input(find_cell(decode(cells[0]).pixels), served.manifest.preprocessing)
    random = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE, 3), np.uint8)

    def milliseconds(infer: Callable[[], object]) -> float:
        started = time.process_time()
        infer()
        return (time.process_time() - started) * 1000

    ours, bare_backbone = rounds(
        ROUNDS,
        lambda: milliseconds(lambda: served.predict(pixels)),
        lambda: milliseconds(lambda: theirs.run(None, {INPUT_NAME: random})),
    )
    Comparison(
        "CPU of an inference, one thread", "MobileNet v1 to conv_pw_9, 224 px", "ms", ours, bare_backbone, "<= 1.71"
    ).report()
    report("model.onnx", f"{(MODEL_FOLDER / 'model.onnx').stat().st_size / 1e6:.1f} MB", "<= 12")
