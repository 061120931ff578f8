"""Reads TensorFlow checkpoints (`NAME.index`, `NAME.data-00000-of-00001`) without TensorFlow.

The index is a sorted string table as in LevelDB (its `table_format.md`) from a variable's name to a
protocol buffer of type `BundleEntryProto` (TensorFlow's `tensor_bundle.proto`), which says where in
the data files the variable lies.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from aukit.errors import DataError

_MAGIC = 0xDB4775248B80FB57
_FOOTER, _TRAILER = 48, 5
_PLAIN, _SNAPPY = 0, 1
_FLOAT = 1
"""Number of 32-bit floats among TensorFlow's types."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class Damaged(ValueError):
    """The bytes violate the format."""


@dataclass(frozen=True)
class Entry:
    """The location of a variable.

    Attributes:
        kind: number of its type; 1 is float32.
        shape: of the variable.
        shard: number of the data file.
        offset, size: bytes in it.
        sliced: whether it is spread over several entries.
    """

    kind: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    sliced: bool


class Bundle:
    """The variables of one checkpoint.

    Args:
        prefix: path of the files without `.index`.

    Raises:
        DataError: the index is missing or damaged.
    """

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        self._index = prefix.with_name(prefix.name + ".index")
        try:
            table = dict(read_table(self._index.read_bytes()))
            header = dict(_fields(table.pop(b"", b"")))
            self._shards = int(header.get(1, 1))
            self.entries = {name.decode(): _entry(value) for name, value in table.items()}
        except OSError as error:
            raise DataError(
                f"cannot read the checkpoint {self._index}: {error.strerror or error}",
                "give the path of a TensorFlow checkpoint without its .index",
            ) from error
        except (Damaged, IndexError, struct.error, UnicodeDecodeError) as error:
            raise DataError(f"{self._index} is not the index of a TensorFlow checkpoint") from error

    @property
    def files(self) -> tuple[Path, ...]:
        """The index and the data files."""
        return (self._index, *(self._data(shard) for shard in range(self._shards)))

    def read(self, name: str) -> npt.NDArray[np.float32]:
        """The values of a variable.

        Raises:
            DataError: it is not a whole array of 32-bit floats, or its file is missing or too
                short.
            KeyError: there is no such variable.
        """
        entry = self.entries[name]
        count = int(np.prod(entry.shape, dtype=np.int64))
        if entry.kind != _FLOAT or entry.sliced or entry.size != 4 * count:
            raise DataError(f"variable {name} of {self.prefix} is not an array of 32-bit floats")
        path = self._data(entry.shard)
        try:
            values = np.fromfile(path, "<f4", count, offset=entry.offset)
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror or error}") from error
        if len(values) != count:
            raise DataError(f"{path} is truncated: it ends within {name}")
        return values.reshape(entry.shape)

    def _data(self, shard: int) -> Path:
        return self.prefix.with_name(f"{self.prefix.name}.data-{shard:05d}-of-{self._shards:05d}")


def read_table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a sorted string table.

    Raises:
        Damaged: the table breaks its format, or a checksum is wrong.
    """
    if len(data) < _FOOTER or struct.unpack("<Q", data[-8:])[0] != _MAGIC:
        raise Damaged("no footer")
    footer = data[-_FOOTER:]
    _, place = _handle(footer, 0)
    index, _ = _handle(footer, place)
    for _, value in _entries(_block(data, *index)):
        handle, _ = _handle(value, 0)
        yield from _entries(_block(data, *handle))


def _handle(data: bytes, place: int) -> tuple[tuple[int, int], int]:
    """Offset and size of a block, and the place after them."""
    offset, place = _varint(data, place)
    size, place = _varint(data, place)
    return (offset, size), place


def _block(data: bytes, offset: int, size: int) -> bytes:
    content, trailer = data[offset : offset + size], data[offset + size :][:_TRAILER]
    if len(content) != size or len(trailer) != _TRAILER:
        raise Damaged("cut short")
    kind, checksum = struct.unpack("<BI", trailer)
    if masked(crc32c(content + trailer[:1])) != checksum:
        raise Damaged("wrong checksum")
    if kind == _SNAPPY:
        return unsnap(content)
    if kind != _PLAIN:
        raise Damaged("unknown compression")
    return content


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each key repeats the beginning of the one before, and says how much of it."""
    restarts = struct.unpack("<I", block[-4:])[0]
    end = len(block) - 4 - 4 * restarts
    place, key = 0, b""
    while place < end:
        shared, place = _varint(block, place)
        fresh, place = _varint(block, place)
        length, place = _varint(block, place)
        key = key[:shared] + block[place : place + fresh]
        place += fresh
        yield key, block[place : place + length]
        place += length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A number in groups of seven bits, low ones first, and the place after it."""
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a protocol buffer."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        number, kind = tag >> 3, tag & 7
        value: int | bytes
        if kind == _VARINT:
            value, place = _varint(message, place)
        elif kind == _BYTES:
            length, place = _varint(message, place)
            value, place = message[place : place + length], place + length
        elif kind in (_FIXED32, _FIXED64):
            length = 4 if kind == _FIXED32 else 8
            value, place = int.from_bytes(message[place : place + length], "little"), place + length
        else:
            raise Damaged("unknown field")
        yield number, value


def _entry(message: bytes) -> Entry:
    """A `BundleEntryProto`; fields that are left out are 0."""
    found = dict(_fields(message))
    numbers = {key: value for key, value in found.items() if isinstance(value, int)}
    return Entry(
        kind=numbers.get(1, 0),
        shape=_shape(found.get(2, b"")),
        shard=numbers.get(3, 0),
        offset=numbers.get(4, 0),
        size=numbers.get(5, 0),
        sliced=7 in found,
    )


def _shape(message: int | bytes) -> tuple[int, ...]:
    """A `TensorShapeProto`: one sub-message a dimension."""
    if isinstance(message, int):
        raise Damaged("a shape is not a message")
    sizes = []
    for number, dimension in _fields(message):
        if number == 2 and isinstance(dimension, bytes):
            sizes.append(int(dict(_fields(dimension)).get(1, 0)))
    return tuple(sizes)


def unsnap(data: bytes) -> bytes:
    """Undo Snappy's compression (its `format_description.txt`)."""
    length, place = _varint(data, 0)
    result = bytearray()
    while place < len(data):
        tag = data[place]
        place += 1
        if tag & 3 == 0:
            size = (tag >> 2) + 1
            if size > 60:
                more = size - 60
                size = int.from_bytes(data[place : place + more], "little") + 1
                place += more
            result += data[place : place + size]
            place += size
            continue
        if tag & 3 == 1:
            size, back = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[place]
            place += 1
        else:
            width = 2 if tag & 3 == 2 else 4
            size, back = (tag >> 2) + 1, int.from_bytes(data[place : place + width], "little")
            place += width
        if not 0 < back <= len(result):
            raise Damaged("copies from before its start")
        for _ in range(size):
            result.append(result[-back])
    if len(result) != length:
        raise Damaged("another length than announced")
    return bytes(result)


def _polynomial_table() -> tuple[int, ...]:
    rows = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        rows.append(value)
    return tuple(rows)


_CASTAGNOLI = _polynomial_table()


def crc32c(data: bytes) -> int:
    """The checksum of RFC 3720, appendix B.4."""
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ _CASTAGNOLI[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def masked(checksum: int) -> int:
    """How LevelDB stores a checksum, so that it may be part of what is summed again."""
    return (((checksum >> 15 | checksum << 17) & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF
