import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from lambda_fn import images
from lambda_fn.errors import RejectedImageError
from lambda_fn.images import FORMATS, check_byte_count, decode
from lambda_fn.preprocessing import LIMITS

from .bmp import palette_bmp, run_length_bmp, true_colour_bmp
from .bombs import BOMBS
from .png import png

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
    ("bits", "header_bytes", "top_down", "masks"),
    [
        (24, 40, False, False),
        (24, 40, True, False),
        (24, 12, False, False),
        (24, 64, False, False),
        (24, 108, False, False),
        (24, 124, False, False),
        (32, 40, False, False),
        (32, 40, False, True),
        (32, 124, True, True),
        (16, 40, False, False),
        (16, 40, False, True),
    ],
)
def test_a_true_colour_bmp_of_any_header_decodes(
    bits: int, header_bytes: int, top_down: bool, masks: bool, cell: Pixels
) -> None:
    pixels = decode(true_colour_bmp(cell[:, :301], bits, header_bytes, top_down, masks)).pixels
    assert np.abs(pixels.astype(int) - cell[:, :301]).max() <= (7 if bits == 16 else 0)


@pytest.mark.parametrize(
    ("make", "levels"),
    [
        (lambda grey: palette_bmp(grey, 1), 2),
        (lambda grey: palette_bmp(grey, 4), 16),
        (lambda grey: palette_bmp(grey, 8), 256),
        (lambda grey: palette_bmp(grey, 8, os2=True), 256),
        (lambda grey: palette_bmp(grey, 4, os2=True), 16),
        (lambda grey: run_length_bmp(grey, 8), 256),
        (lambda grey: run_length_bmp(grey, 4), 16),
    ],
    ids=["1 bit", "4 bits", "8 bits", "OS/2 8 bits", "OS/2 4 bits", "RLE 8 bits", "RLE 4 bits"],
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
        ("1", "PNG", {}),
        ("CMYK", "JPEG", {}),
        ("L", "JPEG", {}),
        ("RGB", "JPEG", {"progressive": True}),
        ("RGB", "TIFF", {"compression": "tiff_lzw"}),
        ("RGB", "TIFF", {"compression": "packbits"}),
        ("RGB", "TIFF", {"compression": "tiff_deflate"}),
        ("RGB", "TIFF", {"compression": "jpeg"}),
        ("CMYK", "TIFF", {}),
        ("L", "TIFF", {}),
        ("RGBA", "WEBP", {"lossless": True}),
    ],
)
def test_a_grey_palette_or_print_image_decodes_to_colour(
    mode: str, image_format: str, options: dict[str, object], cell: Pixels
) -> None:
    image = Image.fromarray(cell)
    pixels = decode(saved(image.convert(mode), image_format, **options)).pixels
    expected = np.asarray(image.convert(mode).convert("RGB") if mode in ("1", "L") else image)
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
def test_a_file_is_rejected_unless_it_is_a_whole_image_of_a_known_format(
    make: Callable[[Encode], bytes], code: str, encode: Encode
) -> None:
    with pytest.raises(RejectedImageError) as rejection:
        decode(make(encode))
    assert rejection.value.code == code
    assert rejection.value.message.endswith(".") or ":" in rejection.value.message


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("code", "most_reads", "make"), BOMBS.values(), ids=BOMBS)
def test_a_file_made_to_exhaust_a_decoder_is_rejected_after_few_reads_and_before_its_pixels_are_decoded(
    code: str,
    most_reads: int,
    make: Callable[[], bytes],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    reads: list[None] = []
    decoded: list[str | None] = []

    class Counted(images._LimitedReads):
        def read(self, size: int | None = -1, /) -> bytes:
            reads.append(None)
            return super().read(size)

    def to_rgb(image: Image.Image, convert: Callable[[Image.Image], Pixels] = images._to_rgb) -> Pixels:
        decoded.append(image.format)
        return convert(image)

    monkeypatch.setattr(images, "_LimitedReads", Counted)
    monkeypatch.setattr(images, "_to_rgb", to_rgb)
    with pytest.raises(RejectedImageError) as rejection:
        decode(make())
    assert rejection.value.code == code
    assert len(reads) <= most_reads
    assert decoded == (["BMP"] if most_reads > 100_001 else [])  # only decoding shows bad run lengths


def test_files_made_to_exhaust_memory_take_little_of_it() -> None:
    command = [sys.executable, "-m", "tests.lambda_fn.bombs_memory"]
    measured = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    of_sides, of_pieces = (int(growth) for growth in measured.stdout.split())
    assert of_sides < 30_000_000  # 6,000 x 6,000 pixels would be 108,000,000
    assert of_pieces < 150_000_000  # a file of 32 MiB, made and kept, and 5,000 x 5,000 pixels of one byte


@pytest.mark.parametrize(("mode", "code"), [("I", "unsupported_format"), ("F", "unsupported_format")])
def test_samples_of_32_bits_are_refused(mode: str, code: str) -> None:
    with pytest.raises(RejectedImageError, match="32 bits") as rejection:
        decode(saved(Image.new(mode, (300, 300)), "TIFF"))
    assert rejection.value.code == code


@pytest.mark.parametrize("compression", ["tiff_ccitt", "group3", "group4"])
def test_a_fax_is_refused(compression: str) -> None:
    with pytest.raises(RejectedImageError, match="fax") as rejection:
        decode(saved(Image.new("1", (300, 300)), "TIFF", compression=compression))
    assert rejection.value.code == "unsupported_format"


def test_an_image_far_longer_than_wide_is_rejected() -> None:
    with pytest.raises(RejectedImageError, match="so long"):
        decode(saved(Image.new("RGB", (2000, 20)), "PNG"))


def test_a_file_of_too_many_bytes_is_rejected_unread() -> None:
    with pytest.raises(RejectedImageError, match="limit") as rejection:
        check_byte_count(LIMITS.file_bytes + 1)
    assert rejection.value.code == "too_large"


def test_a_tiff_of_several_pages_is_rejected(cell: Pixels) -> None:
    page = Image.fromarray(cell)
    with pytest.raises(RejectedImageError, match="several pages"):
        decode(saved(page, "TIFF", save_all=True, append_images=[page]))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("interlaced", [False, True])
def test_a_png_decodes_at_any_depth_interlaced_or_not(channels: int, bits: int, interlaced: bool, cell: Pixels) -> None:
    samples = cell[:201, :301, :channels]
    pixels = decode(png(samples if bits == 8 else samples * np.uint16(256) + np.uint16(77), interlaced)).pixels
    assert (pixels == samples).all()


@pytest.mark.parametrize(
    "encode_rgba",
    [
        lambda rgba: png(rgba),
        lambda rgba: png(rgba * np.uint16(257)),
        lambda rgba: png(rgba[..., ::3]),
        lambda rgba: true_colour_bmp(rgba, 32, 124),
        lambda rgba: saved(Image.fromarray(rgba), "TIFF"),
        lambda rgba: saved(Image.fromarray(rgba), "WEBP", lossless=True, exact=True),
    ],
    ids=["PNG", "PNG of 16 bits", "grey PNG", "BMP", "TIFF", "WebP"],
)
def test_transparent_pixels_become_black(encode_rgba: Callable[[Pixels], bytes], cell: Pixels) -> None:
    opacity = np.where(cell.max(axis=2) > 0, 255, 0).astype(np.uint8)
    white_outside = np.where(opacity[..., None] > 0, cell, 255).astype(np.uint8)
    pixels = decode(encode_rgba(np.dstack([white_outside, opacity]))).pixels
    grey = (pixels[..., 0] == pixels[..., 1]).all()
    assert (pixels == (cell[..., :1] if grey else cell)).all()


def test_sixteen_bit_tiffs_keep_the_upper_byte() -> None:
    grey = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    pixels = decode(saved(Image.fromarray(grey), "TIFF")).pixels
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
def test_a_damaged_file_is_decoded_or_rejected_and_raises_no_other_error(
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
def test_any_bytes_are_decoded_or_rejected_and_raise_no_other_error(data: bytes, magic: bytes) -> None:
    try:
        decoded = decode(magic + data)
    except RejectedImageError as rejection:
        assert rejection.code in ("unreadable", "unsupported_format", "too_large")
    else:
        assert decoded.format in FORMATS
