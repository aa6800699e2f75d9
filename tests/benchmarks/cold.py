"""Run in a process of its own: score a cell in a new process, with the function or with Keras, or reject a file.

python cold.py function TASK_FOLDER TESTS_FOLDER CELL IMAGES | keras MODEL CELL | rejection TASK_FOLDER FILE
"""

import json
import os
import resource
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any


def function(task: str, tests: str, cell: str, count: str) -> None:
    sys.path[:0] = [task, tests]
    os.environ |= {"RESULTS_BUCKET": "results", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    os.environ["AWS_DEFAULT_REGION"] = "eu-central-1"
    s3 = import_module("fake_s3").FakeS3()
    handler: Any = import_module("lambda_fn.handler")
    messages = []
    for number in range(int(count)):
        key = f"{number}.bmp"
        s3.put_object(Bucket="images", Key=key, Body=Path(cell).read_bytes())
        image = {"bucket": {"name": "images"}, "object": {"key": key}}
        body = {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": image}]}
        messages.append({"eventSource": "aws:sqs", "messageId": key, "body": json.dumps(body)})
    handler.runtime.s3 = s3
    context = SimpleNamespace(aws_request_id="cold", get_remaining_time_in_millis=lambda: 60_000)
    handler.handler({"Records": messages}, context)
    assert sum(key.startswith("results/") for key in s3.current("results")) == int(count)


def keras(model: str, cell: str) -> None:
    import numpy as np
    from PIL import Image

    network = import_module("tensorflow.keras.models").load_model(model, compile=False)
    size = network.input_shape[1]
    image = np.asarray(Image.open(cell).convert("RGB").resize((size, size)))
    json.dumps({"probability_all": float(network.predict(image[None], verbose=0)[0, 0])})


def rejection(task: str, path: str) -> None:
    """Print the seconds until an image is rejected, without the start of the process."""
    sys.path[:0] = [task]
    scoring, stores = import_module("lambda_fn.scoring"), import_module("lambda_fn.stores")
    model = import_module("lambda_fn.model").Model()
    image = stores.read_from_folder(Path(path).parent, Path(path))
    started = perf_counter()
    assert scoring.score(model, image)["status"] == "rejected"
    print("seconds", perf_counter() - started)


def peak_kib() -> int:
    """Return the peak memory of this process in KiB; getrusage would also count memory of its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024  # bytes on macOS


if __name__ == "__main__":
    way, *arguments = sys.argv[1:]
    ways: dict[str, Callable[..., None]] = {"function": function, "keras": keras, "rejection": rejection}
    ways[way](*arguments)
    print("peak_kib", peak_kib())
