"""Registered faces in shards: one Parquet file a chunk of index rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from aukit.contracts.executor import Executor
from aukit.faces.registration import Registration
from aukit.progress import Progress
from aukit.store.files import write_table

CHUNK = 256
"""Most index rows of a shard."""


_LEAST, _PARTS = 64, 32
"""Fewer rows make smaller shards, so that workers finish together."""


@dataclass(frozen=True)
class _Chunk:
    """One shard to make; picklable, so that any executor can take it."""

    number: int
    rows: pa.Table

    @classmethod
    def of(cls, number: int, rows: pa.Table, start: int, size: int) -> _Chunk:
        """Some rows of a table; a pickled slice would take the whole table along."""
        stop = min(start + size, rows.num_rows)
        return cls(number, rows.take(pa.array(range(start, stop), pa.int64())))


class _Shard:
    """Makes one shard; the function that executors map."""

    def __init__(self, registration: Registration, folder: Path) -> None:
        self.registration = registration
        self.folder = folder

    def __call__(self, chunk: _Chunk) -> int:
        table = pa.concat_tables(list(self.registration.faces_of(chunk.rows)))
        write_table(shard_path(self.folder, chunk.number), table)
        return int(chunk.rows.num_rows)


def shard_path(folder: Path, number: int) -> Path:
    """Path of a shard."""
    return folder / f"part-{number:05d}.parquet"


def align_rows(
    registration: Registration,
    rows: pa.Table,
    folder: Path,
    executor: Executor,
    progress: Progress,
) -> None:
    """Fill a folder with shards of registered faces for index rows."""
    size = min(CHUNK, max(_LEAST, rows.num_rows // _PARTS))
    chunks = (
        _Chunk.of(number, rows, start, size)
        for number, start in enumerate(range(0, rows.num_rows, size))
    )
    missing = [chunk for chunk in chunks if not shard_path(folder, chunk.number).exists()]
    with progress.start("align", rows.num_rows) as bar:
        bar.advance(rows.num_rows - sum(chunk.rows.num_rows for chunk in missing))
        for done in executor.map(_Shard(registration, folder), missing):
            bar.advance(done)
