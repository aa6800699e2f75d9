"""Uploads images, waits for their results, and copies the documents to this machine."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from infra.demo.uploads import TimedResult, Upload
from infra.deployed_stack import DeployedStack
from infra.errors import InfraError
from infra.tools.objects import list_keys, read_bytes, read_json
from infra.tools.steps import Steps
from lambda_fn.keys import RESULTS, REVIEW, result_key

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# Longest wait for the next new result after the last upload, in seconds.
PATIENCE_SECONDS = 60.0
_POLL_SECONDS = 0.2
# Most requests to the local cloud at the same time. It shares the processor with the functions that score.
_PARALLEL_REQUESTS = 16


class NoResultError(InfraError):
    """Some images have no result.

    Attributes:
        keys: the keys of the images, at least one.
    """

    def __init__(self, keys: list[str]) -> None:
        """Make the message from the keys."""
        others = f" and {len(keys) - 1} other{'s' if len(keys) > 2 else ''}" if len(keys) > 1 else ""
        super().__init__(f"there is no result for {keys[0]!r}{others}.")
        self.keys = keys


def score_images(
    stack: DeployedStack, images: list[Upload], steps: Steps, patience: float = PATIENCE_SECONDS
) -> dict[str, TimedResult]:
    """Upload images and wait for their results.

    Args:
        stack: the deployment.
        images: the images, with different keys.
        steps: shows the progress.
        patience: longest wait for the next new result after the last upload, in seconds.

    Returns:
        The results by key, in the order of the images.

    Raises:
        NoResultError: the wait was too long, and results are still missing.
    """
    s3 = stack.s3  # made before the threads start: boto3 cannot make a client in two threads at once
    upload_ends: dict[str, float] = {}  # the time at which each upload ended
    stopped = Event()
    with ThreadPoolExecutor(1) as background:
        uploading = background.submit(_upload, s3, stack.images, images, upload_ends, stopped, steps)
        try:
            results = _await_results(stack, images, upload_ends, uploading, steps, patience)
        finally:
            stopped.set()
    return {image.key: results[image.key] for image in images}


def _upload(
    s3: "S3Client", bucket: str, images: list[Upload], upload_ends: dict[str, float], stopped: Event, steps: Steps
) -> None:
    def upload(image: Upload) -> None:
        if not stopped.is_set():
            s3.put_object(Bucket=bucket, Key=image.key, Body=image.path.read_bytes())
            upload_ends[image.key] = time.monotonic()

    with ThreadPoolExecutor(_PARALLEL_REQUESTS) as pool, steps.step("upload", "images") as step:
        for number, _ in enumerate(pool.map(upload, images), 1):
            step.done(number, len(images))


def _await_results(
    stack: DeployedStack,
    images: list[Upload],
    upload_ends: dict[str, float],
    uploading: Future[None],
    steps: Steps,
    patience: float,
) -> dict[str, TimedResult]:
    def fetch(key: str) -> TimedResult:
        document = read_json(stack.s3, stack.results, result_key(key))
        return TimedResult(document, seconds=time.monotonic() - upload_ends[key])

    results: dict[str, TimedResult] = {}
    progressed = time.monotonic()
    with ThreadPoolExecutor(_PARALLEL_REQUESTS) as pool, steps.step("score", "results") as step:
        while pending := [image.key for image in images if image.key not in results]:
            begun = time.monotonic()
            listed_keys = set(list_keys(stack.s3, stack.results, RESULTS))
            new = [key for key in pending if key in upload_ends and result_key(key) in listed_keys]
            results.update(zip(new, pool.map(fetch, new), strict=True))
            step.done(len(results), len(images))
            if uploading.done():
                uploading.result()  # raises the error of a failed upload
            if new or not uploading.done():
                progressed = time.monotonic()
            elif time.monotonic() - progressed > patience:
                raise NoResultError(pending)
            # A long list keeps the local cloud from scoring, so the pause grows with it.
            time.sleep(max(_POLL_SECONDS, 2 * (time.monotonic() - begun)))
    return results


def fetch_written(stack: DeployedStack, out: Path) -> None:
    """Copy results and review flags to a folder, each under its key."""

    def fetch(key: str) -> None:
        path = out / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(read_bytes(stack.s3, stack.results, key))

    with ThreadPoolExecutor(_PARALLEL_REQUESTS) as pool:
        for prefix in (RESULTS, REVIEW):
            list(pool.map(fetch, list_keys(stack.s3, stack.results, prefix)))
