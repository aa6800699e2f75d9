"""Metadata is never a reason to refuse an image; only an orientation that is unclear is a reason for review."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps

from lambda_fn.errors import RejectedImageError
from lambda_fn.images import FORMATS, decode
from lambda_fn.orientation import read_orientation

from .png import chunk, png
from .tiff import tiff_of

Pixels = NDArray[np.uint8]
ORIENTATION = 0x0112
UNCLEAR = ("unlike_training_data",)
# A cell without any symmetry.
CELL = np.zeros((60, 80, 3), np.uint8)
CELL[10:40, 20:70] = np.random.default_rng(0).integers(60, 200, (30, 50, 3), dtype=np.uint8)


def saved(image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(CELL).save(buffer, image_format, **options)
    return buffer.getvalue()


def exif_of(*entries: tuple[int, int, int, bytes], order: str = "<", count: int | None = None) -> bytes:
    """Write EXIF from entries of tag, type, number of values and the values or their offset."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    records = [
        struct.pack(order + "HHI", tag, kind, number) + value.ljust(4, b"\0") for tag, kind, number, value in entries
    ]
    return head + struct.pack(order + "H", len(entries) if count is None else count) + b"".join(records) + bytes(4)


def png_with(*chunks: bytes, behind: bool = False) -> bytes:
    data = png(CELL)
    place = data.index(b"IEND") - 4 if behind else 33
    return data[:place] + b"".join(chunks) + data[place:]


def jpeg_with(*segments: tuple[int, bytes]) -> bytes:
    data = saved("JPEG")
    blocks = (struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body for marker, body in segments)
    return data[:2] + b"".join(blocks) + data[2:]


def webp_with(kind: bytes, body: bytes) -> bytes:
    data = saved("WEBP", lossless=True)
    size = struct.pack("<I", len(data) + len(body) + len(body) % 2)
    return data[:4] + size + data[8:] + kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


TURNED = exif_of((ORIENTATION, 3, 1, b"\6\0"), (0x011A, 7, 9, struct.pack("<I", 10**6)))
GARBAGE = bytes(range(256)) * 3


@pytest.mark.parametrize(
    "data",
    [
        png_with(chunk(b"iCCP", b"scanner\0\0" + zlib.compress(np.random.default_rng(0).bytes(1_500_000)))),
        png_with(chunk(b"iCCP", b"scanner\0\7garbage")),
        png_with(chunk(b"iCCP", b"scanner")),
        png_with(chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3_000_000)))),
        png_with(chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(bytes(3_000_000)))),
        png_with(*(chunk(b"tEXt", b"k%d\0" % number + b"x" * 900_000) for number in range(20))),
        png_with(chunk(b"zTXt", b"Comment\0\1"), behind=True),
        png_with(chunk(b"pHYs", b"\0"), chunk(b"gAMA", b""), chunk(b"cHRM", b"\0"), chunk(b"sRGB", b"")),
        png_with(chunk(b"tIME", GARBAGE), chunk(b"prVt", GARBAGE), chunk(b"PrVt", b"")),
        png_with(chunk(b"acTL", struct.pack(">II", 1, 0)), chunk(b"fcTL", bytes(4))),
        png_with(chunk(b"iCCP", b"scanner")[:-1] + b"\0"),
        png_with(chunk(b"sBIT", b"")),
        webp_with(b"ICCP", GARBAGE),
        webp_with(b"XMP ", GARBAGE),
        webp_with(b"junk", GARBAGE),
        saved("WEBP", lossless=True, icc_profile=GARBAGE, xmp=b"<x/>"),
        saved("TIFF", icc_profile=GARBAGE),
        tiff_of(CELL, tag_282=1, tag_296=9, tag_34665=60_000, tag_700=5, tag_306=7),
        tiff_of(CELL, ">", tag_281=60_000, tag_33723=8, tag_34377=3),
        saved("BMP", dpi=(10**6, 10**6)),
    ],
)
def test_odd_metadata_are_left_out(data: bytes) -> None:
    decoded = decode(data)
    assert (decoded.pixels == CELL).all()
    assert decoded.doubts == ()


@pytest.mark.parametrize(
    "segments",
    [
        [(0xE2, b"ICC_PROFILE\0\1\2" + GARBAGE)],
        [(0xE2, b"ICC_PROFILE\0\1\xff" + bytes(65_000))] * 40,
        [(0xE2, b"MPF\0garbage")],
        [(0xED, b"Photoshop 3.0\x008BIM" + GARBAGE)],
        [(0xE1, b"http://ns.adobe.com/xap/1.0/\0\xff\xfe")],
        [(0xE3, GARBAGE), (0xEF, b""), (0xFE, bytes(65_000)), (0xE5, b"\0")],
    ],
    ids=["damaged ICC", "large ICC", "damaged MPF", "Photoshop", "XMP", "other blocks"],
)
def test_odd_metadata_of_a_jpeg_are_left_out(segments: list[tuple[int, bytes]]) -> None:
    decoded = decode(jpeg_with(*segments))
    assert (decoded.pixels == decode(saved("JPEG")).pixels).all()
    assert decoded.doubts == ()


@pytest.mark.parametrize("image_format", [name for name in FORMATS if name != "BMP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied(image_format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = saved(image_format, exif=exif.tobytes(), **({"lossless": True} if image_format == "WEBP" else {}))
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    decoded = decode(data)
    assert decoded.pixels.shape == expected.shape
    assert (decoded.pixels == expected).all()
    assert decoded.doubts == ()


EXIF_BLOCKS = [
    (TURNED, 6),
    (b"Exif\0\0" + TURNED, 6),
    (exif_of((ORIENTATION, 3, 1, b"\0\6"), order=">"), 6),
    (exif_of((ORIENTATION, 4, 1, b"\6")), 6),
    (exif_of((ORIENTATION, 1, 1, b"\6")), 6),
    (exif_of((ORIENTATION, 8, 1, b"\6")), 6),
    (exif_of((ORIENTATION, 3, 1, b"\6\0"), count=40), 6),
    (exif_of((0x010F, 2, 4, b"abc")), 1),
    (exif_of((0x010F, 2, 10**8, b"abc")), 1),
    (exif_of(), 1),
    (exif_of()[:-4], 1),
    (exif_of((ORIENTATION, 3, 1, b"\0\0")), 1),
    (exif_of((ORIENTATION, 3, 1, b"\t\0")), None),
    (exif_of((ORIENTATION, 2, 1, b"6")), None),
    (exif_of((ORIENTATION, 3, 0, b"")), None),
    (exif_of((ORIENTATION, 3, 1000, b"\xff\xff")), None),
    (exif_of((0x010F, 2, 4, b"abc"), count=40), None),
    (TURNED[:12], None),
    (b"II*\0", None),
    (GARBAGE, None),
    (b"Exif\0\0", 1),
]


@pytest.mark.parametrize(("exif", "orientation"), EXIF_BLOCKS)
def test_the_orientation_of_damaged_exif_is_read_or_unclear(exif: bytes, orientation: int | None) -> None:
    assert read_orientation(exif) == orientation


@pytest.mark.parametrize(("exif", "orientation"), EXIF_BLOCKS)
@pytest.mark.parametrize(
    "data_with",
    [
        lambda exif: png_with(chunk(b"eXIf", exif)),
        lambda exif: png_with(chunk(b"eXIf", exif), behind=True),
        lambda exif: webp_with(b"EXIF", exif),
        lambda exif: jpeg_with((0xE1, b"Exif\0\0" + exif.removeprefix(b"Exif\0\0"))),
    ],
    ids=["PNG", "PNG, behind the pixels", "WebP", "JPEG"],
)
def test_an_image_is_scored_whatever_its_exif_and_doubted_if_its_orientation_is_unclear(
    data_with: Callable[[bytes], bytes], exif: bytes, orientation: int | None
) -> None:
    decoded = decode(data_with(exif))
    assert decoded.doubts == (UNCLEAR if orientation is None else ())
    assert decoded.pixels.shape == ((80, 60, 3) if orientation == 6 else (60, 80, 3))


@pytest.mark.parametrize(("value", "doubts"), [(6, ()), (0, ()), (77, UNCLEAR)])
def test_the_orientation_of_a_tiff_is_its_own_tag(value: int, doubts: tuple[str, ...]) -> None:
    decoded = decode(tiff_of(CELL, tag_274=value))
    assert decoded.doubts == doubts
    assert decoded.pixels.shape == ((80, 60, 3) if value == 6 else (60, 80, 3))


XMP = b'<rdf:Description tiff:Orientation="6"/>'


@pytest.mark.parametrize(
    "data",
    [
        png_with(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)),
        webp_with(b"XMP ", XMP),
        jpeg_with((0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)),
        jpeg_with((0xE1, b"http://ns.adobe.com/xap/1.0/\0<tiff:Orientation>6</tiff:Orientation>")),
        saved("TIFF", tiffinfo={700: XMP}),
        png_with(chunk(b"tEXt", b"Raw profile type exif\0\nexif\n  %d\n" % len(TURNED) + TURNED.hex().encode())),
        png_with(
            chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n1\n" + TURNED.hex().encode())),
        ),
    ],
    ids=["PNG", "WebP", "JPEG", "JPEG, element", "TIFF", "PNG, text", "PNG, compressed text"],
)
def test_an_orientation_that_stands_elsewhere_is_applied(data: bytes) -> None:
    assert decode(data).pixels.shape == (80, 60, 3)


def test_exif_goes_before_xmp() -> None:
    assert read_orientation(exif_of((ORIENTATION, 3, 1, b"\3\0")), XMP) == 3
    assert read_orientation(exif_of(), XMP) == 6
    assert read_orientation(GARBAGE, XMP) is None


def with_previews(kinds: list[int]) -> bytes:
    """Return a JPEG with further ones behind it and the list of them all, as cameras write it."""
    entries = b"".join(struct.pack("<IIIHH", kind, 100, 0, 0, 0) for kind in kinds)
    size = struct.pack("<I", 26)
    block = b"II*\0\x08\0\0\0" + struct.pack("<HHHI", 1, 0xB002, 7, len(entries)) + size + bytes(4) + entries
    return jpeg_with((0xE2, b"MPF\0" + block)) + saved("JPEG") * (len(kinds) - 1)


@pytest.mark.parametrize("kinds", [[0x030000, 0x010001], [0x030000, 0x010002, 0], [0x20030000, 0x40010001]])
def test_a_jpeg_with_previews_is_scored(kinds: list[int]) -> None:
    assert (decode(with_previews(kinds)).pixels == decode(saved("JPEG")).pixels).all()


@pytest.mark.parametrize("kinds", [[0x020002, 0x020002], [0x020001, 0x020001, 0x020001]])
def test_a_jpeg_of_several_views_is_refused(kinds: list[int]) -> None:
    with pytest.raises(RejectedImageError, match="several pages") as rejection:
        decode(with_previews(kinds))
    assert rejection.value.code == "unsupported_format"


def two_pages(first_kind: int | None, second_kind: int | None) -> bytes:
    """Return a TIFF of two pages, with the kind of each."""
    pages = ({} if kind is None else {"tag_254": kind} for kind in (first_kind, second_kind))
    first, second = (tiff_of(CELL, "<", 64, **kinds) for kinds in pages)
    shift = len(first)
    moved = bytearray(second)
    (start,) = struct.unpack_from("<I", second, 4)
    for entry in range(start + 2, len(second) - 4, 12):
        tag, kind, count = struct.unpack_from("<HHI", second, entry)
        if count * (2 if kind == 3 else 4) > 4 or tag == 273:
            struct.pack_into("<I", moved, entry + 8, struct.unpack_from("<I", second, entry + 8)[0] + shift)
    return first[:-4] + struct.pack("<I", shift + start) + bytes(moved)


def test_a_tiff_with_a_preview_is_scored_and_one_of_several_pages_refused() -> None:
    assert (decode(two_pages(None, 1)).pixels == CELL).all()
    assert (decode(two_pages(0, 1)).pixels == CELL).all()
    for kinds in ((None, None), (0, 0), (1, 0), (1, 1)):
        with pytest.raises(RejectedImageError, match="several pages"):
            decode(two_pages(*kinds))


def test_an_animated_png_is_refused() -> None:
    frames = chunk(b"fcTL", bytes(26)) + chunk(b"fdAT", bytes(20))
    for data in (png_with(chunk(b"acTL", struct.pack(">II", 2, 0))), png_with(frames, behind=True)):
        with pytest.raises(RejectedImageError, match="several pages"):
            decode(data)


@settings(max_examples=200, deadline=None)
@given(
    body=st.binary(max_size=300),
    prefix=st.sampled_from(
        [b"", b"Exif\0\0", b"Exif\0\0II*\0\x08\0\0\0", b"MPF\0MM\0*\0\0\0\x08", b"ICC_PROFILE\0\1\1"]
    ),
    marker=st.sampled_from([*range(0xE1, 0xEE), 0xEF, 0xFE]),
    kind=st.sampled_from([b"eXIf", b"iCCP", b"tEXt", b"zTXt", b"iTXt", b"sBIT", b"pHYs", b"gAMA", b"cHRM", b"bKGD"]),
)
def test_no_metadata_are_a_reason_to_refuse_an_image(body: bytes, prefix: bytes, marker: int, kind: bytes) -> None:
    for data in (jpeg_with((marker, prefix + body)), png_with(chunk(kind, body)), webp_with(b"EXIF", prefix + body)):
        assert decode(data).pixels.shape in ((60, 80, 3), (80, 60, 3))
