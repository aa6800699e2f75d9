"""The memory that the largest images take."""

import io
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lambda_fn.preprocessing import LIMITS

from . import tiff as tags

Pixels = NDArray[np.uint8]
SIDE = int(LIMITS.pixels**0.5)
# A process that finds the cell on the image of a file, and prints the peak of its memory in KiB. The peak that
# ``getrusage`` reports includes the process that started it.
PROGRAM = """
import sys
from pathlib import Path
from lambda_fn.cells import find_cell
from lambda_fn.images import decode
find_cell(decode(Path(sys.argv[1]).read_bytes()).pixels)
print(next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")).split()[1])
"""


def saved(pixels: Pixels, image_format: str, mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, image_format, **options)
    return buffer.getvalue()


def deflated(samples: NDArray[np.uint16]) -> bytes:
    """Return a TIFF of one deflated strip, which a decoder must decompress at once."""
    height, width, channels = samples.shape
    head = {tags.WIDTH: [width], tags.HEIGHT: [height], tags.BITS: [16] * channels, tags.COMPRESSION: [8]}
    head |= {tags.PHOTOMETRIC: [tags.RGB], tags.SAMPLES: [channels], tags.ROWS_OF_STRIP: [height]}
    return tags.tiff([zlib.compress(samples.astype("<u2").tobytes(), 1)], head)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
@pytest.mark.parametrize(
    "write",
    [
        lambda pixels: saved(pixels, "WEBP", lossless=True, method=0, quality=0),
        lambda pixels: saved(pixels, "JPEG", mode="CMYK", progressive=True),
        lambda pixels: deflated(pixels.astype(np.uint16) * 16),
    ],
    ids=["lossless WebP", "progressive JPEG for print", "TIFF of 12 bits"],
)
def test_the_largest_image_keeps_within_the_memory_that_the_limits_state(
    write: Callable[[Pixels], bytes], tmp_path: Path
) -> None:
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[2000:3000, 2000:3000] = np.random.default_rng(0).integers(60, 200, (1000, 1000, 3), dtype=np.uint8)
    (tmp_path / "image").write_bytes(write(pixels))
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "image")]
    measured = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    # The handler, boto3 and the model, which do not run here, take 100 MiB.
    assert int(measured.stdout) // 1024 + 100 <= LIMITS.peak_memory_mb
