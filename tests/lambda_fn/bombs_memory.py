"""Print by how many bytes this process grows while it decodes bombs: first those of large sides, then all others.

To be run alone, as a process keeps the highest mark of its memory.
"""

import resource
import sys
import warnings

from lambda_fn.errors import RejectedImageError
from lambda_fn.images import decode

from .bombs import BOMBS


def highest_mark() -> int:
    """Return the peak memory of this process in bytes; Linux counts in units of 1,024."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


warnings.simplefilter("ignore")
before = highest_mark()
for large in (False, True):
    for code, _, make in BOMBS.values():
        if (code != "too_large") == large:
            try:
                decode(make())
            except RejectedImageError:
                continue
    print(highest_mark() - before)
