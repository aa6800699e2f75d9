"""Read and write the directories of TIFF, which EXIF uses too: https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Bytes of a value, by the number of its type.
VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
# NumPy's names of the types of whole numbers.
WHOLE_NUMBERS = {1: "u1", 3: "u2", 4: "u4", 6: "i1", 8: "i2", 9: "i4", 13: "u4", 16: "u8"}
LONG = 4
FRACTIONS = (5, 10)
MAX_ENTRIES = 4_096


class Layout(NamedTuple):
    """The layout of a file's numbers.

    Attributes:
        order: byte order in the notation of ``struct``, ``<`` or ``>``.
        big: BigTIFF, whose offsets have 8 bytes.
    """

    order: str
    big: bool

    @property
    def record(self) -> struct.Struct:
        """Tag, type and number of values of an entry. The values or their offset follow."""
        return struct.Struct(self.order + ("HHQ" if self.big else "HHI"))

    @property
    def offset(self) -> struct.Struct:
        """An offset in the file."""
        return struct.Struct(self.order + ("Q" if self.big else "I"))

    @property
    def length(self) -> struct.Struct:
        """The number of entries of a directory."""
        return struct.Struct(self.order + ("Q" if self.big else "H"))


@dataclass(frozen=True)
class Entry:
    """An entry of a directory.

    Attributes:
        kind: number of the values' type.
        count: number of values.
        start: where the values lie in the file.
    """

    kind: int
    count: int
    start: int


@dataclass(frozen=True)
class Directory:
    """The entries of one page.

    Attributes:
        entries: entries by tag.
        next: offset of the next page; 0 after the last, or if the file ends before it.
        whole: False if the file ends before the last entry.
    """

    entries: Mapping[int, Entry]
    next: int
    whole: bool


def read_layout(data: bytes) -> tuple[Layout, int]:
    """Read a header. Return the layout and the first directory's offset.

    Raises:
        ValueError: the data does not begin with a header.
        struct.error: it ends within its header.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    version = data[2:4] if order == ">" else data[3:1:-1]
    if order is None or version not in (b"\0*", b"\0+"):
        raise ValueError("there is no header")
    layout = Layout(order, version == b"\0+")
    return layout, layout.offset.unpack_from(data, 8 if layout.big else 4)[0]


def read_directory(data: bytes, layout: Layout, start: int) -> Directory:
    """Read a directory's entries; their values are read later.

    Raises:
        ValueError: it has very many entries.
        struct.error: it begins outside the file.
    """
    (count,) = layout.length.unpack_from(data, start)
    if count > MAX_ENTRIES:
        raise ValueError(f"the directory has {count} entries")
    entries: dict[int, Entry] = {}
    place = start + layout.length.size
    entry_bytes = layout.record.size + layout.offset.size
    for _ in range(count):
        if place + entry_bytes > len(data):
            return Directory(entries, 0, whole=False)
        tag, kind, values = layout.record.unpack_from(data, place)
        inline = place + layout.record.size
        (offset,) = layout.offset.unpack_from(data, inline)
        within = VALUE_BYTES.get(kind, 1) * values <= layout.offset.size
        entries[tag] = Entry(kind, values, inline if within else offset)
        place += entry_bytes
    after = data[place : place + layout.offset.size]
    return Directory(entries, layout.offset.unpack(after)[0] if len(after) == layout.offset.size else 0, whole=True)


def check_values(data: bytes, layout: Layout, entry: Entry) -> None:
    """Check that an entry's values lie within the file, and that no fraction divides by 0.

    Raises:
        ValueError: they do not, or one does.
    """
    end = entry.start + VALUE_BYTES.get(entry.kind, 1) * entry.count
    if end > len(data):
        raise ValueError("the file ends before the values of its directory")
    if entry.kind in FRACTIONS and not np.frombuffer(data[entry.start : end], layout.order + "u4")[1::2].all():
        raise ValueError("a fraction of the directory divides by 0")


def whole_numbers(data: bytes, layout: Layout, entry: Entry) -> NDArray[np.int64]:
    """Return the values of an entry, in one row.

    Raises:
        ValueError: they are no whole numbers, are none at all, or lie outside the file.
    """
    if entry.kind not in WHOLE_NUMBERS or not entry.count:
        raise ValueError(f"{entry.count} values of type {entry.kind} are not whole numbers")
    kind = np.dtype(layout.order + WHOLE_NUMBERS[entry.kind])
    if entry.start + entry.count * kind.itemsize > len(data):
        raise ValueError("the file ends before its values")
    return np.frombuffer(data, kind, entry.count, entry.start).astype(np.int64)


def fraction(data: bytes, layout: Layout, entry: Entry) -> float:
    """Return the first value of an entry, a fraction of two whole numbers.

    Raises:
        ValueError: it is no fraction, divides by 0, or lies outside the file.
    """
    check_values(data, layout, entry)
    if entry.kind not in FRACTIONS or not entry.count:
        raise ValueError(f"{entry.count} values of type {entry.kind} are not fractions")
    above, below = np.frombuffer(data, layout.order + ("u4" if entry.kind == FRACTIONS[0] else "i4"), 2, entry.start)
    return float(above) / float(below)


def with_directory(
    data: bytes, layout: Layout, entries: Mapping[int, Entry], values: Mapping[int, NDArray[np.int64]]
) -> bytes:
    """Return the file with one directory behind its data, in place of all that it has.

    Args:
        data: the file.
        layout: its layout.
        entries: entries to copy.
        values: numbers by tag for further entries; they replace entries of the same tags.
    """
    tail = bytearray(-len(data) % 2)
    records: dict[int, bytes] = {}
    for tag, entry in entries.items():
        inline = VALUE_BYTES.get(entry.kind, 1) * entry.count <= layout.offset.size
        value = data[entry.start :][: layout.offset.size] if inline else layout.offset.pack(entry.start)
        records[tag] = layout.record.pack(tag, entry.kind, entry.count) + value
    for tag, numbers in values.items():
        raw = numbers.astype(layout.order + "u4").tobytes()
        if len(raw) > layout.offset.size:
            place, tail = len(data) + len(tail), tail + raw
            raw = layout.offset.pack(place)
        records[tag] = layout.record.pack(tag, LONG, numbers.size) + raw.ljust(layout.offset.size, b"\0")
    head = 8 if layout.big else 4
    first = layout.offset.pack(len(data) + len(tail))
    directory = layout.length.pack(len(records)) + b"".join(records[tag] for tag in sorted(records))
    after_head = memoryview(data)[head + len(first) :]
    return b"".join([data[:head], first, after_head, tail, directory, layout.offset.pack(0)])
