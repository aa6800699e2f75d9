"""Score images in a process of their own, so that an image that ends its process ends nothing else.

A decoder may crash, run out of memory or loop for ever on some image. In the function's own process the whole batch
would go back to the queue, and after some deliveries to the dead-letter queue, with all its good images.

``subprocess`` starts the process. ``multiprocessing`` would import Lambda's own main module in it, and its pools and
queues need ``/dev/shm``, which Lambda does not have: https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from lambda_fn.decisions import Policy
from lambda_fn.errors import OutOfTimeError, PoisonImageError
from lambda_fn.images import StoredImage
from lambda_fn.model import Model
from lambda_fn.results import ResultDocument
from lambda_fn.scoring import score


class IsolatedScoring:
    """A process that scores images. It starts with the first image, and again after it was ended."""

    def __init__(self, model: Model, policy: Policy) -> None:
        """Prepare a process that serves ``model`` by ``policy``; none is started yet."""
        self._folder = model.folder
        self._policy = policy
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def score(self, image: StoredImage, seconds_left: Callable[[], float]) -> ResultDocument:
        """Score an image in at most half of the time that is left, so that the images after it have the other half.

        Args:
            image: the image.
            seconds_left: returns the time that is left for all images, in seconds.

        Raises:
            PoisonImageError: the image ended the process, kept it busy for too long, or raised an error in it.
            OutOfTimeError: the process did not start in time.
        """
        connection = self._connection or self._start(seconds_left())
        seconds = seconds_left() / 2
        try:
            connection.send(image)
            if not connection.poll(seconds):
                self.stop()
                raise PoisonImageError(f"the image kept a process of its own busy for {seconds:.0f} seconds")
            answer: ResultDocument | str = connection.recv()
        except (EOFError, OSError) as error:
            raise PoisonImageError(f"the image ended the process that scored it: {self.stop()}") from error
        if isinstance(answer, str):
            raise PoisonImageError(f"scoring the image raised {answer}")
        return answer

    def stop(self) -> str:
        """End the process, if one runs; returns how it ended: by which signal, or with which exit status."""
        if self._connection:
            self._connection.close()
        status = 0
        if self._process:
            # A process that ended by itself keeps its own status.
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.5)
            self._process.kill()
            status = self._process.wait()
        self._process = self._connection = None
        return signal.Signals(-status).name if status < 0 else f"exit status {status}"

    def _start(self, seconds: float) -> Connection:
        ours, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lambda_fn.isolation", str(theirs.fileno()), str(self._folder)],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                pass_fds=[theirs.fileno()],
            )
        self._connection = ours
        with suppress(EOFError, OSError):
            ours.send(self._policy)
            if ours.poll(seconds):
                ours.recv()
                return ours
        ending = self.stop()
        raise OutOfTimeError(f"a process of its own for the image did not start within {seconds:.0f} seconds: {ending}")


def _serve(connection: Connection, folder: Path) -> None:
    """Score images until the other end closes: receives a policy, then images; sends None, then documents."""
    # If memory runs out, the kernel ends the process of the highest score first; it should not be the function's.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    policy: Policy = connection.recv()
    model = Model(folder)
    connection.send(None)
    with suppress(EOFError):
        while True:
            image: StoredImage = connection.recv()
            try:
                answer: ResultDocument | str = score(model, image, policy)
            except Exception as error:  # noqa: BLE001 - its text may hold a key, and its traceback stays here
                answer = type(error).__name__
            connection.send(answer)


if __name__ == "__main__":
    _serve(Connection(int(sys.argv[1])), Path(sys.argv[2]))
