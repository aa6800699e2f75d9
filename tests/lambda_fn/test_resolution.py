"""A PNG or TIFF states the scale of a microscope; the resolution of a screen or a printer is none."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lambda_fn.images import decode
from lambda_fn.resolution import LARGEST_STATED, SMALLEST_STATED, um_per_px

PIXELS = np.full((40, 50, 3), 90, np.uint8)
INCH, CENTIMETRE = 25_400, 10_000


def encoded(image_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, image_format, **options)
    return buffer.getvalue()


def with_chunk(png: bytes, kind: bytes, body: bytes) -> bytes:
    """The PNG with a chunk behind its header, which takes 33 bytes with the signature."""
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return png[:33] + chunk + png[33:]


@pytest.mark.parametrize("scale", [0.05, 0.1, 0.16, 1.0])
@pytest.mark.parametrize("image_format", ["PNG", "TIFF"])
def test_the_scale_of_a_microscope_is_read(image_format: str, scale: float) -> None:
    data = encoded(image_format, dpi=(INCH / scale, INCH / scale))
    assert decode(data).um_per_px == pytest.approx(scale, rel=1e-3)


def test_a_tiff_in_pixels_a_centimetre_is_read() -> None:
    data = encoded("TIFF", resolution=CENTIMETRE / 0.25, resolution_unit=3)
    assert decode(data).um_per_px == pytest.approx(0.25, rel=1e-3)


@pytest.mark.parametrize("dpi", [1, 72, 96, 150, 300, 600, 1200, 2400])
@pytest.mark.parametrize("image_format", ["PNG", "TIFF"])
def test_the_resolution_of_a_screen_or_a_printer_is_passed_over(image_format: str, dpi: int) -> None:
    assert decode(encoded(image_format, dpi=(dpi, dpi))).um_per_px is None


@pytest.mark.parametrize("image_format", ["BMP", "PNG", "JPEG", "TIFF", "WEBP"])
def test_a_file_without_a_resolution_has_no_scale(image_format: str) -> None:
    assert decode(encoded(image_format)).um_per_px is None


def test_a_tiff_without_a_unit_has_no_scale() -> None:
    assert decode(encoded("TIFF", resolution=100_000, resolution_unit=1)).um_per_px is None


@pytest.mark.parametrize("dpi", [(254_000, 127_000), (254_000, 0)])
def test_oblong_pixels_have_no_scale(dpi: tuple[int, int]) -> None:
    assert decode(encoded("PNG", dpi=dpi)).um_per_px is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        struct.pack(">IIB", 0, 0, 1),
        struct.pack(">IIB", 10_000_000, 10_000_000, 0),
        struct.pack(">IIB", 10_000_000, 10_000_000, 7),
        struct.pack(">IIBB", 10_000_000, 10_000_000, 1, 1),
    ],
    ids=["empty", "zero", "no unit", "unknown unit", "too long"],
)
def test_a_damaged_resolution_of_a_png_is_passed_over(body: bytes) -> None:
    decoded = decode(with_chunk(encoded("PNG"), b"pHYs", body))
    assert decoded.um_per_px is None
    assert (decoded.pixels == PIXELS).all()


@pytest.mark.parametrize("resolution", [b"\0\0\0\0", b"\xff\xff\xff\xff"], ids=["zero", "huge"])
def test_a_damaged_resolution_of_a_tiff_is_passed_over(resolution: bytes) -> None:
    data = encoded("TIFF", dpi=(254_000, 254_000))
    fraction = struct.pack("<II", 254_000, 1)
    assert data.count(fraction) == 2
    assert decode(data.replace(fraction, resolution + b"\0\0\0\0")).um_per_px is None


@given(st.floats(), st.floats(), st.floats(0, 1e9))
def test_a_scale_is_that_of_a_microscope_or_none(across: float, down: float, length: float) -> None:
    scale = um_per_px(across, down, length)
    assert scale is None or SMALLEST_STATED <= scale <= LARGEST_STATED
