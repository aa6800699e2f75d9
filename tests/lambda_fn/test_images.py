import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from lambda_fn.images import FORMATS, MAX_BYTES, RejectedImageError, check_byte_count, decode

from .bmp import palette_bmp, rle8_bmp, true_colour_bmp

Pixels = NDArray[np.uint8]
Encode = Callable[..., bytes]


def saved(image: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


SOUND = {name: saved(Image.radial_gradient("L").resize((40, 30)).convert("RGB"), name) for name in FORMATS}


@pytest.mark.parametrize("image_format", ["BMP", "PNG", "TIFF"])
def test_a_lossless_image_decodes_to_the_same_pixels(image_format: str, encode: Encode, cell: Pixels) -> None:
    decoded = decode(encode(image_format))
    assert (decoded.pixels == cell).all()
    assert (decoded.format, decoded.width, decoded.height) == (image_format, 450, 400)


@pytest.mark.parametrize(
    ("bits", "header_bytes", "top_down"),
    [
        (24, 40, False),
        (24, 40, True),
        (24, 108, False),
        (24, 124, False),
        (32, 40, False),
        (32, 124, True),
        (16, 40, False),
    ],
)
def test_a_true_colour_bmp_of_any_header_decodes(bits: int, header_bytes: int, top_down: bool, cell: Pixels) -> None:
    pixels = decode(true_colour_bmp(cell[:, :301], bits, header_bytes, top_down)).pixels
    assert np.abs(pixels.astype(int) - cell[:, :301]).max() <= (7 if bits == 16 else 0)


@pytest.mark.parametrize(
    ("make", "levels"),
    [
        (lambda grey: palette_bmp(grey, 1), 2),
        (lambda grey: palette_bmp(grey, 4), 16),
        (lambda grey: palette_bmp(grey, 8), 256),
        (lambda grey: palette_bmp(grey, 8, os2=True), 256),
        (lambda grey: palette_bmp(grey, 4, os2=True), 16),
        (rle8_bmp, 256),
    ],
    ids=["1 bit", "4 bits", "8 bits", "OS/2 8 bits", "OS/2 4 bits", "RLE"],
)
def test_a_palette_bmp_decodes(make: Callable[[Pixels], bytes], levels: int, cell: Pixels) -> None:
    grey = (np.arange(60 * 43) % levels).astype(np.uint8).reshape(60, 43)
    pixels = decode(make(grey)).pixels
    assert (pixels == (grey * (255 // (levels - 1)))[..., None]).all()


@pytest.mark.parametrize(
    ("mode", "image_format", "options"),
    [
        ("P", "PNG", {}),
        ("L", "PNG", {}),
        ("RGB", "PNG", {"interlace": 1}),
        ("CMYK", "JPEG", {}),
        ("L", "JPEG", {}),
        ("RGB", "TIFF", {"compression": "tiff_lzw"}),
        ("L", "TIFF", {}),
        ("RGBA", "WEBP", {"lossless": True}),
    ],
)
def test_a_grey_palette_or_print_image_decodes_to_colour(
    mode: str, image_format: str, options: dict[str, object], cell: Pixels
) -> None:
    image = Image.fromarray(cell)
    pixels = decode(saved(image.convert(mode), image_format, **options)).pixels
    expected = np.asarray(image.convert("L").convert("RGB") if mode == "L" else image)
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).mean() < 3


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


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size", [(6000, 6000), (11_000, 11_000), (50_000, 50_000)])
@pytest.mark.parametrize("image_format", ["BMP", "PNG", "TIFF"])
def test_an_image_of_too_many_pixels_is_rejected_before_it_is_decoded(size: tuple[int, int], image_format: str) -> None:
    bomb = widened(saved(Image.new("RGB", (8, 8)), image_format), image_format, size)
    with pytest.raises(RejectedImageError) as rejection:
        decode(bomb)
    assert rejection.value.code == "too_large"


def widened(data: bytes, image_format: str, size: tuple[int, int]) -> bytes:
    """An image whose header claims another size than its data has."""
    if image_format == "BMP":
        return data[:18] + struct.pack("<ii", *size) + data[26:]
    if image_format == "PNG":
        header = b"IHDR" + struct.pack(">II", *size) + data[24:29]
        return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]
    changed = bytearray(data)
    (directory,) = struct.unpack_from("<I", data, 4)
    for entry in range(directory + 2, directory + 2 + 12 * struct.unpack_from("<H", data, directory)[0], 12):
        tag = struct.unpack_from("<H", data, entry)[0]
        if tag in (256, 257):  # ImageWidth, ImageLength
            struct.pack_into("<HII", changed, entry + 2, 4, 1, size[tag - 256])
    return bytes(changed)


@pytest.mark.parametrize(("mode", "code"), [("I", "unsupported_format"), ("F", "unsupported_format")])
def test_samples_of_32_bits_are_refused(mode: str, code: str) -> None:
    with pytest.raises(RejectedImageError, match="32 bits") as rejection:
        decode(saved(Image.new(mode, (300, 300)), "TIFF"))
    assert rejection.value.code == code


def test_an_image_far_longer_than_wide_is_rejected() -> None:
    with pytest.raises(RejectedImageError, match="so long"):
        decode(saved(Image.new("RGB", (2000, 20)), "PNG"))


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


@settings(max_examples=300)
@given(
    image_format=st.sampled_from(FORMATS),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=8)), max_size=6),
    length=st.floats(0, 1),
)
@pytest.mark.filterwarnings("ignore")
def test_no_damage_makes_decoding_fail_otherwise_than_by_rejection(
    image_format: str, cuts: list[tuple[float, bytes]], length: float
) -> None:
    data = bytearray(SOUND[image_format])
    for place, garbage in cuts:
        start = int(place * len(data))
        data[start : start + len(garbage)] = garbage
    data = data[: int((1 + length) / 2 * len(data))]
    try:
        decoded = decode(bytes(data))
    except RejectedImageError as rejection:
        assert rejection.code in ("unreadable", "unsupported_format", "too_large", "no_single_cell")
    else:
        assert decoded.pixels.dtype == np.uint8
        assert decoded.pixels.shape == (decoded.height, decoded.width, 3)


@pytest.mark.filterwarnings("ignore")
@given(st.binary(max_size=400), st.sampled_from([b"", b"BM", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"RIFF"]))
def test_no_bytes_make_decoding_fail_otherwise_than_by_rejection(data: bytes, magic: bytes) -> None:
    try:
        decoded = decode(magic + data)
    except RejectedImageError as rejection:
        assert rejection.code in ("unreadable", "unsupported_format", "too_large")
    else:
        assert decoded.format in FORMATS
