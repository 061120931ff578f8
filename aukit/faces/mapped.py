"""Rows of stored faces without their pictures, in a memory-mapped file."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from aukit.data.records import OK
from aukit.store.files import open_parquet, read_schema, readable

LEAST = 1 << 14
"""Least rows of a batch in the file: a table of many small ones is slow."""


class MappedRows:
    """The usable rows of some shards, without pictures: what is not in use takes no memory.

    Args:
        parts: shards in `records.face_schema`.
        partition: only rows of this partition; None takes all.

    Attributes:
        table: the rows.
        places: of each shard, int32, where its usable rows are.
    """

    def __init__(self, parts: Sequence[Path], partition: str | None) -> None:
        self.places: list[np.ndarray] = []
        schema = pa.unify_schemas([_plain(read_schema(path)) for path in parts])
        found = (self._usable(path, partition) for path in parts)
        self.table = _mapped(self, schema, _joined(schema, found))

    def take(self, places: Sequence[int], columns: list[str] | None = None) -> pa.Table:
        """Rows in the order of their places; `pa.Table.take` may join all batches for it first.

        Args:
            places: of the rows.
            columns: theirs that are wanted; None for all.
        """
        table = self.table if columns is None else self.table.select(columns)
        wanted = np.asarray(places, np.int64)
        batches = table.to_batches()
        ends = np.cumsum([batch.num_rows for batch in batches])
        numbers = np.searchsorted(ends, wanted, side="right")
        parts = [table.slice(0, 0)]
        order = [np.zeros(0, np.int64)]
        for number in np.unique(numbers):
            order.append(np.flatnonzero(numbers == number))
            batch = batches[number]
            rows = wanted[order[-1]] - (ends[number] - batch.num_rows)
            parts.append(pa.table(batch.take(pa.array(rows))))
        return pa.concat_tables(parts).take(pa.array(np.argsort(np.concatenate(order))))

    def _usable(self, path: Path, partition: str | None) -> pa.Table:
        with readable(path):
            file = open_parquet(path)
            table = file.read(columns=_plain(file.schema_arrow).names)
        keep = pc.equal(table.column("status"), OK)
        if partition is not None:
            same = pc.equal(table.column("partition"), partition)
            keep = pc.and_(keep, pc.fill_null(same, False))
        self.places.append(np.flatnonzero(keep.to_numpy()).astype(np.int32))
        return table.filter(keep)


def _plain(schema: pa.Schema) -> pa.Schema:
    return schema.remove(schema.get_field_index("image"))


def _joined(schema: pa.Schema, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in a few large tables of one chunk and one schema."""
    waiting = [schema.empty_table()]
    for table in tables:
        waiting.append(table)
        if sum(one.num_rows for one in waiting) >= LEAST:
            yield pa.concat_tables(waiting, promote_options="default").combine_chunks()
            waiting = [schema.empty_table()]
    yield pa.concat_tables(waiting, promote_options="default").combine_chunks()


def _mapped(owner: object, schema: pa.Schema, tables: Iterable[pa.Table]) -> pa.Table:
    """Tables written to a file that is mapped: the system keeps in memory what fits."""
    scratch = tempfile.TemporaryDirectory(prefix="aukit-rows-")
    path = str(Path(scratch.name) / "rows.arrow")
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for table in tables:
            writer.write_table(table)
    mapped = pa.ipc.open_file(pa.memory_map(path)).read_all()
    if os.name == "posix":
        scratch.cleanup()  # the mapping keeps the pages; a killed process leaves no file behind
    else:
        weakref.finalize(owner, scratch.cleanup)
    return mapped
