"""Sums over tables of predictions, from which all scores are computed, in one streaming pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from aukit import au
from aukit.contracts.metric import Metric
from aukit.data import records
from aukit.data.kinds import estimate_kinds, occurrences
from aukit.errors import DataError
from aukit.store.files import read_batches, read_schema

Predictions: TypeAlias = pa.Table | Path | str
"""A table in `records.prediction_schema`, or the path of its Parquet file."""

_ROWS = 8_192


class Sums:
    """Summed terms per (view, person), accumulated over batches.

    Args:
        aus: AU columns, in the order of the terms.

    Attributes:
        widths: number of terms per metric.
        frames: number of rows per person, coded or not.
    """

    def __init__(self, aus: tuple[str, ...]) -> None:
        self.aus = aus
        self.widths: list[int] = []
        self.frames: dict[str, int] = {}
        self._groups: dict[tuple[str, str], Tensor] = {}

    @property
    def views(self) -> list[str]:
        """The views, sorted."""
        return sorted({view for view, _ in self._groups})

    def people(self, view: str | None = None) -> list[str]:
        """The people seen in a view, or anywhere, sorted."""
        return sorted({person for where, person in self._groups if view in (None, where)})

    def add(self, batch: pa.Table, parts: Sequence[Tensor]) -> None:
        """Add the (N, A, M) terms of each metric for the N rows of a batch."""
        self.widths = [part.shape[-1] for part in parts]
        terms = torch.cat(list(parts), dim=-1)
        keys, index = _groups(batch)
        totals = terms.new_zeros((len(keys), *terms.shape[1:])).index_add_(0, index, terms)
        for place, (key, rows) in enumerate(zip(keys, index.bincount().tolist(), strict=True)):
            before = self._groups.get(key)
            self._groups[key] = totals[place] if before is None else before + totals[place]
            self.frames[key[1]] = self.frames.get(key[1], 0) + rows

    def of_people(self, view: str | None = None) -> Tensor:
        """(P, A, M): the sums of each of `people`, in one view or over all views."""
        people: dict[str, Tensor] = {}
        for (where, person), total in sorted(self._groups.items(), key=lambda entry: entry[0]):
            if view in (None, where):
                people[person] = people[person] + total if person in people else total
        return torch.stack([people[name] for name in sorted(people)])


def _groups(batch: pa.Table) -> tuple[list[tuple[str, str]], Tensor]:
    """The (view, person) pairs of a batch, and the pair index of each row."""
    views = batch.column("view").fill_null("none").combine_chunks()
    both = pc.binary_join_element_wise(views, pa.array(records.person_keys(batch)), "\0")
    encoded = both.dictionary_encode()
    keys = [tuple(key.split("\0")) for key in encoded.dictionary.to_pylist()]
    return keys, torch.from_numpy(encoded.indices.to_numpy().astype(np.int64))


def gather(predictions: Predictions, metrics: Sequence[Metric], estimate: str) -> Sums:
    """Sum up a table of predictions.

    Args:
        predictions: the table, or its path.
        metrics: metrics whose terms are summed.
        estimate: which estimate to use: `predicted` (expected intensity) or `level`.

    Raises:
        DataError: no AUs, no rows, or an estimate is missing or outside 0..5 for a coded frame.
    """
    sums: Sums | None = None
    for batch in batches(predictions):
        sums = sums or Sums(records.au_columns(batch))
        truth, predicted, mask = _columns(batch, sums.aus, estimate)
        sums.add(batch, [metric.terms(truth, predicted, mask) for metric in metrics])
    if sums is None or not sums.aus:
        raise DataError("nothing to score: the predictions have no rows or no AUs")
    return sums


def schema_of(predictions: Predictions) -> pa.Schema:
    """The schema of a table of predictions, with the kinds of AUs."""
    if isinstance(predictions, pa.Table):
        return predictions.schema
    return read_schema(Path(predictions))


def batches(predictions: Predictions) -> Iterator[pa.Table]:
    """The rows in batches of bounded size, without empty ones."""
    if isinstance(predictions, pa.Table):
        parts: Iterable[pa.RecordBatch] = predictions.to_batches(max_chunksize=_ROWS)
    else:
        parts = read_batches(Path(predictions), _ROWS)
    for part in parts:
        if part.num_rows:
            yield pa.Table.from_batches([part])


def _columns(batch: pa.Table, aus: tuple[str, ...], estimate: str) -> tuple[Tensor, Tensor, Tensor]:
    labels = records.labels_of(batch, aus)
    predicted = torch.stack([_estimates(batch, f"{name}_{estimate}") for name in aus], dim=1)
    known = occurrences(estimate_kinds(batch))
    tops = torch.tensor([1.0 if name in known else au.MAX_LEVEL for name in aus])
    wrong = labels.mask & ~((predicted >= 0) & (predicted <= tops))
    if wrong.any():
        row, place = (int(entry) for entry in wrong.nonzero()[0])
        raise DataError(
            f"the estimate of {aus[place]} for frame {batch.column('id')[row].as_py()} is "
            f"{predicted[row, place]:g}, not in 0..{tops[place]:g}",
            "every coded frame needs an estimate: an intensity in 0..5, or a probability",
        )
    return labels.values.to(torch.float64), predicted, labels.mask


def _estimates(batch: pa.Table, name: str) -> Tensor:
    if name not in batch.column_names:
        raise DataError(f"the predictions have no column '{name}'")
    column = batch.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return torch.from_numpy(np.array(column, np.float64))
