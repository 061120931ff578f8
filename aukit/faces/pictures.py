"""Encoded pictures of stored faces, read where they lie, and the decoded ones that are kept."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from aukit.errors import DataError
from aukit.store.files import open_parquet, readable
from aukit.vision import images

FILES, GROUPS = 128, 16
"""Files that are kept open, and row groups whose pictures are kept as they were read."""


def decode(encoded: Sequence[bytes | memoryview]) -> Tensor:
    """uint8 images (B, 3, H, W) from the encoded pictures of one size in a shard.

    Raises:
        DataError: a picture is damaged.
    """
    return torch.stack(list(_threads().map(_decode_one, encoded)))


def _decode_one(encoded: bytes | memoryview) -> Tensor:
    if (pixels := images.bare(encoded)) is not None:
        return pixels
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
    # Threads do not live on in a forked process (a worker of a DataLoader): it makes its own.
    os.register_at_fork(after_in_child=_threads.cache_clear)


@dataclass(frozen=True)
class _File:
    """An open shard, and the row after the last of each of its row groups."""

    parquet: pq.ParquetFile
    ends: list[int]


class EncodedPictures:
    """Pictures of some rows of shards, by their place among all these rows.

    Only the row group of a picture is read. Memory: four bytes a row, `FILES` open shards and
    `GROUPS` row groups.

    Args:
        parts: the shards.
        rows: of each shard, int32, those that are wanted, in order.
    """

    def __init__(self, parts: Sequence[Path], rows: Sequence[np.ndarray]) -> None:
        self._parts = list(parts)
        self._rows = np.concatenate(rows)
        self._ends = np.cumsum([len(own) for own in rows])
        self._file = functools.lru_cache(FILES)(self._open)
        self._column = functools.lru_cache(GROUPS)(self._read)

    def take(self, places: Sequence[int]) -> list[memoryview]:
        """The pictures at some places, in that order.

        Raises:
            DataError: a shard is damaged.
        """
        wanted = np.unique(np.asarray(places, np.int64))
        parts = np.searchsorted(self._ends, wanted, side="right")
        own = [(int(part), wanted[parts == part]) for part in np.unique(parts)]
        found: dict[int, memoryview] = {}
        for pictures in _threads().map(self._of_part, *zip(*own, strict=True)):
            found.update(pictures)
        return [found[place] for place in places]

    def _of_part(self, part: int, places: np.ndarray) -> dict[int, memoryview]:
        with readable(self._parts[part]):
            ends, rows = self._file(part).ends, self._rows[places]
            groups = np.searchsorted(ends, rows, side="right").tolist()
            return {
                place: memoryview(self._column(part, group)[row - ends[group]].as_buffer())
                for place, group, row in zip(places.tolist(), groups, rows.tolist(), strict=True)
            }

    def _open(self, part: int) -> _File:
        parquet = open_parquet(self._parts[part])
        counts = [parquet.metadata.row_group(n).num_rows for n in range(parquet.num_row_groups)]
        return _File(parquet, np.cumsum(counts).tolist())

    def _read(self, part: int, group: int) -> pa.Array:
        parquet = self._file(part).parquet
        column = parquet.read_row_group(group, columns=["image"], use_threads=False).column(0)
        return column.combine_chunks()


class DecodedPictures:
    """Decodes pictures and keeps the first that are asked for, as many as have room.

    Nothing gives way later: a fit looks at all its faces as often, so none is worth more.

    Args:
        encoded: the pictures, all of one size.
        count: how many there are, at least one.
        limit: bytes of pixels to keep.
    """

    def __init__(self, encoded: EncodedPictures, count: int, limit: int) -> None:
        self._encoded = encoded
        self.size = tuple(decode(encoded.take([0])).shape[-2:])
        room = min(count, limit // (3 * self.size[0] * self.size[1]))
        self._kept = torch.empty((room, 3, *self.size), dtype=torch.uint8)
        self._used = 0
        self._slots = torch.full((count,), -1, dtype=torch.int32)

    def take(self, places: Sequence[int]) -> Tensor:
        """uint8 (B, 3, H, W) of some places."""
        wanted = torch.tensor(list(places), dtype=torch.int64)
        slots = self._slots[wanted].long()
        if bool((slots >= 0).all()):
            return self._kept[slots]
        found = torch.empty((len(wanted), 3, *self.size), dtype=torch.uint8)
        found[slots >= 0] = self._kept[slots[slots >= 0]]
        missing, back = torch.unique(wanted[slots < 0], return_inverse=True)
        if len(missing):
            fresh = decode(self._encoded.take(missing.tolist()))
            found[slots < 0] = fresh[back]
            self._keep(missing, fresh)
        return found

    def _keep(self, places: Tensor, fresh: Tensor) -> None:
        end = min(len(self._kept), self._used + len(places))
        count = end - self._used
        self._kept[self._used : end] = fresh[:count]
        self._slots[places[:count]] = torch.arange(self._used, end, dtype=torch.int32)
        self._used = end
