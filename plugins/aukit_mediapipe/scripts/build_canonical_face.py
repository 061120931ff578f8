"""Write `data/canonical_face.json`: the mesh that MediaPipe's landmarks are points of.

Usage: python build_canonical_face.py FACE_LANDMARKER.task OUT.json

The bundle holds the mesh in `geometry_pipeline_metadata_landmarks.binarypb`, a protocol buffer
message whose field 1 is the mesh (field 3: vertices as x y z u v, field 4: corners of triangles)
and whose field 2 are the landmarks that the pose is fitted to (1: number, 2: weight). The mesh is
Apache-2.0, Google.
"""

from __future__ import annotations

import json
import struct
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

METADATA = "geometry_pipeline_metadata_landmarks.binarypb"


def varint(data: bytes, place: int) -> tuple[int, int]:
    """A variable-length integer, and the place behind it."""
    value = shift = 0
    while data[place] & 0x80:
        value |= (data[place] & 0x7F) << shift
        place, shift = place + 1, shift + 7
    return value | data[place] << shift, place + 1


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and raw value of each field of a message."""
    place = 0
    while place < len(data):
        key, place = varint(data, place)
        if key & 7 == 0:
            value, place = varint(data, place)
            yield key >> 3, value
            continue
        length, place = (4, place) if key & 7 == 5 else varint(data, place)
        yield key >> 3, data[place : place + length]
        place += length


def repeated(message: bytes, number: int) -> Iterator[bytes]:
    """The values of a field that holds bytes."""
    return (value for key, value in fields(message) if key == number and isinstance(value, bytes))


def main(bundle: str, out: str) -> None:
    """Read the mesh and write it."""
    with zipfile.ZipFile(bundle) as archive:
        metadata = archive.read(METADATA)
    mesh = next(repeated(metadata, 1))
    vertices = np.frombuffer(b"".join(repeated(mesh, 3)), "<f4").reshape(-1, 5)[:, :3]
    corners = [value for number, value in fields(mesh) if number == 4]
    basis = []
    for entry in repeated(metadata, 2):
        values = dict(fields(entry))
        weight = values[2]
        assert isinstance(weight, bytes)
        basis.append([values.get(1, 0), round(struct.unpack("<f", weight)[0], 6)])
    document = {
        "vertices": [[round(float(value), 5) for value in vertex] for vertex in vertices],
        "triangles": np.array(corners).reshape(-1, 3).tolist(),
        "stable": basis,
    }
    lines = ",\n".join(f' "{name}": {json.dumps(rows)}' for name, rows in document.items())
    Path(out).write_text("{\n" + lines + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
