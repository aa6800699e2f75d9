import io
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from lambda_fn.images import (
    FORMATS,
    MAX_BYTES,
    Preprocessing,
    RejectedImageError,
    cell_mask,
    check_byte_count,
    decode,
    to_model_input,
)

Pixels = NDArray[np.uint8]
Encode = Callable[..., bytes]


def saved(image: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("image_format", ["BMP", "PNG", "TIFF"])
def test_a_lossless_image_decodes_to_the_same_pixels(image_format: str, encode: Encode, cell: Pixels) -> None:
    decoded = decode(encode(image_format))
    assert (decoded.pixels == cell).all()
    assert (decoded.format, decoded.width, decoded.height) == (image_format, 450, 400)


@pytest.mark.parametrize("image_format", ["JPEG", "WEBP"])
def test_a_lossy_image_decodes_to_nearly_the_same_pixels(image_format: str, encode: Encode, cell: Pixels) -> None:
    difference = decode(encode(image_format)).pixels.astype(int) - cell
    assert np.abs(difference).mean() < 2


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda encode: b"", "unreadable"),
        (lambda encode: encode("BMP")[:5000], "unreadable"),
        (lambda encode: encode("PNG")[:600], "unreadable"),
        (lambda encode: b"patient,cells\n1,2\n" * 50, "unsupported_format"),
        (lambda encode: b"%PDF-1.7\n" + bytes(500), "unsupported_format"),
        (lambda encode: encode("GIF"), "unsupported_format"),
        (lambda encode: encode("BMP")[:20], "unreadable"),
    ],
    ids=["empty", "truncated BMP", "truncated PNG", "text", "PDF", "GIF", "a BMP's first bytes"],
)
def test_what_is_no_whole_image_of_a_known_format_is_rejected(
    make: Callable[[Encode], bytes], code: str, encode: Encode
) -> None:
    with pytest.raises(RejectedImageError) as rejection:
        decode(make(encode))
    assert rejection.value.code == code
    assert rejection.value.message.endswith(".") or ":" in rejection.value.message


def test_an_image_of_too_many_pixels_is_rejected_before_it_is_decoded() -> None:
    bomb = saved(Image.new("1", (6000, 6000)), "PNG")
    with pytest.raises(RejectedImageError, match="6000 x 6000"):
        decode(bomb)


def test_a_file_of_too_many_bytes_is_rejected_unread() -> None:
    with pytest.raises(RejectedImageError, match="limit") as rejection:
        check_byte_count(MAX_BYTES + 1)
    assert rejection.value.code == "too_large"


def test_a_tiff_of_several_pages_is_rejected(cell: Pixels) -> None:
    page = Image.fromarray(cell)
    with pytest.raises(RejectedImageError, match="several pages"):
        decode(saved(page, "TIFF", save_all=True, append_images=[page]))


def test_transparent_pixels_become_black(cell: Pixels) -> None:
    alpha = np.where(cell.max(axis=2) > 0, 255, 0).astype(np.uint8)
    white_outside = np.where(alpha[..., None] > 0, cell, 255).astype(np.uint8)
    image = Image.fromarray(np.dstack([white_outside, alpha]), "RGBA")
    assert (decode(saved(image, "PNG")).pixels == cell).all()


def test_sixteen_bit_samples_keep_their_upper_byte() -> None:
    grey = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    pixels = decode(saved(Image.fromarray(grey), "PNG")).pixels
    assert (pixels[..., 0] == (grey >> 8)).all()


def test_an_exif_orientation_is_applied(cell: Pixels) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    decoded = decode(saved(Image.fromarray(cell), "JPEG", exif=exif.tobytes()))
    assert (decoded.width, decoded.height) == (400, 450)


def test_the_mask_covers_the_cell_and_nothing_else(cell: Pixels) -> None:
    assert (cell_mask(cell) == (cell.max(axis=2) > 0)).all()


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((450, 450, 3), np.uint8), "no cell"),
        (np.full((450, 450, 3), 230, np.uint8), "not black"),
        (np.zeros((1, 1, 3), np.uint8), "no cell"),
    ],
    ids=["black", "white", "one pixel"],
)
def test_an_image_without_a_cell_on_black_is_rejected(pixels: Pixels, message: str) -> None:
    with pytest.raises(RejectedImageError, match=message) as rejection:
        cell_mask(pixels)
    assert rejection.value.code == "no_single_cell"


def test_the_crop_is_centred_on_the_cell_at_its_own_scale(cell: Pixels) -> None:
    crop = to_model_input(cell, Preprocessing(crop=200, size=200))
    assert (crop[10:190, 10:190] == cell[90:270, 60:240]).all()
    assert crop.any(axis=2).sum() == cell.any(axis=2).sum()


def test_a_crop_that_leaves_the_image_is_filled_with_black(cell: Pixels) -> None:
    crop = to_model_input(cell, Preprocessing(crop=600, size=600))
    assert crop.shape == (600, 600, 3)
    assert crop.sum() == cell.sum()


def test_a_crop_of_another_size_is_resampled(cell: Pixels) -> None:
    resampled = to_model_input(cell, Preprocessing(crop=200, size=100))
    assert resampled.shape == (100, 100, 3)
    assert abs(resampled.mean() - cell.sum() / (200 * 200 * 3)) < 0.5


@given(top=st.integers(0, 150), left=st.integers(0, 150))
def test_the_model_sees_the_same_wherever_the_cell_lies(top: int, left: int) -> None:
    generator = np.random.default_rng(0)
    patch = generator.integers(60, 200, (80, 90, 3), dtype=np.uint8)
    image = np.zeros((300, 300, 3), np.uint8)
    image[top : top + 80, left : left + 90] = patch
    expected = np.zeros((100, 100, 3), np.uint8)
    expected[10:90, 5:95] = patch
    assert (to_model_input(image, Preprocessing(crop=100, size=100)) == expected).all()


@given(st.binary(max_size=400), st.sampled_from([b"", b"BM", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"RIFF"]))
def test_no_bytes_make_decoding_fail_otherwise_than_by_rejection(data: bytes, magic: bytes) -> None:
    try:
        decoded = decode(magic + data)
    except RejectedImageError as rejection:
        assert rejection.code in ("unreadable", "unsupported_format", "too_large")
    else:
        assert decoded.format in FORMATS
