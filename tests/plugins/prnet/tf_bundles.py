"""Writes TensorFlow checkpoints as TensorFlow does, independently of the reader under test."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

RESTART_EVERY = 16
BLOCK = 4096


def write_bundle(prefix: Path, variables: Mapping[str, np.ndarray], compress: bool = False) -> None:
    """One data file, and an index of several blocks."""
    rows = [(b"", number(1, 1) + message(3, number(1, 1)))]
    data = b""
    for name in sorted(variables):
        values = np.ascontiguousarray(variables[name])
        shape = b"".join(message(2, number(1, size)) for size in values.shape)
        kind = {"float32": 1, "float64": 2, "int64": 9}[values.dtype.name]
        entry = number(1, kind) + message(2, shape)
        entry += number(4, len(data)) + number(5, values.nbytes) + fixed32(6, 0)
        rows.append((name.encode(), entry))
        data += values.tobytes()
    prefix.with_name(prefix.name + ".data-00000-of-00001").write_bytes(data)
    prefix.with_name(prefix.name + ".index").write_bytes(table(rows, compress))


def table(rows: list[tuple[bytes, bytes]], compress: bool = False) -> bytes:
    """A sorted string table."""
    content, index = b"", []
    block: list[tuple[bytes, bytes]] = []
    for row in [*rows, None]:
        if block and (row is None or sum(len(k) + len(v) for k, v in block) > BLOCK):
            handle, content = _append(content, _block(block), compress)
            index.append((block[-1][0] + b"\x00", handle))
            block = []
        if row is not None:
            block.append(row)
    meta, content = _append(content, _block([]), False)
    listed, content = _append(content, _block(index, 1), False)
    return content + (meta + listed).ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")


def _append(content: bytes, block: bytes, compress: bool) -> tuple[bytes, bytes]:
    """The handle of the block, and the file with it."""
    stored = snap(block) if compress else block
    kind = b"\x01" if compress else b"\x00"
    handle = varint(len(content)) + varint(len(stored))
    return handle, content + stored + kind + struct.pack("<I", mask(crc(stored + kind)))


def _block(rows: list[tuple[bytes, bytes]], restart: int = RESTART_EVERY) -> bytes:
    result, restarts, before = b"", [], b""
    for place, (key, value) in enumerate(rows):
        shared = 0
        if place % restart == 0:
            restarts.append(len(result))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        result += varint(shared) + varint(len(key) - shared) + varint(len(value))
        result += key[shared:] + value
        before = key
    restarts = restarts or [0]
    return result + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def snap(data: bytes) -> bytes:
    """Snappy with literals, and one copy (of each kind in turn) wherever four bytes come again."""
    result, place, kind = varint(len(data)), 0, 0
    start = 0
    while place < len(data):
        back = data.rfind(data[place : place + 4], max(0, place - 2000), place + 3)
        if place + 4 <= len(data) and back >= 0 and back < place:
            size = 4
            while (
                size < 11
                and data[back + size : back + size + 1]
                == data[place + size : place + size + 1]
                != b""
            ):
                size += 1
            result += _literal(data[start:place]) + _copy(size, place - back, kind)
            kind, place = (kind + 1) % 3, place + size
            start = place
        else:
            place += 1
    return result + _literal(data[start:])


def _literal(data: bytes) -> bytes:
    if not data:
        return b""
    size = len(data) - 1
    return bytes([size << 2]) + data if size < 60 else b"\xf4" + struct.pack("<H", size) + data


def _copy(size: int, back: int, kind: int) -> bytes:
    if kind == 0:
        return bytes([back >> 8 << 5 | (size - 4) << 2 | 1, back & 255])
    wide = struct.pack("<H", back) if kind == 1 else struct.pack("<I", back)
    return bytes([(size - 1) << 2 | (2 if kind == 1 else 3)]) + wide


def varint(value: int) -> bytes:
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def fixed32(field: int, value: int) -> bytes:
    return varint(field << 3 | 5) + struct.pack("<I", value)


def crc(data: bytes) -> int:
    """Castagnoli's checksum, bit by bit."""
    value = 0xFFFFFFFF
    for byte in data:
        for bit in range(8):
            low = (value ^ byte >> bit) & 1
            value = value >> 1 ^ 0x82F63B78 * low
    return value ^ 0xFFFFFFFF


def mask(value: int) -> int:
    turned = value >> 15 | value << 17 & 0xFFFFFFFF
    return turned + 0xA282EAD8 & 0xFFFFFFFF
