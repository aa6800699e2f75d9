"""Check a TIFF's structure, and leave out its metadata.

Pillow decodes the pixels. tifffile and imagecodecs would decode more kinds, but the function's zip has no room for the
79 MiB of imagecodecs, so kinds that Pillow decodes wrongly are rewritten here as kinds that it decodes, or refused.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambda_fn.bare_files import BareFile
from lambda_fn.errors import RejectedImageError
from lambda_fn.orientation import ORIENTATION, read_orientation
from lambda_fn.resolution import MICROMETRES_PER_UNIT, um_per_px
from lambda_fn.tiff_directory import (
    Directory,
    Entry,
    Layout,
    check_values,
    fraction,
    read_directory,
    read_layout,
    whole_numbers,
    with_directory,
)
from lambda_fn.tiff_pieces import check_pieces, pieces_of_plane

PAGE_KIND, OLD_PAGE_KIND, WIDTH, HEIGHT = 254, 255, 256, 257
BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, LARGEST_SAMPLE = 258, 259, 262, 277, 281
STRIP_OFFSETS, STRIP_BYTES, PLANAR, TILE_OFFSETS, TILE_BYTES = 273, 279, 284, 324, 325
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
EXTRA_SAMPLES, SAMPLE_FORMAT, SUBSAMPLING, XMP = 338, 339, 530, 700
# The tags that the pixels depend on: layout and samples by the names above, the order of bits (266), rows of a strip
# (278), fax options (292, 293), predictor (317), palette (320), sides of a tile (322, 323), tables and colours of JPEG.
ESSENTIAL = {256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325, 338, 339}
ESSENTIAL |= {347, *range(512, 522), *range(529, 533)}
MAX_PAGES = 16
UNCOMPRESSED, JPEG = 1, 7
JPEG_TABLES = 347
END_OF_JPEG = b"\xff\xd9"
WHITE_IS_0, BLACK_IS_0, RGB, YCBCR = 0, 1, 2, 6
PREMULTIPLIED = 1


class _Tags(NamedTuple):
    """Numbers of a directory by tag."""

    data: bytes
    layout: Layout
    entries: Mapping[int, Entry]

    def all(self, tag: int, default: int) -> NDArray[np.int64]:
        if tag not in self.entries:
            return np.array([default])
        return whole_numbers(self.data, self.layout, self.entries[tag])

    def first(self, tag: int, default: int) -> int:
        return int(self.all(tag, default)[0])


def bare_tiff(data: bytes, ignore_opacity: bool = False) -> BareFile:
    """Leave out all metadata.

    Args:
        data: the file.
        ignore_opacity: declare a fourth sample as one without a meaning.

    Raises:
        RejectedImageError: the file ends early, holds several pages, or has samples that cannot be decoded.
        ValueError: the directory is damaged.
        struct.error: the directory lies outside the file.
    """
    layout, start = read_layout(data)
    directory = read_directory(data, layout, start)
    if not directory.whole or not directory.entries.keys() >= {WIDTH, HEIGHT}:
        raise RejectedImageError("unreadable", "The TIFF's directory is damaged.")
    _check_pages(data, layout, directory)
    tags = _Tags(data, layout, directory.entries)
    entries = {tag: entry for tag, entry in directory.entries.items() if tag in ESSENTIAL}
    for entry in entries.values():
        check_values(data, layout, entry)
    _check_samples(tags)
    bits = tags.first(BITS, 1)
    values: dict[int, NDArray[np.int64]] = {}
    inverted = bits > 8 and tags.first(PHOTOMETRIC, BLACK_IS_0) == WHITE_IS_0
    if inverted:
        values[PHOTOMETRIC] = np.array([BLACK_IS_0])
    if ignore_opacity:
        values[EXTRA_SAMPLES] = np.array([0])
    planes: tuple[bytes, ...] = ()
    if bits > 8 and tags.first(PLANAR, 1) == 2 and tags.first(SAMPLES, 1) > 1:
        planes = _planes(tags, entries)
    return BareFile(
        planes[0] if planes else with_directory(data, layout, entries, values),
        orientation=_orientation(tags),
        significant_bits=_significant_bits(tags, bits),
        inverted=inverted,
        planes=planes,
        premultiplied=tags.first(EXTRA_SAMPLES, 0) == PREMULTIPLIED,
        um_per_px=_scale(tags),
    )


def _scale(tags: _Tags) -> float | None:
    """Read the resolution, if it has a unit; a damaged one is passed over."""
    if not tags.entries.keys() >= {X_RESOLUTION, Y_RESOLUTION}:
        return None
    try:
        length = MICROMETRES_PER_UNIT.get(tags.first(RESOLUTION_UNIT, 2))
        across, down = (fraction(tags.data, tags.layout, tags.entries[tag]) for tag in (X_RESOLUTION, Y_RESOLUTION))
    except ValueError:
        return None
    return um_per_px(across, down, length) if length else None


def check_tiff(data: bytes) -> None:
    """Check that each strip or tile that the header calls for lies within the file, and is as long as its pixels.

    Raises:
        RejectedImageError: a strip or tile is missing or too short.
        ValueError: the directory is damaged.
    """
    layout, start = read_layout(data)
    tags = _Tags(data, layout, read_directory(data, layout, start).entries)
    pieces = check_pieces(len(data), tags.all, tags.entries)
    if tags.first(COMPRESSION, UNCOMPRESSED) != JPEG:
        return
    if JPEG_TABLES in tags.entries:
        tables = tags.entries[JPEG_TABLES]
        pieces.append((tables.start, tables.count))
    for start, size in pieces:
        # Zeros may follow. libtiff paints what is missing grey, without an error.
        if not data[start : start + size].rstrip(b"\0").endswith(END_OF_JPEG):
            raise RejectedImageError("unreadable", "A strip or tile of the TIFF ends before its JPEG data.")


def _check_pages(data: bytes, layout: Layout, directory: Directory) -> None:
    """Reject several pages, unless all behind the first are smaller copies of it."""
    for number in range(MAX_PAGES):
        tags = _Tags(data, layout, directory.entries)
        is_copy = tags.first(PAGE_KIND, 0) & 1 or tags.first(OLD_PAGE_KIND, 1) == 2
        if is_copy != (number > 0) and (number or directory.next):
            break
        if not directory.next:
            return
        if directory.next >= len(data):
            raise RejectedImageError("unreadable", "The file ends before its last page.")
        directory = read_directory(data, layout, directory.next)
    raise RejectedImageError("unsupported_format", "The file holds several pages or frames; send each alone.")


def _check_samples(tags: _Tags) -> None:
    for bits in tags.all(BITS, 1).tolist():
        if bits not in (1, 2, 4, 8, 16) and (bits, tags.first(SAMPLES, 1)) != (12, 1):
            raise RejectedImageError("unsupported_format", f"The image has {bits} bits a sample; send 8 or 16.")
    if any(number not in (1, 4) for number in tags.all(SAMPLE_FORMAT, 1).tolist()):
        raise RejectedImageError("unsupported_format", "The image has signed or floating samples; send unsigned ones.")
    uncompressed_colours = tags.first(PHOTOMETRIC, 0) == YCBCR and tags.first(COMPRESSION, 1) == UNCOMPRESSED
    if uncompressed_colours and tags.all(SUBSAMPLING, 2).tolist() != [1, 1]:
        raise RejectedImageError("unsupported_format", "The image has few samples of colour; send it as RGB.")


def _planes(tags: _Tags, entries: Mapping[int, Entry]) -> tuple[bytes, ...]:
    """Write each colour's plane as a grey image. Pillow takes planes of 16 bits for ones of 8."""
    if tags.first(SAMPLES, 1) != 3 or tags.first(PHOTOMETRIC, 0) != RGB:
        raise RejectedImageError("unsupported_format", "The image has planes of 16 bits; send them interleaved.")
    grey = {SAMPLES: 1, BITS: 16, PHOTOMETRIC: BLACK_IS_0, PLANAR: 1, SAMPLE_FORMAT: 1}
    values = {tag: np.array([value]) for tag, value in grey.items()}
    pieces = pieces_of_plane(tags.all, entries)
    planes = []
    for number in range(3):
        for tag in (STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES):
            if tag in entries:
                values[tag] = tags.all(tag, 0)[number * pieces : (number + 1) * pieces]
        planes.append(with_directory(tags.data, tags.layout, entries, values))
    return tuple(planes)


def _orientation(tags: _Tags) -> int | None:
    if ORIENTATION in tags.entries:
        try:
            value = tags.first(ORIENTATION, 1)
        except ValueError:
            return None
        return (value or 1) if 0 <= value <= 8 else None
    if XMP in tags.entries:
        entry = tags.entries[XMP]
        return read_orientation(None, tags.data[entry.start :][: entry.count])
    return 1


def _significant_bits(tags: _Tags, bits: int) -> int | None:
    """Return the declared depth of samples that are stored in 16 bits.

    The largest sample may be declared as the largest that is possible, or as the largest that occurs. Only the first,
    such as 4095, states a depth.
    """
    if bits == 12:
        return 12
    try:
        largest = int(tags.all(LARGEST_SAMPLE, 0).max())
    except ValueError:
        return None
    return largest.bit_length() if largest & (largest + 1) == 0 and 2**8 <= largest + 1 <= 2**15 else None
