"""Uploads images, waits for their results, and copies the documents to this machine."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from infra.demo.uploads import TimedResult, Upload
from infra.deployed_stack import DeployedStack
from infra.errors import InfraError
from infra.tools.objects import list_keys, read_bytes, read_json
from infra.tools.steps import Steps
from lambda_fn.files import write_whole
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
    stack: DeployedStack,
    images: list[Upload],
    steps: Steps,
    patience: float = PATIENCE_SECONDS,
    on_failure: Callable[[str], None] = lambda failure: None,
) -> dict[str, TimedResult]:
    """Upload images and wait for their results. An image that cannot be read is left out.

    Args:
        stack: the deployment.
        images: the images, with different keys.
        steps: shows the progress.
        patience: longest wait for the next new result after the last upload, in seconds.
        on_failure: called with one line for each image that cannot be read.

    Returns:
        The results by key, in the order of the images.

    Raises:
        NoResultError: the wait was too long, and results are still missing.
    """
    s3 = stack.s3  # made before the threads start: boto3 cannot make a client in two threads at once
    uploads = _Uploads()
    with ThreadPoolExecutor(1) as background:
        uploading = background.submit(_upload, s3, stack.images, images, uploads, steps)
        try:
            results = _await_results(stack, images, uploads, uploading, steps, patience)
        finally:
            uploads.stopped.set()
    for failure in uploads.failures.values():
        on_failure(failure)
    return {image.key: results[image.key] for image in images if image.key in results}


@dataclass(frozen=True)
class _Uploads:
    """The state of the uploads, which one thread writes and another reads.

    Attributes:
        ends: the time at which the upload of each key ended.
        failures: by key, why an image cannot be uploaded.
        stopped: set to begin no further upload.
    """

    ends: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    stopped: Event = field(default_factory=Event)


def _upload(s3: "S3Client", bucket: str, images: list[Upload], uploads: _Uploads, steps: Steps) -> None:
    def upload(image: Upload) -> None:
        if uploads.stopped.is_set():
            return
        try:
            body = image.path.read_bytes()
        except OSError as error:
            uploads.failures[image.key] = f"{image.path}: {error.strerror}"
            return
        s3.put_object(Bucket=bucket, Key=image.key, Body=body)
        uploads.ends[image.key] = time.monotonic()

    with ThreadPoolExecutor(_PARALLEL_REQUESTS) as pool, steps.step("upload", "images") as step:
        for number, _ in enumerate(pool.map(upload, images), 1):
            step.done(number, len(images))


def _await_results(
    stack: DeployedStack,
    images: list[Upload],
    uploads: _Uploads,
    uploading: Future[None],
    steps: Steps,
    patience: float,
) -> dict[str, TimedResult]:
    def fetch(key: str) -> TimedResult:
        document = read_json(stack.s3, stack.results, result_key(key))
        return TimedResult(document, seconds=time.monotonic() - uploads.ends[key])

    results: dict[str, TimedResult] = {}
    progressed = time.monotonic()
    with ThreadPoolExecutor(_PARALLEL_REQUESTS) as pool, steps.step("score", "results") as step:
        while pending := [
            image.key for image in images if image.key not in results and image.key not in uploads.failures
        ]:
            begun = time.monotonic()
            listed_keys = set(list_keys(stack.s3, stack.results, RESULTS))
            new = [key for key in pending if key in uploads.ends and result_key(key) in listed_keys]
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


def fetch_written(stack: DeployedStack, out: Path) -> list[str]:
    """Copy results and review flags to a folder, each under its key.

    Returns:
        One line for each document that cannot be written.
    """

    def fetch(key: str) -> str | None:
        body = read_bytes(stack.s3, stack.results, key)
        try:
            write_whole(out / key, body)
        except OSError as error:
            return f"{error.filename}: {error.strerror}"
        return None

    with ThreadPoolExecutor(_PARALLEL_REQUESTS) as pool:
        failures = [pool.map(fetch, list_keys(stack.s3, stack.results, prefix)) for prefix in (RESULTS, REVIEW)]
        return [failure for group in failures for failure in group if failure]
