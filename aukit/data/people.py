"""Who is in a dataset, and which of them are for training, validation and test."""

from __future__ import annotations

import pyarrow as pa

from aukit.data import folds
from aukit.data.records import person_keys


def assigned(index: pa.Table, fold: str, seed: int = 0) -> pa.Table:
    """An index whose people have the partitions that a fold gives them.

    Args:
        index: in `records.index_schema`.
        fold: as `folds.parse` takes it: `disfa:1`, `1/5`; `none` changes nothing.
        seed: of folds that are made here, and of the choice of validation people.

    Raises:
        ConfigError: it is no fold's name.
        DataError: the fold does not fit the people.
    """
    parsed = folds.parse(fold)
    if parsed is None:
        return index
    keys = person_keys(index)
    people = dict(zip(keys, index.column("subject").to_pylist(), strict=True))
    parts = folds.divide(parsed, people, {}, seed)
    position = index.column_names.index("partition")
    column = pa.array([parts[key] for key in keys], pa.string())
    return index.set_column(position, index.schema.field(position), column)
