"""Check a JPEG's structure, and leave out its metadata: https://www.w3.org/Graphics/JPEG/itu-t81.pdf."""

import re
import struct
from typing import NamedTuple

from lambda_fn.bare_files import EXIF_PREFIX, MAX_PIECES, BareFile
from lambda_fn.errors import RejectedImageError
from lambda_fn.orientation import read_orientation
from lambda_fn.tiff_directory import read_directory, read_layout

# Each scan of a progressive JPEG passes over the whole image; usual files have 10 scans.
MAX_SCANS = 40
START, END, SCAN = 0xD8, 0xD9, 0xDA
WITHOUT_BODY = {0x01, *range(0xD0, 0xD8)}
# Frames by their coding: with a single pass over all coefficients, and progressive.
FRAMES = {0xC0: False, 0xC1: False, 0xC2: True, 0xC9: False, 0xCA: True}
ALL_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
# JFIF and Adobe state the colours. All other blocks of applications, and comments, are metadata.
JFIF, EXIF_OR_XMP, PROFILE_OR_PREVIEWS, ADOBE = 0xE0, 0xE1, 0xE2, 0xEE
METADATA = {*range(0xE1, 0xEE), 0xEF, 0xFE}
XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
PREVIEWS_PREFIX = b"MPF\0"
IMAGES_OF_PREVIEWS = 0xB002
# Within a scan, 255 stands only before 0 or a restart marker.
NEXT_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
# The decoder looks this many bytes ahead.
LOOKED_AHEAD = bytes(8)
# Bits without an order, of which no two bytes are a marker.
NOISE = bytes((number * 151 + 23) % 251 for number in range(64))


class _Segment(NamedTuple):
    marker: int
    body: bytes
    start: int
    end: int


def bare_jpeg(data: bytes) -> BareFile:
    """Leave out all metadata and everything behind the image, such as a preview.

    libjpeg invents missing data, without an error, if a scan ends before its pixels. An image of one scan loses the
    marker of its end, so that the decoder reports missing data. Of several scans, ``noisy`` appends noise to each.

    Raises:
        RejectedImageError: the file ends early, lacks a scan, has too many scans, or holds several images.
    """
    segments = _segments(data)
    frame = next((segment for segment in segments if segment.marker in FRAMES), None)
    _check_depth(segments)
    scans = [segment for segment in segments if segment.marker == SCAN]
    if frame is not None:
        _check_scans(frame, scans)
    essential = [segment for segment in segments if segment.marker not in METADATA]
    parts = [data[segment.start : segment.end] for segment in essential]
    noisy = b""
    if frame is not None and len(scans) == 1:
        parts[-1] = LOOKED_AHEAD
    elif frame is not None:
        noises = (NOISE if segment.marker == SCAN else b"" for segment in essential)
        noisy = b"".join([data[:2], *(piece for pair in zip(parts, noises, strict=True) for piece in pair)])
    exif = _block(segments, EXIF_OR_XMP, EXIF_PREFIX)
    xmp = _block(segments, EXIF_OR_XMP, XMP_PREFIX)
    _check_previews(_block(segments, PROFILE_OR_PREVIEWS, PREVIEWS_PREFIX))
    return BareFile(b"".join([data[:2], *parts]), orientation=read_orientation(exif, xmp), noisy=noisy)


def _segments(data: bytes) -> list[_Segment]:
    """Split the image at its markers, up to the marker of the end. A scan's data belong to its segment."""
    segments: list[_Segment] = []
    place, fillers, scans = 2, 0, 0
    while not segments or segments[-1].marker != END:
        start = place
        while data[place + 1 : place + 2] == b"\xff" and fillers < MAX_PIECES:
            place, fillers = place + 1, fillers + 1
        if len(segments) + fillers >= MAX_PIECES:
            raise RejectedImageError("unreadable", "The file has so many pieces that reading it takes too long.")
        if place + 2 > len(data):
            raise RejectedImageError("unreadable", "The JPEG ends before its marker of the end.")
        if data[place] != 0xFF:
            raise RejectedImageError("unreadable", f"The JPEG has no marker at byte {place:,}.")
        marker = data[place + 1]
        place += 2
        body = b""
        if marker not in WITHOUT_BODY and marker != END:
            end = place + max(2, int.from_bytes(data[place : place + 2], "big"))
            body, place = data[place + 2 : end], end
        if marker == SCAN:
            scans += 1
            if scans > MAX_SCANS:
                raise RejectedImageError("unreadable", f"The JPEG has more than {MAX_SCANS} scans.")
            following = NEXT_MARKER.search(data, place)
            if following is None:
                raise RejectedImageError("unreadable", "The JPEG ends before its marker of the end.")
            place = following.start()
        segments.append(_Segment(marker, body, start, place))
    return segments


def _block(segments: list[_Segment], marker: int, prefix: bytes) -> bytes | None:
    blocks = (segment.body for segment in segments if segment.marker == marker)
    return next((body[len(prefix) :] for body in blocks if body.startswith(prefix)), None)


def _check_depth(segments: list[_Segment]) -> None:
    frames = (segment.body for segment in segments if segment.marker in ALL_FRAMES)
    depth = next((body[0] for body in frames if body and body[0] in (12, 16)), 8)
    if depth != 8:
        raise RejectedImageError("unsupported_format", f"The JPEG has {depth} bits a sample; send 8.")


def _check_scans(frame: _Segment, scans: list[_Segment]) -> None:
    """Reject an image if a scan does not exist that one of its colours needs in full depth."""
    components = frame.body[6::3][: frame.body[5]]
    missing = {(component, part) for component in components for part in ((0, 63) if FRAMES[frame.marker] else (0,))}
    for scan in scans:
        count = scan.body[0]
        first, last, depths = scan.body[1 + 2 * count : 4 + 2 * count]
        if depths & 15 == 0:
            missing -= {(component, part) for component in scan.body[1 : 1 + 2 * count : 2] for part in (first, last)}
    if missing:
        raise RejectedImageError("unreadable", "The JPEG lacks a scan of its pixels.")


def _check_previews(block: bytes | None) -> None:
    """Reject several images of equal rank. Previews and depth maps behind an image are no reason to refuse it.

    https://web.archive.org/web/20190713230858/http://www.cipa.jp/std/documents/e/DC-007_E.pdf
    """
    try:
        layout, start = read_layout(block or b"")
        entry = read_directory(block or b"", layout, start).entries[IMAGES_OF_PREVIEWS]
        kinds = struct.iter_unpack(layout.order + "I12x", (block or b"")[entry.start :][: entry.count])
        several = sum(kind >> 16 & 0xFF == 2 for (kind,) in kinds) > 1
    except (ValueError, KeyError, struct.error):
        return
    if several:
        raise RejectedImageError("unsupported_format", "The file holds several pages or frames; send each alone.")
