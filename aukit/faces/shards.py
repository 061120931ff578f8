"""Faces in shards: one Parquet file a part of some rows, made by an executor.

What makes a shard gets all that it works on with its item, and returns the rows: the files are
written here. So workers may run on other machines, and need not see the folder.
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
"""Most index rows of a shard."""
_LEAST, _PARTS = 64, 32
"""Fewer rows make smaller shards, so that workers finish together."""

Item = TypeVar("Item")


def shard_path(folder: Path, number: int) -> Path:
    """Path of a shard."""
    return folder / f"part-{number:05d}.parquet"


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
    """Fill a folder with shards, one a part; those that are there stay.

    Args:
        folder: gets `part-*.parquet`.
        parts: of some rows.
        item_of: what a shard is made of; called in this process, when its turn comes.
        make: makes the rows of a shard; it and the items can be pickled.
        executor: runs `make`.
        bar: advanced by the rows of each part, and told how many there are a second.
        unit: what a row is, in the plural.
    """
    missing = [n for n in range(len(parts)) if not shard_path(folder, n).exists()]
    bar.advance(sum(map(len, parts)) - sum(len(parts[n]) for n in missing))
    rate = Rate(unit)
    made = executor.map(make, (item_of(parts[n]) for n in missing))
    for number, table in zip(missing, made, strict=True):
        write_table(shard_path(folder, number), table)
        rate.advance(bar, len(parts[number]))


def rows_of(table: pa.Table, part: range) -> pa.Table:
    """Some rows of a table; a pickled slice would take the whole table along."""
    return table.take(list(part))


@dataclass(frozen=True)
class Registering:
    """The registered faces of index rows; the function that executors map."""

    registration: Registration

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Rows in `records.face_schema`, for rows of the index."""
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
