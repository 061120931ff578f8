"""Assigns the people of a dataset to training, validation and test."""

from __future__ import annotations

import pyarrow as pa

from aukit.data import folds
from aukit.data.records import person_keys


def assigned(index: pa.Table, fold: str, seed: int = 0) -> pa.Table:
    """An index with the partitions of a fold.

    Args:
        index: table in `records.index_schema`.
        fold: name of a fold for `folds.parse`, e.g. `disfa:1` or `1/5`; `none` changes nothing.
        seed: seed of random folds and of the choice of validation people.

    Raises:
        ConfigError: it is not the name of a fold.
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
