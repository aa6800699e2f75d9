"""A damaged image is never decided as if it were whole; what its file shows is ``unreadable``."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lambda_fn.errors import RejectedImageError
from lambda_fn.images import decode

from . import tiff as tags
from .bmp import run_length_bmp
from .png import ADAM7, chunk, png
from .tiff import tiff, tiff_of, tiled_tiff_of

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def textured() -> Pixels:
    """A cell of 180 px on black, whose texture reaches the lower half of a 450 x 400 image."""
    rows, columns = np.mgrid[:400, :450]
    noise = np.random.default_rng(0).integers(60, 200, (400, 450, 3), dtype=np.uint8)
    return np.where(((rows - 240) ** 2 + (columns - 200) ** 2 < 90**2)[..., None], noise, np.uint8(0))


def saved(pixels: Pixels, image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, image_format, **options)
    return buffer.getvalue()


def png_of(stream: bytes, size: tuple[int, int], interlaced: bool = False, end: bool = True) -> bytes:
    head = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, interlaced)
    pieces = [chunk(b"IHDR", head), chunk(b"IDAT", stream), chunk(b"IEND", b"") if end else b""]
    return b"\x89PNG\r\n\x1a\n" + b"".join(pieces)


def rows_of_png(pixels: Pixels, interlaced: bool = False) -> bytes:
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    return b"".join(
        b"\0" + row.tobytes() for left, top, across, down in passes for row in pixels[top::down, left::across]
    )


def with_end_at(jpeg: bytes, share: float) -> bytes:
    """Return a JPEG that was cut and got a new marker of the end, as tools for recovery write it."""
    return jpeg[: int(len(jpeg) * share)] + b"\xff\xd9"


def assert_unreadable(data: bytes) -> None:
    with pytest.raises(RejectedImageError) as rejection:
        decode(data)
    assert rejection.value.code == "unreadable"


def assert_unreadable_or_whole(data: bytes, whole: Pixels) -> None:
    try:
        pixels = decode(data).pixels
    except RejectedImageError as rejection:
        assert rejection.code == "unreadable"
    else:
        assert (pixels == whole).all()


# The files of one cell, by the kind of coding.
CODINGS: dict[str, Callable[[Pixels], bytes]] = {
    "BMP": lambda pixels: saved(pixels, "BMP"),
    "BMP of run lengths": lambda pixels: run_length_bmp(pixels[..., 0], 8),
    "PNG": lambda pixels: saved(pixels, "PNG"),
    "PNG, interlaced": lambda pixels: png(pixels, interlaced=True),
    "PNG of 16 bits": lambda pixels: png(pixels * np.uint16(257)),
    "JPEG": lambda pixels: saved(pixels, "JPEG", quality=90),
    "JPEG, optimised": lambda pixels: saved(pixels, "JPEG", optimize=True),
    "JPEG, progressive": lambda pixels: saved(pixels, "JPEG", progressive=True),
    "JPEG with restarts": lambda pixels: saved(pixels, "JPEG", restart_marker_rows=1),
    "JPEG, grey": lambda pixels: saved(pixels[..., 0], "JPEG"),
    "WebP": lambda pixels: saved(pixels, "WEBP", quality=80),
    "WebP, lossless": lambda pixels: saved(pixels, "WEBP", lossless=True),
    "TIFF": lambda pixels: saved(pixels, "TIFF"),
    "TIFF, tiled": tiled_tiff_of,
    "TIFF, planar": lambda pixels: tiff_of(pixels, tag_284=2),
    "TIFF, LZW": lambda pixels: saved(pixels, "TIFF", compression="tiff_lzw"),
    "TIFF, deflate": lambda pixels: saved(pixels, "TIFF", compression="tiff_adobe_deflate"),
    "TIFF, PackBits": lambda pixels: saved(pixels, "TIFF", compression="packbits"),
    "TIFF, JPEG": lambda pixels: saved(pixels, "TIFF", compression="jpeg"),
}
UNCOMPRESSED = ("BMP", "TIFF", "TIFF, tiled", "TIFF, planar", "BMP of run lengths")


@pytest.mark.parametrize("name", CODINGS)
def test_a_file_that_ends_early_is_unreadable_or_lost_no_pixel(name: str, textured: Pixels) -> None:
    data = CODINGS[name](textured)
    whole = decode(data).pixels
    for share in (0.1, 0.4, 0.6, 0.75, 0.9, 0.97, 0.99):
        assert_unreadable(data[: int(len(data) * share)])
    for length in range(len(data) - 12, len(data)):
        assert_unreadable_or_whole(data[:length], whole)


@pytest.mark.parametrize("name", [name for name in CODINGS if name not in UNCOMPRESSED])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.75, 0.9])
def test_a_compressed_file_with_a_zeroed_tail_is_unreadable(name: str, share: float, textured: Pixels) -> None:
    data = CODINGS[name](textured)
    length = int(len(data) * share)
    assert_unreadable(data[:length] + bytes(len(data) - length))


@pytest.mark.parametrize("interlaced", [False, True], ids=["row by row", "interlaced"])
@pytest.mark.parametrize("background", [0, 255], ids=["black", "white"])
@pytest.mark.parametrize("lost", [1, 300, 150_000])
def test_a_png_with_too_few_rows_is_unreadable(interlaced: bool, background: int, lost: int, textured: Pixels) -> None:
    pixels = np.where(textured > 0, textured, np.uint8(background))
    stream = rows_of_png(pixels, interlaced)
    assert (decode(png_of(zlib.compress(stream), (450, 400), interlaced)).pixels == pixels).all()
    assert_unreadable(png_of(zlib.compress(stream[:-lost]), (450, 400), interlaced))


@pytest.mark.parametrize(
    "damage",
    [
        lambda stream: png_of(stream[:-300], (450, 400)),
        lambda stream: png_of(b"", (450, 400)),
        lambda stream: png_of(stream, (450, 400), end=False),
        lambda stream: png_of(stream, (450, 400)).replace(chunk(b"IDAT", stream), b""),
        lambda stream: png_of(stream, (450, 400)).replace(stream[999:1009], bytes(10)),
        lambda stream: png_of(stream[:9000] + bytes(len(stream) - 9000), (450, 400)),
    ],
    ids=["stream cut", "stream empty", "no end", "no pixels", "checksum", "zeroed stream with a right checksum"],
)
def test_a_png_with_a_damaged_stream_is_unreadable(damage: Callable[[bytes], bytes], textured: Pixels) -> None:
    assert_unreadable(damage(zlib.compress(rows_of_png(textured))))


@pytest.mark.parametrize("name", [name for name in CODINGS if name.startswith("JPEG")])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.75, 0.9, 0.97])
def test_a_jpeg_whose_marker_of_the_end_comes_early_is_unreadable(name: str, share: float, textured: Pixels) -> None:
    assert_unreadable(with_end_at(CODINGS[name](textured), share))


def test_a_jpeg_without_one_of_its_scans_is_unreadable(textured: Pixels) -> None:
    data = saved(textured, "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    assert_unreadable(data[:last] + b"\xff\xd9")


STRIPS = {tags.WIDTH: [450], tags.HEIGHT: [400], tags.BITS: [8] * 3, tags.COMPRESSION: [1], tags.PHOTOMETRIC: [2]}
STRIPS |= {tags.SAMPLES: [3], tags.ROWS_OF_STRIP: [100]}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("drop", "lists"),
    [
        (1, {}),
        (3, {}),
        (0, {"sizes": [135_000] * 3 + [100_000]}),
        (0, {"sizes": [135_000] * 3 + [0]}),
        (0, {"sizes": [135_000] * 3}),
        (0, {"offsets": [8, 135_008, 270_008, 0]}),
        (0, {"offsets": [8, 135_008, 270_008, 900_000]}),
        (0, {"offsets": [8, 135_008, 270_008, 440_008]}),
    ],
    ids=["3 of 4", "1 of 4", "short", "empty", "no size", "offset 0", "offset outside", "offset near the end"],
)
def test_a_tiff_with_a_missing_or_short_strip_is_unreadable(
    order: str, drop: int, lists: dict[str, list[int]], textured: Pixels
) -> None:
    strips = [textured[top : top + 100].tobytes() for top in range(0, 400, 100)]
    assert (decode(tiff(strips, STRIPS, order)).pixels == textured).all()
    assert_unreadable(tiff(strips[: 4 - drop], STRIPS, order, **lists))


def test_a_tiff_whose_list_of_tiles_is_too_short_is_unreadable(textured: Pixels) -> None:
    sides = {tags.TILE_WIDTH: [64], tags.TILE_HEIGHT: [64]}
    layout = {tag: values for tag, values in STRIPS.items() if tag != tags.ROWS_OF_STRIP} | sides
    tile = bytes(64 * 64 * 3)
    with pytest.raises(RejectedImageError, match="lists 55 of its 56"):
        decode(tiff([tile] * 55, layout))
    assert (decode(tiff([tile] * 56, layout)).pixels == 0).all()


def test_a_compressed_tiff_with_an_empty_or_missing_strip_is_unreadable(textured: Pixels) -> None:
    strips = [zlib.compress(textured[top : top + 100].tobytes()) for top in range(0, 400, 100)]
    deflate = STRIPS | {tags.COMPRESSION: [8]}
    assert (decode(tiff(strips, deflate)).pixels == textured).all()
    assert_unreadable(tiff(strips[:3], deflate))
    assert_unreadable(tiff(strips, deflate, sizes=[*map(len, strips[:3]), 0]))
    assert_unreadable(tiff([*strips[:3], zlib.compress(textured[300:350].tobytes())], deflate))


@pytest.mark.parametrize("lossless", [False, True])
def test_a_webp_that_is_shorter_than_its_header_claims_is_unreadable(lossless: bool, textured: Pixels) -> None:
    data = saved(textured, "WEBP", lossless=lossless)
    for lost in (1, 20, 1000):
        shorter = data[: len(data) - lost]
        assert_unreadable(shorter)
        assert_unreadable(shorter[:4] + struct.pack("<I", len(shorter) - 8) + shorter[8:])
        chunk_size = struct.pack("<I", len(shorter) - 20)
        shorter = shorter[:4] + struct.pack("<I", len(shorter) - 8) + shorter[8:16] + chunk_size + shorter[20:]
        assert_unreadable_or_whole(shorter, decode(data).pixels)


@pytest.mark.parametrize("quality", [0, 50, 100])
@pytest.mark.parametrize("colour", [0, 128, 255])
def test_a_webp_of_an_even_area_is_whole_although_its_code_ends_in_zeros(quality: int, colour: int) -> None:
    even = np.full((1000, 1500, 3), colour, np.uint8)
    assert np.abs(decode(saved(even, "WEBP", quality=quality, method=0)).pixels.astype(int) - colour).max() <= 4


@pytest.mark.parametrize("name", [name for name in CODINGS if not name.startswith("TIFF")])
def test_bytes_behind_an_image_do_not_matter(name: str, textured: Pixels) -> None:
    data = CODINGS[name](textured)
    for behind in (bytes(100), b"\xff\xd9\xff\xda\0", b"IEND" * 9):
        assert (decode(data + behind).pixels == decode(data).pixels).all()
