"""Run in a process of its own: measure batches of the function against S3 over HTTP.

python -m tests.benchmarks.batches CORES THREADS ROUNDS SIZE...

The cloud at AWS_ENDPOINT_URL has a bucket ``images`` with ``IMAGES`` cells. boto3 is the real one. Each request takes
``DELAY_S`` more, because S3 is farther away than the local cloud.
"""

import io
import json
import os
import sys
import time
from collections import Counter
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_plus, urlsplit

IMAGES = 100
DELAY_S = 0.020
CONTEXT: Any = SimpleNamespace(aws_request_id="benchmark", get_remaining_time_in_millis=lambda: 60_000)


def key(number: int) -> str:
    """Return the key of an image. Requests are counted by the part before the slash."""
    return f"image/cell {number}.bmp"


def event(keys: list[str]) -> dict[str, Any]:
    """Return a batch from the queue, with one message for each image."""

    def record(key: str) -> dict[str, Any]:
        s3 = {"bucket": {"name": "images"}, "object": {"key": quote_plus(key, safe="/"), "sequencer": "00"}}
        return {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3}

    return {
        "Records": [
            {"eventSource": "aws:sqs", "messageId": key, "body": json.dumps({"Records": [record(key)]})} for key in keys
        ]
    }


def main(cores: int, threads: int, rounds: int, sizes: list[int]) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    answers, log = sys.stdout, io.StringIO()
    sys.stdout = log  # the function logs to standard output

    from lambda_fn import handler
    from lambda_fn.model import Model

    handler.runtime.model = Model(threads=threads)
    requests: Counter[str] = Counter()

    def far_away(request: Any, **_: Any) -> None:
        requests[f"{request.method} {urlsplit(request.url).path.split('/')[2]}"] += 1
        time.sleep(DELAY_S)

    for operation in ("GetObject", "HeadObject", "PutObject", "DeleteObject"):
        handler.runtime.s3.meta.events.register(f"before-send.s3.{operation}", far_away)
    for number in range(-1, rounds):
        for size in sizes:
            os.environ["RESULTS_BUCKET"] = f"results-{cores}-{threads}-{number + 1}-{size}"
            handler.runtime.s3.create_bucket(Bucket=os.environ["RESULTS_BUCKET"])
            requests.clear()
            log.seek(0)
            log.truncate()
            begun = time.perf_counter(), time.process_time()
            for start in range(0, IMAGES, size):
                answer = handler.handler(event([key(number) for number in range(start, start + size)]), CONTEXT)
                assert answer == {"batchItemFailures": []}
            seconds, cpu_seconds = time.perf_counter() - begun[0], time.process_time() - begun[1]
            if number >= 0:  # the first round opens connections and allocates buffers
                print(json.dumps([size, seconds, cpu_seconds, requests, len(log.getvalue())]), file=answers)


if __name__ == "__main__":
    cores, threads, rounds, *sizes = map(int, sys.argv[1:])
    main(cores, threads, rounds, sizes)
