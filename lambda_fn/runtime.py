"""The objects that a process of the function keeps from batch to batch."""

import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import boto3
import numpy as np
from botocore.config import Config

from lambda_fn.deadline import SILENT_SECONDS
from lambda_fn.decisions import Policy
from lambda_fn.model import Model
from lambda_fn.settings import READ_AHEAD, policy

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# Writes wait for S3 while the processor scores images, so many may run at once.
PARALLEL_WRITES = 16


def connect() -> "S3Client":
    """Make an S3 client with a connection for each thread, and with timeouts that leave time for a second try."""
    return boto3.client(
        "s3",
        config=Config(
            max_pool_connections=READ_AHEAD + PARALLEL_WRITES,
            connect_timeout=SILENT_SECONDS,
            read_timeout=SILENT_SECONDS,
            retries={"mode": "standard", "total_max_attempts": 4},
        ),
    )


def start_readers() -> ThreadPoolExecutor:
    """Make a pool of threads that read images."""
    return ThreadPoolExecutor(READ_AHEAD, "read")


def start_writers() -> ThreadPoolExecutor:
    """Make a pool of threads that write documents."""
    return ThreadPoolExecutor(PARALLEL_WRITES, "write")


@dataclass(eq=False)
class Runtime:
    """The model, the policy, the S3 client and the threads that all batches of a process share.

    Attributes:
        model: scores images.
        policy: the rules by which images are decided.
        s3: reads images and writes documents.
        readers: threads that read images.
        writers: threads that write documents.
    """

    model: Model
    policy: Policy
    s3: "S3Client" = field(default_factory=connect)
    readers: ThreadPoolExecutor = field(default_factory=start_readers)
    writers: ThreadPoolExecutor = field(default_factory=start_writers)

    @classmethod
    def start(cls, environment: Mapping[str, str]) -> "Runtime":
        """Load the model of this package, and read the policy from the environment.

        Raises:
            ModelError: the model cannot be served.
            SettingsError: a variable of the environment cannot be used.
        """
        model = Model()
        return cls(model, policy(environment, model.manifest))

    def replace_workers(self) -> None:
        """Abandon all pending reads and writes, so that the next batch does not wait for them."""
        for workers in (self.readers, self.writers):
            workers.shutdown(wait=False, cancel_futures=True)
        self.readers, self.writers = start_readers(), start_writers()

    def register_snapshot_hooks(self) -> None:
        """Register ``before_snapshot`` and ``after_restore`` with Lambda; does nothing outside Lambda."""
        with suppress(ImportError):  # Lambda's runtime brings the module
            from snapshot_restore_py import register_after_restore, register_before_snapshot

            register_before_snapshot(self.before_snapshot)
            register_after_restore(self.after_restore)

    def before_snapshot(self) -> None:
        """Run the model once, so that SnapStart's snapshot contains the work of a first inference and explanation."""
        side = self.model.manifest.preprocessing.size
        pixels = np.zeros((side, side, 3), np.uint8)
        self.model.predict(pixels)
        if self.model.explains and self.policy.explain != "none":
            self.model.explain(self.model.predict_with_activations(pixels)[1], (0, 0))

    def after_restore(self) -> None:
        """Replace connections, credentials and the random state: processes from one snapshot must not share them.

        https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
        """
        self.s3 = connect()
        random.seed()  # botocore draws the delays between its tries
