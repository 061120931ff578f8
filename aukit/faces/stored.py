"""Registered faces in Parquet shards: random access with bounded memory."""

from __future__ import annotations

import functools
import os
import tempfile
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.data.records import OK, labels_of, person_keys
from aukit.errors import DataError
from aukit.store.files import read_schema, read_table
from aukit.vision import images

DECODED_LIMIT = 1 << 30
"""Bytes of decoded pixels to cache; above this, every batch is decoded again."""


def decode(encoded: Sequence[bytes | memoryview]) -> Tensor:
    """Decode the pictures of a shard, all of one size, to uint8 (B, 3, H, W).

    Raises:
        DataError: a picture is damaged.
    """
    return torch.stack(list(_threads().map(_decode_one, encoded)))


def _decode_one(encoded: bytes | memoryview) -> Tensor:
    picture = images.decode(bytes(encoded))
    if picture.image is None:
        raise DataError(
            f"a stored face cannot be decoded: {picture.reason}", "align the faces again"
        )
    return picture.image


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=max(1, torch.get_num_threads()))


if hasattr(os, "register_at_fork"):
    # Threads do not survive a fork (DataLoader workers), so each process makes its own.
    os.register_at_fork(after_in_child=_threads.cache_clear)


def shards(folder: Path) -> list[Path]:
    """The Parquet shards of a stage folder, in order."""
    return sorted(folder.glob("part-*.parquet"))


def read_rows(folder: Path) -> pa.Table:
    """All rows of a stage folder without pixels, dropped ones included."""
    tables = []
    for path in shards(folder):
        tables.append(read_table(path, [n for n in read_schema(path).names if n != "image"]))
    if not tables:
        raise DataError(f"{folder} contains no faces")
    return pa.concat_tables(tables)


class StoredFaces:
    """Faces of stage folders as a `FaceSource`.

    Args:
        folders: stage folders with `part-*.parquet` in `records.face_schema`.
        aus: AU columns of the labels.
        partition: only rows of this partition; None takes all.
        limit: bytes of decoded pixels to cache; if there are more, none are cached.

    Raises:
        DataError: no usable row is left.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        aus: tuple[str, ...],
        partition: str | None = None,
        limit: int = DECODED_LIMIT,
    ) -> None:
        self.aus = aus
        parts = [path for folder in folders for path in shards(folder)]
        if not parts:
            raise DataError(f"{', '.join(map(str, folders))} contains no faces")
        tables = [_wanted(path, partition, pixels=False) for path in parts]
        self.table: pa.Table = pa.concat_tables(tables, promote_options="default")
        if self.table.num_rows == 0:
            where = "" if partition is None else f" in partition '{partition}'"
            raise DataError(
                f"no registered faces are left{where}",
                "see the dropped frames and their reasons in the report or `aukit data info`",
            )
        self.labels: Labels = labels_of(self.table, aus)
        self._subjects = person_keys(self.table)
        self._ids: list[str] = self.table.column("id").to_pylist()
        self._landmarks = _landmarks(self.table)
        self._images = _map_images(self, parts, partition)
        height, width = decode([self._encoded(0)]).shape[-2:]
        self._size = (height, width)
        kept = len(self) * 3 * height * width <= limit
        self._decoded = (
            torch.empty((len(self), 3, *self._size), dtype=torch.uint8) if kept else None
        )
        self._known = np.zeros(len(self), bool)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def people(self) -> list[str]:
        """Person key of each row."""
        return self._subjects

    def _encoded(self, index: int) -> memoryview:
        return memoryview(self._images[index].as_buffer())

    def images(self, indices: Sequence[int]) -> Tensor:
        """Images of rows, uint8 (B, 3, S, S)."""
        if self._decoded is None:
            return decode([self._encoded(i) for i in indices])
        fresh = [i for i in dict.fromkeys(indices) if not self._known[i]]
        if fresh:
            self._decoded[fresh] = decode([self._encoded(i) for i in fresh])
            self._known[fresh] = True
        return self._decoded[list(indices)]

    def rows(self, indices: Sequence[int]) -> pa.Table:
        """Rows with their encoded pictures, in `records.face_schema`."""
        chosen = list(indices)
        pictures = self._images.take(pa.array(chosen, pa.int64())).cast(pa.binary())
        return self.table.take(chosen).append_column("image", pictures)

    def batch(self, indices: Sequence[int]) -> FaceBatch:
        """Decode the rows at `indices`, in that order, on the CPU."""
        chosen = list(indices)
        return FaceBatch(
            ids=tuple(self._ids[i] for i in chosen),
            subjects=tuple(self._subjects[i] for i in chosen),
            images=self.images(chosen),
            labels=self.labels.take(chosen),
            landmarks=self._landmarks[chosen],
        )


def face_batch(rows: pa.Table, aus: tuple[str, ...]) -> FaceBatch:
    """The faces of rows with pictures, on the CPU.

    Raises:
        DataError: a picture is damaged.
    """
    return FaceBatch(
        ids=tuple(rows.column("id").to_pylist()),
        subjects=tuple(person_keys(rows)),
        images=decode(rows.column("image").to_pylist()),
        labels=labels_of(rows, aus),
        landmarks=_landmarks(rows),
    )


def _landmarks(rows: pa.Table) -> Tensor:
    """Landmarks of rows, (N, 68, 2) float32."""
    values = rows.column("landmarks").combine_chunks().values.to_numpy()
    return torch.from_numpy(values.reshape(-1, 68, 2).copy())


def _wanted(path: Path, partition: str | None, *, pixels: bool) -> pa.Table:
    names = read_schema(path).names
    columns = ["image", "status", "partition"] if pixels else [n for n in names if n != "image"]
    table = read_table(path, columns)
    keep = pc.equal(table.column("status"), OK)
    if partition is not None:
        keep = pc.and_(keep, pc.fill_null(pc.equal(table.column("partition"), partition), False))
    return table.filter(keep)


def _map_images(owner: object, parts: Sequence[Path], partition: str | None) -> pa.ChunkedArray:
    """The encoded images in a memory-mapped file; the system caches what fits."""
    scratch = tempfile.TemporaryDirectory(prefix="aukit-faces-")
    path = str(Path(scratch.name) / "images.arrow")
    schema = pa.schema([pa.field("image", pa.large_binary())])
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for part in parts:
            column = _wanted(part, partition, pixels=True).column("image").cast(pa.large_binary())
            writer.write_table(pa.table([column], schema=schema))
    mapped = pa.ipc.open_file(pa.memory_map(path)).read_all().column("image")
    if os.name == "posix":
        scratch.cleanup()  # the mapping stays valid, and a killed process leaves no file
    else:
        weakref.finalize(owner, scratch.cleanup)
    return mapped
