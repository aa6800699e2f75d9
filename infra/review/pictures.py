"""Images as PNG for the browser, with the same pixels that the model saw, and the outline of the cell over them."""

import io
import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from infra.errors import InfraError
from lambda_fn.cells import find_cell
from lambda_fn.errors import RejectedImageError
from lambda_fn.images import decode
from lambda_fn.preprocessing import Limits

# The colour of the outline, and its opacity, 0 to 255.
_OUTLINE = (255, 255, 255, 230)
# Bytes of pictures that are kept, so that a prefetched card is not read and converted again.
_MOST_BYTES = 128 * 2**20


class NoPictureError(InfraError):
    """An image cannot be shown; the message says why."""


def to_png(data: bytes, limits: Limits) -> bytes:
    """Convert the file of an image to PNG.

    Raises:
        NoPictureError: the file cannot be decoded.
    """
    return _png(_pixels(data, limits))


def outline_png(data: bytes, limits: Limits) -> bytes:
    """The outline of the cell as a PNG of the image's size, transparent everywhere else.

    Raises:
        NoPictureError: the file cannot be decoded, or there is no cell on the image.
    """
    try:
        mask = find_cell(_pixels(data, limits)).mask
    except RejectedImageError as error:
        raise NoPictureError(error.message) from error
    inside = np.pad(mask, 1)
    eroded = inside[1:-1, :-2] & inside[1:-1, 2:] & inside[:-2, 1:-1] & inside[2:, 1:-1]
    layer = np.zeros((*mask.shape, 4), np.uint8)
    layer[mask & ~eroded] = _OUTLINE
    return _png(layer)


def _pixels(data: bytes, limits: Limits) -> NDArray[np.uint8]:
    try:
        return decode(data, limits).pixels
    except RejectedImageError as error:
        raise NoPictureError(error.message) from error


def _png(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    # The browser is on this machine: little time for compression is worth more than few bytes.
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


class Pictures:
    """The pictures that were made last, by key of the image and kind."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        """Keep pictures of at most ``most_bytes`` together."""
        self._most = most_bytes
        self._kept: OrderedDict[tuple[str, ...], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: tuple[str, ...], make: Callable[[], bytes]) -> bytes:
        """The picture of a name; made if it is not kept. Raises what ``make`` raises."""
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        picture = make()
        with self._lock:
            self._kept[name] = picture
            while sum(map(len, self._kept.values())) > self._most and len(self._kept) > 1:
                self._kept.popitem(last=False)
        return picture
