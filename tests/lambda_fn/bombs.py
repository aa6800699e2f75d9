"""Files made to exhaust the memory or the time of a decoder.

Each keeps within the limit on bytes. They are built from headers, without drawing an image of that size.
"""

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial

from PIL import Image

from lambda_fn.preprocessing import LIMITS

from .bmp import file, info

BIG = LIMITS.file_bytes - 1_000_000


def saved(image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, image_format, **options)
    return buffer.getvalue()


def widened(image_format: str, size: tuple[int, int]) -> bytes:
    """Return an image whose header claims another size than its data has."""
    data = bytearray(saved(image_format, lossless=True) if image_format == "WEBP" else saved(image_format))
    if image_format == "BMP":
        struct.pack_into("<ii", data, 18, *size)
    elif image_format == "PNG":
        struct.pack_into(">II", data, 16, *size)
        struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    elif image_format == "JPEG":
        struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, *size[::-1])
    elif (
        image_format == "WEBP"
    ):  # 14 bits a side: https://developers.google.com/speed/webp/docs/webp_lossless_bitstream_specification
        width, height = (min(side, 16384) - 1 for side in size)
        struct.pack_into("<I", data, 21, width | height << 14)
    else:
        (directory,) = struct.unpack_from("<I", data, 4)
        for entry in range(directory + 2, directory + 2 + 12 * struct.unpack_from("<H", data, directory)[0], 12):
            tag = struct.unpack_from("<H", data, entry)[0]
            if tag in (256, 257):  # ImageWidth, ImageLength
                struct.pack_into("<HII", data, entry + 2, 4, 1, size[tag - 256])
    return bytes(data)


def run_length_bmp(pair: bytes) -> bytes:
    """Return a BMP with run-length encoded data that never ends."""
    return file(info(5000, 5000, 8, 1) + bytes(1024), pair * (BIG // len(pair)))


def png_of_empty_chunks() -> bytes:
    data, chunk = saved("PNG"), struct.pack(">I", 0) + b"aaAa"
    return data[:33] + (chunk + struct.pack(">I", zlib.crc32(b"aaAa"))) * (BIG // 12) + data[33:]


def jpeg_before_its_image(padding: bytes) -> bytes:
    data = saved("JPEG")
    return data[:2] + padding * (BIG // len(padding)) + data[2:]


def jpeg_of_scans(scans: int) -> bytes:
    """Return a progressive JPEG that refines the same coefficients this many times."""
    data = bytearray(saved("JPEG", progressive=True))
    struct.pack_into(">HH", data, data.index(b"\xff\xc2") + 5, 5000, 5000)
    last = bytes(data[data.rindex(b"\xff\xda") : -2])
    return bytes(data[:-2]) + last * scans + bytes(data[-2:])


def tiff_of_pages() -> bytes:
    """Return a TIFF whose pages all repeat the directory of the first."""
    data = bytearray(saved("TIFF"))
    data += bytes(len(data) % 2)
    (start,) = struct.unpack_from("<I", data, 4)
    end = start + 2 + 12 * struct.unpack_from("<H", data, start)[0]
    directory = bytes(data[start:end])
    struct.pack_into("<I", data, end, len(data))
    for _ in range(100_000):
        data += directory + struct.pack("<I", len(data) + len(directory) + 4)
    return bytes(data)


FORMATS = ("BMP", "PNG", "JPEG", "TIFF", "WEBP")
SIDES = (50_000, 6_000)
# By name: the code of the rejection, the largest number of reads before it, and a function that makes the file.
BOMBS: dict[str, tuple[str, int, Callable[[], bytes]]] = {
    **{
        f"{name} of {side:,} x {side:,}": ("too_large", 100, partial(widened, name, (side, side)))
        for side in SIDES
        for name in FORMATS
    },
    "BMP of short runs": ("unreadable", 2_000_001, partial(run_length_bmp, b"\1\7")),
    "BMP of empty lines": ("unreadable", 2_000_001, partial(run_length_bmp, b"\0\0")),
    "BMP of steps to nowhere": ("unreadable", 2_000_001, partial(run_length_bmp, b"\0\2\0\0")),
    "PNG of empty chunks": ("unreadable", 100_001, png_of_empty_chunks),
    "JPEG of empty comments": ("unreadable", 100_001, partial(jpeg_before_its_image, b"\xff\xfe\0\2")),
    "JPEG of padding": ("unreadable", 100_001, partial(jpeg_before_its_image, b"\xff")),
    "JPEG of 50 scans": ("unreadable", 100, partial(jpeg_of_scans, 50)),
    "JPEG of 500,000 scans": ("unreadable", 100, partial(jpeg_of_scans, 500_000)),
    "TIFF of 100,000 pages": ("unsupported_format", 100, tiff_of_pages),
}
