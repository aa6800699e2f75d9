"""Images of more than 8 bits a sample, and images whose opacity is empty."""

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
from .bmp import true_colour_bmp
from .png import chunk, png
from .tiff import tiff, tiff_of

Pixels = NDArray[np.uint8]
Deep = NDArray[np.uint16]
GUESSED = ("unlike_training_data",)


def levels(bits: int, channels: int = 3) -> Deep:
    """Return samples from 0 to the largest of so many bits, of shape (70, 90, channels)."""
    generator = np.random.default_rng(bits)
    samples = generator.integers(0, 2**bits, (70, 90, channels), dtype=np.uint16)
    samples[0, 0] = 2**bits - 1
    return samples


def colour_of(samples: Deep) -> Deep:
    return samples[..., :3]


def grey_of(samples: Deep) -> Deep:
    return samples[..., 0]


def deflated(samples: Deep, **others: list[int]) -> bytes:
    """Return a TIFF of one deflated strip."""
    height, width, channels = samples.shape
    head = {tags.WIDTH: [width], tags.HEIGHT: [height], tags.BITS: [16] * channels, tags.COMPRESSION: [8]}
    head |= {tags.PHOTOMETRIC: [tags.RGB], tags.SAMPLES: [channels], tags.ROWS_OF_STRIP: [height]}
    return tiff([zlib.compress(samples.astype("<u2").tobytes())], head | {int(k[4:]): v for k, v in others.items()})


def with_significant_bits(data: bytes, bits: int, channels: int) -> bytes:
    return data[:33] + chunk(b"sBIT", bytes([bits] * channels)) + data[33:]


# Writers of 16-bit samples of shape (height, width, 3), and the samples that they write.
WRITERS: dict[str, tuple[Callable[[Deep], bytes], Callable[[Deep], Deep]]] = {
    "PNG": (png, colour_of),
    "interlaced PNG": (lambda samples: png(samples, interlaced=True), colour_of),
    "grey PNG": (lambda samples: png(samples[..., :1]), grey_of),
    "TIFF": (tiff_of, colour_of),
    "TIFF, upper byte first": (lambda samples: tiff_of(samples, ">"), colour_of),
    "TIFF, one strip": (lambda samples: tiff_of(samples, rows=70), colour_of),
    "TIFF, deflate": (deflated, colour_of),
    "planar TIFF": (lambda samples: tiff_of(samples, tag_284=2), colour_of),
    "planar TIFF, upper byte first": (lambda samples: tiff_of(samples, ">", rows=7, tag_284=2), colour_of),
    "grey TIFF": (lambda samples: tiff_of(samples[..., 0]), grey_of),
    "grey TIFF, upper byte first": (lambda samples: tiff_of(samples[..., 0], ">"), grey_of),
    "TIFF, 0 is white": (lambda samples: tiff_of(~samples[..., 0], tag_262=0), grey_of),
    "TIFF, 0 is white, upper byte first": (lambda samples: tiff_of(~samples[..., 0], ">", tag_262=0), grey_of),
}


@pytest.mark.parametrize("name", WRITERS)
def test_samples_of_16_bits_keep_their_upper_byte(name: str) -> None:
    write, written = WRITERS[name]
    samples = levels(16)
    decoded = decode(write(samples))
    assert (decoded.pixels == np.atleast_3d(written(samples) >> 8)).all()
    assert decoded.doubts == ()


@pytest.mark.parametrize("name", [name for name in WRITERS if "white" not in name])
@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_samples_that_use_few_of_16_bits_are_scaled_by_the_depth_of_a_camera_and_doubted(name: str, bits: int) -> None:
    write, written = WRITERS[name]
    samples = levels(bits)
    decoded = decode(write(samples))
    assert (decoded.pixels == np.atleast_3d(written(samples) >> (bits - 8))).all()
    assert decoded.doubts == GUESSED


@pytest.mark.parametrize("name", [name for name in WRITERS if "PNG" in name])
@pytest.mark.parametrize("bits", [10, 12, 13, 15])
def test_a_depth_that_a_png_declares_is_no_guess(name: str, bits: int) -> None:
    write, written = WRITERS[name]
    samples = levels(bits) // 3  # the largest sample does not reveal the depth
    decoded = decode(with_significant_bits(write(samples), bits, 1 if "grey" in name else 3))
    assert (decoded.pixels == np.atleast_3d(written(samples) >> (bits - 8))).all()
    assert decoded.doubts == ()


def test_samples_that_fill_16_bits_are_taken_so_whatever_the_png_declares() -> None:
    samples = levels(16)
    decoded = decode(with_significant_bits(png(samples), 12, 3))  # as the standard demands, scaled up by the writer
    assert (decoded.pixels == samples >> 8).all()
    assert decoded.doubts == ()


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_depth_that_a_tiff_declares_is_no_guess(order: str) -> None:
    samples = levels(12) // 3
    for written, data in (
        (samples, tiff_of(samples, order, tag_281=4095)),
        (samples[..., :1], tiff_of(samples[..., 0], order, tag_281=4095)),
        (4095 - samples[..., :1], tiff_of(samples[..., 0], order, tag_281=4095, tag_262=0)),
    ):
        decoded = decode(data)
        assert (decoded.pixels == written >> 4).all()
        assert decoded.doubts == ()


def test_the_largest_sample_that_occurs_declares_no_depth() -> None:
    samples = levels(12)
    samples[0, 0] = 4000
    samples = np.minimum(samples, 4000)
    decoded = decode(tiff_of(samples, tag_281=4000))
    assert (decoded.pixels == samples >> 4).all()
    assert decoded.doubts == GUESSED


def packed(samples: Deep, photometric: int, order: str) -> bytes:
    """Write grey samples of 12 bits, two in three bytes."""
    first, second = samples[:, ::2].astype(int), samples[:, 1::2].astype(int)
    rows = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=-1).astype(np.uint8)
    head = {tags.WIDTH: [samples.shape[1]], tags.HEIGHT: [len(samples)], tags.BITS: [12], tags.COMPRESSION: [1]}
    head |= {tags.PHOTOMETRIC: [photometric], tags.SAMPLES: [1], tags.ROWS_OF_STRIP: [len(samples)]}
    return tiff([rows.tobytes()], head, order)


@pytest.mark.parametrize("photometric", [tags.BLACK_IS_0, tags.WHITE_IS_0])
def test_packed_samples_of_12_bits_are_scaled(photometric: int) -> None:
    samples = levels(12, 1)[..., 0]
    decoded = decode(packed(samples, photometric, "<"))
    expected = samples if photometric == tags.BLACK_IS_0 else 4095 - samples
    assert (decoded.pixels == (expected >> 4)[..., None]).all()
    assert decoded.doubts == ()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (packed(levels(12, 1)[..., 0], tags.BLACK_IS_0, ">"), "BMP, PNG, JPEG"),
        (tiff_of(levels(16), tag_258=10), "10 bits a sample"),
        (tiff_of(levels(16), tag_258=14), "14 bits a sample"),
        (tiff_of(levels(16), tag_258=12), "12 bits a sample"),
        (tiff_of(levels(16), tag_339=2), "signed or floating"),
        (tiff_of(levels(16)[..., 0].astype(np.uint8), tag_339=2), "signed or floating"),
        (tiff_of(levels(16), tag_339=3), "signed or floating"),
        (tiff_of(levels(16, 4), tag_284=2), "planes of 16 bits"),
        (tiff_of(levels(8).astype(np.uint8), tag_262=6), "few samples of colour"),
        (png(levels(12, 2)), "few of its 16 bits"),
        (deflated(levels(12, 4), tag_338=[1]), "few of its 16 bits"),
    ],
)
def test_other_kinds_of_samples_are_refused_by_name(data: bytes, message: str) -> None:
    with pytest.raises(RejectedImageError, match=message) as rejection:
        decode(data)
    assert rejection.value.code == "unsupported_format"


def test_a_jpeg_of_12_bits_is_refused_by_name() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40)).save(buffer, "JPEG")
    data = bytearray(buffer.getvalue())
    data[data.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(RejectedImageError, match="12 bits a sample") as rejection:
        decode(bytes(data))
    assert rejection.value.code == "unsupported_format"


def with_opacity(samples: Deep, opacity: int) -> Deep:
    return np.dstack([samples, np.full(samples.shape[:2], opacity, np.uint16)])


@pytest.mark.parametrize("opacity", [4095, 65535], ids=["of 12 bits", "of 16 bits"])
@pytest.mark.parametrize("write", [png, lambda samples: tiff_of(samples, tag_338=2)], ids=["PNG", "TIFF"])
def test_opacity_beside_colours_of_few_bits_is_opaque(opacity: int, write: Callable[[Deep], bytes]) -> None:
    samples = levels(12)
    decoded = decode(write(with_opacity(samples, opacity)))
    assert (decoded.pixels == samples >> 4).all()
    assert decoded.doubts == GUESSED


EIGHT = levels(8).astype(np.uint8)
EMPTY = np.dstack([EIGHT, np.zeros(EIGHT.shape[:2], np.uint8)])
DEEP_EMPTY = with_opacity(levels(16), 0)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (true_colour_bmp(EMPTY, 32, 124), EIGHT),
        (true_colour_bmp(EMPTY, 32, 108), EIGHT),
        (true_colour_bmp(EMPTY, 32, 124, top_down=True), EIGHT),
        (tiff_of(EMPTY, tag_338=2), EIGHT),
        (tiff_of(EMPTY, tag_338=1), EIGHT),
        (tiff_of(EMPTY, tag_338=0), EIGHT),
        (tiff_of(EMPTY), EIGHT),
        (tiff_of(EMPTY, tag_338=2, tag_284=2), EIGHT),
        (tiff_of(EMPTY[..., 2:], tag_338=0), EIGHT[..., 2:]),
        (tiff_of(DEEP_EMPTY, tag_338=2), DEEP_EMPTY[..., :3] >> 8),
        (tiff_of(DEEP_EMPTY, tag_338=1), DEEP_EMPTY[..., :3] >> 8),
        (tiff_of(with_opacity(levels(12), 0), tag_338=2), levels(12) >> 4),
    ],
)
def test_an_opacity_that_is_0_everywhere_means_nothing_in_a_bmp_or_tiff(data: bytes, expected: Pixels) -> None:
    assert (decode(data).pixels == expected).all()


def test_a_png_that_is_transparent_everywhere_stays_black() -> None:
    assert not decode(png(EMPTY)).pixels.any()


@pytest.mark.parametrize("planar", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
def test_planes_of_8_bits_are_decoded(planar: int, order: str) -> None:
    assert (decode(tiff_of(EIGHT, order, tag_284=planar)).pixels == EIGHT).all()


def test_a_large_tiff_is_decoded() -> None:
    """BigTIFF has offsets of 8 bytes."""
    strip = EIGHT.tobytes()
    entries = [(256, 90), (257, 70), (259, 1), (262, 2), (273, 16), (277, 3), (278, 70), (279, len(strip))]
    directory = struct.pack("<Q", len(entries) + 1)
    directory += b"".join(struct.pack("<HHQQ", tag, 4, 1, value) for tag, value in entries[:2])
    directory += struct.pack("<HHQHHHH", 258, 3, 3, 8, 8, 8, 0)
    directory += b"".join(struct.pack("<HHQQ", tag, 4, 1, value) for tag, value in entries[2:])
    data = b"II+\0\x08\0\0\0" + struct.pack("<Q", 16 + len(strip)) + strip + directory + bytes(8)
    assert (decode(data).pixels == EIGHT).all()
