"""Costs of a million images by threads, memory, batch size and window; docs/performance.md explains the choice."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil
from statistics import median

import pytest
from rich.table import Table

from infra import prices
from infra.local_cloud import emulator
from infra.local_cloud.isolation import environment, session
from infra.settings.configuration import Configuration
from lambda_fn.manifest import Manifest

from .batches import IMAGES, key
from .conftest import TABLES, report

ROUNDS = 3
SIZES = (1, 10, 25, 50, 100)
MILLION = 1_000_000
# Memory that comes with one full core: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
VCPU_MB = 1769


@dataclass(frozen=True)
class Measured:
    """Medians of several rounds of ``IMAGES`` images.

    Attributes:
        size: number of images in a batch.
        seconds: time for one image, on the cores of the run.
        cpu_seconds: processor time of all threads for one image.
        requests: requests to S3 for all images, by method and purpose.
        log_bytes: bytes of the log for all images.
    """

    size: int
    seconds: float
    cpu_seconds: float
    requests: Counter[str]
    log_bytes: int


Measure = Callable[..., list[Measured]]


@pytest.fixture(scope="module")
def measure(cells: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measure]:
    """Runs batches of these sizes in a process with these cores and threads, against a local cloud."""
    home = tmp_path_factory.mktemp("home")
    try:
        endpoint = emulator.start(home).endpoint
        s3 = session().client("s3", endpoint_url=endpoint)
        s3.create_bucket(Bucket="images")
        for number in range(IMAGES):
            s3.put_object(Bucket="images", Key=key(number), Body=cells[number % len(cells)])

        def run(cores: int, threads: int, *sizes: int) -> list[Measured]:
            arguments = map(str, (cores, threads, ROUNDS, *sizes))
            command = [sys.executable, "-m", "tests.benchmarks.batches", *arguments]
            done = subprocess.run(
                command, env=environment(endpoint, os.environ), check=True, stdout=subprocess.PIPE, text=True
            )
            return [
                _median([line for line in map(json.loads, done.stdout.splitlines()) if line[0] == s]) for s in sizes
            ]

        yield run
    finally:
        emulator.stop(home)


def _median(rounds: list[tuple[int, float, float, dict[str, int], int]]) -> Measured:
    sizes, seconds, cpu_seconds, requests, log_bytes = zip(*rounds, strict=True)
    return Measured(
        sizes[0], median(seconds) / IMAGES, median(cpu_seconds) / IMAGES, Counter(requests[-1]), log_bytes[-1]
    )


def cost_of_a_million(measured: Measured, *, memory_mb: int, images_a_batch: float = 0) -> dict[str, float]:
    """Return USD by part of the bill, without storage.

    The share of flagged images is the manifest's, for subjects that the model never saw. Lambda is billed as arm64, at
    the speed of this machine.

    Args:
        measured: the measurement of full batches.
        memory_mb: memory of the function. Below ``VCPU_MB`` the processor time is stretched.
        images_a_batch: average number of images in a batch, if batches are not full.
    """
    size = images_a_batch or measured.size
    requests = measured.requests
    flag = prices.S3_WRITE_REQUEST + prices.S3_READ_REQUEST * requests["GET results"] / requests["PUT review"]
    seconds = max(measured.seconds, measured.cpu_seconds / (memory_mb / VCPU_MB))
    return {
        "results: PUT": MILLION / IMAGES * requests["PUT results"] * prices.S3_WRITE_REQUEST,
        "flags: PUT, GET": MILLION * Manifest.read().achieved_shares().review_share * flag,
        "ledger: PUT": MILLION / size * prices.S3_WRITE_REQUEST,
        "images: GET": MILLION / IMAGES * requests["GET image"] * prices.S3_READ_REQUEST,
        "queue": MILLION * (1 + 2 * ceil(size / prices.SQS_MESSAGES_A_REQUEST) / size) * prices.SQS_REQUEST,
        "Lambda": prices.lambda_cost(MILLION * seconds, memory_mb, "arm64", round(MILLION / size)),
        "logs": MILLION / IMAGES * measured.log_bytes * measured.size / size / 1e9 * prices.LOGS_GB_INGESTED,
    }


def test_what_a_million_images_cost_by_size_of_batch_and_window(measure: Measure) -> None:
    settings = Configuration()
    by_size = {measured.size: measured for measured in measure(1, 1, *SIZES)}
    costs = {size: cost_of_a_million(one, memory_mb=settings.memory_mb) for size, one in by_size.items()}
    full = by_size[settings.batch_size]
    assert full.requests["PUT results"] == full.requests["GET image"] == IMAGES
    report("a million images", f"{sum(costs[settings.batch_size].values()):.2f} USD", "<= 8 USD", ROUNDS)

    title = (
        f"USD for a million new images, list prices of us-east-1, {prices.PRICES_AS_OF}, {settings.memory_mb} MB, arm64"
    )
    table = Table("images a batch", *map(str, SIZES), title=title)
    table.add_row("ms an image", *(f"{by_size[size].seconds * 1000:.1f}" for size in SIZES))
    table.add_row("CPU ms an image", *(f"{by_size[size].cpu_seconds * 1000:.1f}" for size in SIZES))
    for part in costs[SIZES[0]]:
        table.add_row(part, *(f"{costs[size][part]:.2f}" for size in SIZES))
    table.add_row("all", *(f"{sum(costs[size].values()):.2f}" for size in SIZES))
    TABLES.append(table)

    def cost(images_a_batch: float) -> float:
        measured = by_size[max(size for size in SIZES if size <= images_a_batch)]
        parts = cost_of_a_million(measured, memory_mb=settings.memory_mb, images_a_batch=images_a_batch)
        return sum(parts.values())

    windows = (0, 1, 5, 20)
    title = f"USD for a million, at most {settings.batch_size} a batch, that come at a steady pace"
    table = Table("images a second", *(f"window {window} s" for window in windows), title=title)
    for pace in (0.1, 1, 10, 100):
        sizes = (min(settings.batch_size, 1 + pace * window) for window in windows)
        table.add_row(f"{pace:g}", *(f"{cost(size):.2f}" for size in sizes))
    TABLES.append(table)


def test_what_memory_and_threads_buy(measure: Measure) -> None:
    size = Configuration().batch_size
    one, two, both = (measure(cores, threads, size)[0] for cores, threads in ((1, 1), (2, 1), (2, 2)))
    table = Table(
        *("memory, MB", "cores", "threads", "ms an image", "CPU ms", "USD of Lambda a million"),
        title=f"Batches of {size}; below one core the time is the processor's, stretched",
    )
    for memory_mb, cores, threads, measured in (
        (512, 0.29, 1, one),
        (884, 0.5, 1, one),
        (VCPU_MB, 1, 1, one),
        (2 * VCPU_MB, 2, 1, two),
        (2 * VCPU_MB, 2, 2, both),
    ):
        seconds = max(measured.seconds, measured.cpu_seconds / min(cores, 1))
        cost = cost_of_a_million(measured, memory_mb=memory_mb)["Lambda"]
        row = (memory_mb, cores, threads, f"{seconds * 1000:.1f}", f"{measured.cpu_seconds * 1000:.1f}", f"{cost:.2f}")
        table.add_row(*map(str, row))
    TABLES.append(table)
