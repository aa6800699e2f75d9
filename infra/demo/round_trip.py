"""Uploads cells, waits for the answer to each, and fetches all that was written."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from infra.demo.cells import Answer, Cell
from infra.errors import InfraError
from infra.local_cloud.deployment import Deployment
from infra.local_cloud.isolation import PARALLEL_REQUESTS, s3_client
from infra.tools.objects import list_keys, read_bytes, read_json
from infra.tools.steps import Steps
from lambda_fn.keys import RESULTS, REVIEW, result_key

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

PATIENCE_SECONDS = 60.0
"""Without a single new result for that long after the last upload, none is awaited any more."""

_POLL_SECONDS = 0.2


class NoResultError(InfraError):
    """Some images were given no result; `keys` names them."""

    def __init__(self, keys: list[str]) -> None:
        """Name the images, at least one."""
        others = f" and {len(keys) - 1} others" if len(keys) > 1 else ""
        super().__init__(f"there is no result for {keys[0]!r}{others}.")
        self.keys = keys


def score_cells(
    deployment: Deployment, cells: list[Cell], steps: Steps, patience: float = PATIENCE_SECONDS
) -> dict[str, Answer]:
    """Upload `cells`, and return the answer to each by key, in the order of `cells`.

    Raises:
        NoResultError: no new result came for `patience` seconds although some were missing.
    """
    s3 = s3_client(deployment.endpoint)
    uploaded: dict[str, float] = {}  # the time at which each upload ended
    stopped = Event()
    with ThreadPoolExecutor(1) as background:
        uploading = background.submit(_upload, s3, deployment.images, cells, uploaded, stopped, steps)
        try:
            answers = _await_answers(s3, deployment.results, cells, uploaded, uploading, steps, patience)
        finally:
            stopped.set()
    return {cell.key: answers[cell.key] for cell in cells}


def _upload(
    s3: "S3Client", bucket: str, cells: list[Cell], uploaded: dict[str, float], stopped: Event, steps: Steps
) -> None:
    def upload(cell: Cell) -> None:
        if not stopped.is_set():
            s3.put_object(Bucket=bucket, Key=cell.key, Body=cell.path.read_bytes())
            uploaded[cell.key] = time.monotonic()

    with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool, steps.step("upload", "images") as step:
        for number, _ in enumerate(pool.map(upload, cells), 1):
            step.done(number, len(cells))


def _await_answers(
    s3: "S3Client",
    bucket: str,
    cells: list[Cell],
    uploaded: dict[str, float],
    uploading: Future[None],
    steps: Steps,
    patience: float,
) -> dict[str, Answer]:
    def fetch(key: str) -> Answer:
        document = read_json(s3, bucket, result_key(key))
        return Answer(document, seconds=time.monotonic() - uploaded[key])

    answers: dict[str, Answer] = {}
    progressed = time.monotonic()
    with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool, steps.step("score", "results") as step:
        while missing := [cell.key for cell in cells if cell.key not in answers]:
            begun = time.monotonic()
            written = set(list_keys(s3, bucket, RESULTS))
            new = [key for key in missing if key in uploaded and result_key(key) in written]
            answers.update(zip(new, pool.map(fetch, new), strict=True))
            step.done(len(answers), len(cells))
            if uploading.done():
                uploading.result()  # raises what went wrong there
            if new or not uploading.done():
                progressed = time.monotonic()
            elif time.monotonic() - progressed > patience:
                raise NoResultError(missing)
            # A listing of many results takes its time: the cloud is to score, not to list.
            time.sleep(max(_POLL_SECONDS, 2 * (time.monotonic() - begun)))
    return answers


def fetch_written(deployment: Deployment, out: Path) -> None:
    """Copy results and review flags below `out`, under their keys."""
    s3 = s3_client(deployment.endpoint)

    def fetch(key: str) -> None:
        path = out / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(read_bytes(s3, deployment.results, key))

    with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
        for prefix in (RESULTS, REVIEW):
            list(pool.map(fetch, list_keys(s3, deployment.results, prefix)))
