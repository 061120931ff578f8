"""Shards of faces: one Parquet file per part of the rows, made by an executor.

The function that makes a shard gets all its input with its item and returns the rows; files are
written here. Workers may therefore run on other machines without access to the folder.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from aukit.contracts.executor import Executor
from aukit.faces.registration import Registration
from aukit.progress import Bar, Progress, Rate
from aukit.store.files import write_table

CHUNK = 256
"""Most index rows of a shard. Larger ones make fewer files, and each slower to open."""
ROW_GROUP = 64
"""Faces that are read to get at one of them."""
_LEAST, _PARTS = 64, 32
"""With fewer rows, shards are smaller, so that workers finish together."""

Item = TypeVar("Item")


def shard_path(folder: Path, number: int) -> Path:
    """Path of a shard."""
    return folder / f"part-{number:05d}.parquet"


def write_faces(path: Path, faces: pa.Table) -> None:
    """Write a shard so that single pictures can be read from it at once."""
    write_table(path, faces, ROW_GROUP, plain=["image"])


def parts_of(count: int, size: int) -> list[range]:
    """Rows 0 to `count`, cut into parts of at most `size`."""
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def write_shards(
    folder: Path,
    parts: Sequence[range],
    item_of: Callable[[range], Item],
    make: Callable[[Item], pa.Table],
    executor: Executor,
    bar: Bar,
    unit: str = "frames",
) -> None:
    """Fill a folder with shards, one per part; existing ones are kept.

    Args:
        folder: receives `part-*.parquet`.
        parts: ranges of row numbers.
        item_of: makes the input of a shard; called in this process, when needed.
        make: makes the rows of a shard; it and the items must be picklable.
        executor: runs `make`.
        bar: advanced by the rows of each part, with the rate.
        unit: name of the rows, plural.
    """
    missing = [n for n in range(len(parts)) if not shard_path(folder, n).exists()]
    bar.advance(sum(map(len, parts)) - sum(len(parts[n]) for n in missing))
    rate = Rate(unit)
    made = executor.map(make, (item_of(parts[n]) for n in missing))
    for number, table in zip(missing, made, strict=True):
        write_faces(shard_path(folder, number), table)
        rate.advance(bar, len(parts[number]))


def rows_of(table: pa.Table, part: range) -> pa.Table:
    """Rows of a table, copied, since a pickled slice would contain the whole table."""
    return table.take(list(part))


@dataclass(frozen=True)
class Registering:
    """The registered faces of index rows; the function that executors map."""

    registration: Registration

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Rows in `records.face_schema` for index rows."""
        return pa.concat_tables(list(self.registration.faces_of(rows)))


def align_rows(
    registration: Registration,
    rows: pa.Table,
    folder: Path,
    executor: Executor,
    progress: Progress,
) -> None:
    """Fill a folder with shards of registered faces for index rows."""
    size = min(CHUNK, max(_LEAST, rows.num_rows // _PARTS))
    with progress.start("align", rows.num_rows) as bar:
        write_shards(
            folder,
            parts_of(rows.num_rows, size),
            functools.partial(rows_of, rows),
            Registering(registration),
            executor,
            bar,
        )
