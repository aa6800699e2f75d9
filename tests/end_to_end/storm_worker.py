"""A process of the function's code, as Lambda runs it: a line of JSON in is an event, a line out the handler's answer.

python -I storm_worker.py TASK_FOLDER TESTS_FOLDER FAULTS SEED

A share FAULTS of its requests to S3 fails. Everything above the socket is real, botocore's own retries included: a
fault takes the place of an answer, and half of the time the request had its effect before.
"""

import io
import json
import os
import random
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from time import monotonic
from types import SimpleNamespace
from typing import Any


def main(task: str, tests: str, share: float, seed: int) -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what the function logs goes beside
    sys.path[:0] = [task, tests]
    handler: Any = import_module("lambda_fn.handler")
    if share:
        s3 = handler.runtime.s3
        s3.meta.events.register("before-send.s3", Weather(s3, share, seed))
    for line in sys.stdin:
        call = json.loads(line)
        left = partial(_left_ms, monotonic() + call["timeout_seconds"])
        context = SimpleNamespace(aws_request_id=call["request_id"], get_remaining_time_in_millis=left)
        print(json.dumps(handler.handler(call["event"], context)), file=answers)


def _left_ms(end: float) -> int:
    return int((end - monotonic()) * 1000)


class Weather:
    """Lets a share of the requests fail, every second of them with all their retries."""

    def __init__(self, client: Any, share: float, seed: int) -> None:
        from botocore.awsrequest import AWSResponse
        from urllib3 import HTTPResponse

        faults = import_module("faults")
        self._respond: Any = AWSResponse
        self._body: Any = partial(HTTPResponse, preload_content=False)
        self._send = client._endpoint.http_session.send
        self._share = share
        self._generator = random.Random(seed)
        self._faults: list[Callable[[Any], Any]] = [
            *(partial(self._refuse, code, status) for code, status in faults.REFUSALS),
            *(partial(self._break, error) for error in faults.BROKEN_LINES),
            self._truncate,
            self._truncate,
        ]
        self._lasting: dict[str, Callable[[Any], Any]] = {}

    def __call__(self, request: Any, **_: Any) -> Any:
        """What botocore takes for the answer to a request; None lets it send the request."""
        call = request.headers["amz-sdk-invocation-id"]
        if call in self._lasting:
            return self._lasting[call](request)
        if self._generator.random() >= self._share:
            return None
        fault = self._generator.choice(self._faults)
        if self._generator.random() < 0.5:
            self._lasting[call] = fault
        return fault(request)

    def _maybe_send(self, request: Any) -> None:
        if self._generator.random() < 0.5:
            self._send(request)

    def _refuse(self, code: str, status: int, request: Any) -> Any:
        self._maybe_send(request)
        body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
        return self._respond(request.url, status, {}, self._body(body=io.BytesIO(body), status=status))

    def _break(self, error: Callable[[], Exception], request: Any) -> Any:
        self._maybe_send(request)
        raise error()

    def _truncate(self, request: Any) -> Any:
        """The real answer, but its body ends halfway."""
        answer = self._send(request)
        half = io.BytesIO(answer.content[: len(answer.content) // 2])
        return self._respond(answer.url, answer.status_code, answer.headers, self._body(body=half))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
