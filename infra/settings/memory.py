"""The memory that the function needs for the largest image that it accepts."""

from typing import Final

from lambda_fn.preprocessing import Limits
from lambda_fn.settings import READ_AHEAD

_MEBIBYTE = 1024 * 1024

# Python, its libraries and the model: a process that has scored a batch of 100 cells of ordinary size takes 194 MiB
# (docs/performance.md).
_PROCESS_MEBIBYTES: Final = 200

# The most that one pixel takes while an image is decoded and the cell is found. WebP takes the most: a process that
# scores one of 25 million pixels peaks at 752 MB.
_PIXEL_BYTES: Final = 23

# The result is a whole number of these.
_STEP_MEBIBYTES: Final = 64


def least_memory_mb(limits: Limits) -> int:
    """The least memory in MB with which Lambda does not end the process at the largest image of ``limits``.

    While one image is decoded, ``READ_AHEAD`` others may wait in memory as files.
    """
    files = READ_AHEAD * limits.file_bytes
    needed = _PROCESS_MEBIBYTES + (files + _PIXEL_BYTES * limits.pixels) / _MEBIBYTE
    return _STEP_MEBIBYTES * -int(-needed // _STEP_MEBIBYTES)
