"""The time of the served network beside the time of its bare backbone.

The aim, 1.71, is 12 ms an inference on a processor that takes 7 ms for the bare backbone. Both see the same cell, in
sessions of the same options.
"""

import time
from collections.abc import Callable

from lambda_fn.cells import find_cell, to_model_input
from lambda_fn.images import decode
from lambda_fn.manifest import MODEL_FOLDER
from lambda_fn.model import Model, start_session

from .conftest import ComparisonRow, report, rounds

ROUNDS = 60
SIDE = 224


def test_an_inference_beside_the_bare_backbone(cells: list[bytes]) -> None:
    import keras

    from training.networks.architectures import INPUT_NAME
    from training.networks.pretrained import NO_WEIGHTS, backbone
    from training.shipping.graph import to_onnx

    image = keras.Input((SIDE, SIDE, 3), dtype="uint8", name=INPUT_NAME)
    colours = keras.layers.Rescaling(1 / 127.5, offset=-1)(keras.ops.cast(image, "float32"))
    bare = keras.Model(image, backbone("MobileNet", SIDE, NO_WEIGHTS, ("conv_pw_9_relu",))(colours))
    theirs = start_session(to_onnx(bare), threads=1)
    served = Model(threads=1)
    pixels = to_model_input(find_cell(decode(cells[0]).pixels), served.manifest.preprocessing)

    def milliseconds(infer: Callable[[], object]) -> float:
        started = time.process_time()
        infer()
        return (time.process_time() - started) * 1000

    ours, bare_backbone = rounds(
        ROUNDS,
        lambda: milliseconds(lambda: served.predict(pixels)),
        lambda: milliseconds(lambda: theirs.run(None, {INPUT_NAME: pixels[None]})),
    )
    ComparisonRow(
        "CPU of an inference, one thread", "MobileNet v1 to conv_pw_9, 224 px", "ms", ours, bare_backbone, "<= 1.71"
    ).report()
    report("model.onnx", f"{(MODEL_FOLDER / 'model.onnx').stat().st_size / 1e6:.1f} MB", "<= 12")
