"""The frames of prediction tables: pooled folds, same frames, common frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from aukit.data import records
from aukit.errors import DataError
from aukit.scoring.sums import Predictions
from aukit.store.files import read_table


def pool_folds(paths: Sequence[Path | str]) -> pa.Table:
    """Pool the predictions of all folds of a cell into one table.

    Args:
        paths: Parquet files in `records.prediction_schema`, one per fold.

    Raises:
        DataError: a file is missing or damaged, the AUs differ, a frame is duplicated, or a person
            is tested in more than one fold.
    """
    tables = [read_table(Path(path)) for path in paths]
    if not tables:
        raise DataError("there are no folds to pool")
    _require_same_aus(tables)
    pooled = pa.concat_tables(tables)
    _refuse_doubled(pooled.column("id"), "the folds together")
    seen: dict[str, int] = {}
    for fold, table in enumerate(tables, 1):
        for person in sorted(set(records.person_keys(table))):
            if seen.setdefault(person, fold) != fold:
                raise DataError(
                    f"person {person} is tested in folds {seen[person]} and {fold}",
                    "each person belongs to one fold; check that these are the folds of one run",
                )
    return pooled


def require_same_frames(tables: Sequence[Predictions]) -> None:
    """Refuse tables that cannot be compared frame by frame.

    Raises:
        DataError: they differ in AUs, frames or truth, or have duplicate frames; the message says
            which.
    """
    first, *others = [_truth(table) for table in tables]
    _refuse_doubled(first.column("id"), "table 1")
    for number, other in enumerate(others, 2):
        _require_same_aus([first, other])
        if not other.column("id").equals(first.column("id")):
            _refuse_doubled(other.column("id"), f"table {number}")
            _require_same_ids(first.column("id"), other.column("id"), number)
            other = other.take(pc.index_in(first.column("id"), other.column("id")))
        _require_same_truth(first, other, number)


def shared_frames(tables: Sequence[Predictions]) -> tuple[list[pa.Table], list[int]]:
    """The frames common to all tables, e.g. of runs whose aligners dropped different frames.

    Args:
        tables: tables in `records.prediction_schema`, or their paths.

    Returns:
        the tables reduced to the common frames, and how many frames each lost.
    """
    read = [_read(table) for table in tables]
    kept = []
    for table in read:
        keep = np.ones(table.num_rows, bool)
        for other in (other for other in read if other is not table):
            there = pc.is_in(table.column("id"), other.column("id").combine_chunks())
            keep &= there.to_numpy(zero_copy_only=False)
        kept.append(table if keep.all() else table.filter(pa.array(keep)))
    return kept, [table.num_rows - part.num_rows for table, part in zip(read, kept, strict=True)]


def _read(predictions: Predictions) -> pa.Table:
    return predictions if isinstance(predictions, pa.Table) else read_table(Path(predictions))


def _truth(predictions: Predictions) -> pa.Table:
    table = _read(predictions)
    return table.select(["id", *records.au_columns(table)])


def _require_same_aus(tables: Sequence[pa.Table]) -> None:
    first = records.au_columns(tables[0])
    for number, table in enumerate(tables[1:], 2):
        if (aus := records.au_columns(table)) != first:
            raise DataError(
                f"the tables have different AUs: {', '.join(first)}; table {number}: "
                f"{', '.join(aus)}",
                "compare runs with the same --aus",
            )


def _refuse_doubled(ids: pa.ChunkedArray, what: str) -> None:
    if (doubled := len(ids) - len(ids.unique())) > 0:
        counts = pc.value_counts(ids)
        place = pc.index(pc.greater(counts.field("counts"), 1), True).as_py()
        raise DataError(
            f"{what}: {doubled} frames are duplicated, e.g. "
            f"{counts.field('values')[place].as_py()}",
            "every frame may occur only once",
        )


def _require_same_ids(first: pa.ChunkedArray, other: pa.ChunkedArray, number: int) -> None:
    for ids, allowed, where in ((first, other, number), (other, first, 1)):
        there = pc.is_in(ids, allowed.combine_chunks())
        if (missing := len(ids) - int(pc.sum(there).as_py() or 0)) > 0:
            example = ids.filter(pc.invert(there))[0].as_py()
            raise DataError(
                f"table {where} lacks {missing} of the other's frames, e.g. {example}",
                "only predictions of the same frames can be compared; "
                "aukit.scoring.frames.shared_frames leaves the others out",
            )


def _require_same_truth(first: pa.Table, other: pa.Table, number: int) -> None:
    for name in records.au_columns(first):
        ours, theirs = (table.column(name).combine_chunks() for table in (first, other))
        if not ours.equals(theirs):
            raise DataError(
                f"table {number} has a different truth of {name} for the same frames",
                "check that both were made from the same labels",
            )
