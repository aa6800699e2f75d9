"""Imports Keras on TensorFlow, without the messages that TensorFlow prints."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


def import_quietly() -> None:
    """Import TensorFlow without its messages. The first call takes some seconds.

    Raises:
        ImportError: TensorFlow is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    # The runtime writes its first lines before it reads its own log level.
    with _muted_standard_error():
        import tensorflow as tf
    # TensorFlow warns of every fifth network that predicts in one process.
    tf.get_logger().setLevel("ERROR")


@contextmanager
def _muted_standard_error() -> Iterator[None]:
    standard_error = os.dup(2)
    silence = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(silence, 2)
        yield
    finally:
        os.dup2(standard_error, 2)
        os.close(silence)
        os.close(standard_error)
