"""Lambda's part of the way from a queue to the function: pollers, each with a worker process that it may kill."""

import json
import random
import signal
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import MessageTypeDef

BATCH = 10
TIMEOUT_SECONDS = 60.0
AGAIN_SECONDS = 1
Fate = Literal["done", "late", "failed", "died"]


class Worker:
    """A process of the function's code; it answers one batch after another."""

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, text=True
            )

    def answer(self, event: object, life_seconds: float) -> dict[str, list[dict[str, str]]] | None:
        """The handler's answer; None where the process is dead, as it is at the latest after `life_seconds`."""
        assert self._process.stdin
        assert self._process.stdout
        killer = threading.Timer(life_seconds, self._process.kill)  # knows whether the process id is still its own
        killer.start()
        try:
            print(json.dumps(event), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            killer.cancel()
        answer: dict[str, list[dict[str, str]]] | None = json.loads(line) if line.endswith("\n") else None
        return answer

    def end(self) -> None:
        """Kill the process, which must not have ended by itself."""
        self._process.kill()
        self._process.communicate()
        assert self._process.returncode == -signal.SIGKILL


class Pollers:
    """Deliver a queue as Lambda's event source does: what fails, or was in a worker that died, comes back by itself.

    Attributes:
        fates: by message id, what became of each delivery: `done`; `late` if it was done after the queue had offered
            the message again; `failed`; or `died` with its worker.
        batches: how many were handed to workers.
        deaths: how many of these ended with the worker's death.
    """

    def __init__(self, sqs: "SQSClient", queue: str, launch: Callable[[], Worker], seed: int) -> None:
        self.fates: defaultdict[str, list[Fate]] = defaultdict(list)
        self.batches = self.deaths = 0
        self._sqs, self._queue, self._launch = sqs, queue, launch
        self._generator = random.Random(seed)
        visibility = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])
        self._visibility_seconds = int(visibility["Attributes"]["VisibilityTimeout"])
        self._stopped = threading.Event()

    def deliver(self, workers: int, killed: float) -> None:
        """Run `workers` until the queue is empty; a share `killed` of the batches has its worker killed by SIGKILL."""
        with ThreadPoolExecutor(workers) as pool:
            try:
                for future in [pool.submit(self._poll, killed) for _ in range(workers)]:
                    future.result()
            finally:
                self._stopped.set()

    def _poll(self, killed: float) -> None:
        worker, usual_seconds = self._launch(), 1.0
        try:
            while not self._stopped.is_set():
                messages = self._receive()
                if not messages:
                    if self._is_empty():
                        return
                    continue
                # Anywhere between the first step and a little after the last.
                dies = self._generator.random() < killed
                life_seconds = self._generator.uniform(0, 1.2 * usual_seconds) if dies else TIMEOUT_SECONDS
                begun = time.monotonic()
                answer = worker.answer(_event(messages, f"{begun:.6f}"), life_seconds)
                self.batches += 1
                if answer is None:
                    self.deaths += 1
                    self._record(messages, "died")
                    worker.end()
                    self._offer_again(messages)
                    worker = self._launch()
                else:
                    usual_seconds = time.monotonic() - begun
                    failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
                    self._settle(messages, failed, late=time.monotonic() - begun > self._visibility_seconds)
        finally:
            worker.end()

    def _receive(self) -> "list[MessageTypeDef]":
        received = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=BATCH, WaitTimeSeconds=1)
        return received.get("Messages", [])

    def _is_empty(self) -> bool:
        counts = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["All"])["Attributes"]
        visible, in_flight = counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesNotVisible"]
        return (visible, in_flight) == ("0", "0")

    def _settle(self, messages: "list[MessageTypeDef]", failed: set[str], late: bool) -> None:
        done = [message for message in messages if message["MessageId"] not in failed]
        if done:
            delete(self._sqs, self._queue, done)
        self._record(done, "late" if late else "done")
        undone = [message for message in messages if message["MessageId"] in failed]
        self._offer_again(undone)
        self._record(undone, "failed")

    def _offer_again(self, messages: "list[MessageTypeDef]") -> None:
        """Let messages come back soon, rather than after the visibility timeout."""
        for message in messages:
            self._sqs.change_message_visibility(
                QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=AGAIN_SECONDS
            )

    def _record(self, messages: "list[MessageTypeDef]", fate: Fate) -> None:
        for message in messages:
            self.fates[message["MessageId"]].append(fate)


def _event(messages: "list[MessageTypeDef]", request_id: str) -> dict[str, object]:
    records = [
        {"eventSource": "aws:sqs", "messageId": message["MessageId"], "body": message["Body"]} for message in messages
    ]
    return {"request_id": request_id, "event": {"Records": records}, "timeout_seconds": TIMEOUT_SECONDS}


def delete(sqs: "SQSClient", queue: str, messages: "list[MessageTypeDef]") -> None:
    """Take at most ten received messages off their queue."""
    handles = [message["ReceiptHandle"] for message in messages]
    sqs.delete_message_batch(
        QueueUrl=queue, Entries=[{"Id": str(n), "ReceiptHandle": handle} for n, handle in enumerate(handles)]
    )
