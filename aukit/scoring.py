"""Scores a table of predictions: pooled over frames, with intervals over people, and per view."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from aukit import au, records
from aukit.contracts.metric import Metric
from aukit.errors import ConfigError, DataError
from aukit.statistics.bootstrap import Scored, bootstrap

_ROWS = 65_536


def score_predictions(
    predictions: pa.Table | Path | str,
    metrics: Sequence[Metric],
    *,
    draws: int = 1000,
    seed: int = 0,
    estimate: str = "predicted",
) -> dict[str, Any]:
    """Score predictions, streaming.

    All frames are pooled for each AU; `mean` is over the AUs where the score is defined. The 95 %
    intervals come from a bootstrap over people (`dataset/partition/subject`).

    Args:
        predictions: a table in `records.prediction_schema`, or the path of its Parquet file.
        metrics: what to compute; their score names differ.
        draws: bootstrap draws; 0 leaves the intervals undefined.
        seed: of the bootstrap.
        estimate: which estimate to score: `predicted` (expected intensity) or `level`.

    Returns:
        JSON values: `mean` and each AU -> score name -> `value`, `low`, `high`, where None means
        undefined. With several views, `views` holds the same for each view.

    Raises:
        DataError: no AU, no row, or an estimate that is missing or outside 0..5 for a coded frame.
        ConfigError: two metrics give a score of the same name.
    """
    _refuse_doubled_names(metrics)
    sums = _gather(predictions, metrics, estimate)
    scores = _tables(sums.of_people(), sums, metrics, draws, seed)
    if len(sums.views) > 1:
        scores["views"] = {
            view: _tables(sums.of_people(view), sums, metrics, draws, seed)
            for view in sorted(sums.views)
        }
    return scores


class _Sums:
    """Summed terms of each (view, person), growing as batches arrive."""

    def __init__(self, aus: tuple[str, ...]) -> None:
        self.aus = aus
        self.widths: list[int] = []
        self.groups: dict[tuple[str, str], Tensor] = {}

    @property
    def views(self) -> set[str]:
        return {view for view, _ in self.groups}

    def add(self, views: Sequence[str], people: Sequence[str], parts: Sequence[Tensor]) -> None:
        """Add the (N, A, M) terms of each metric to their groups."""
        self.widths = [part.shape[-1] for part in parts]
        terms = torch.cat(list(parts), dim=-1)
        keys = list(zip(views, people, strict=True))
        places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
        index = torch.tensor([places[key] for key in keys])
        totals = terms.new_zeros((len(places), *terms.shape[1:])).index_add_(0, index, terms)
        for key, place in places.items():
            before = self.groups.get(key)
            self.groups[key] = totals[place] if before is None else before + totals[place]

    def of_people(self, view: str | None = None) -> Tensor:
        """(P, A, M): the sums of each person, in one view or in all of them together."""
        people: dict[str, Tensor] = {}
        for (where, person), total in sorted(self.groups.items(), key=lambda entry: entry[0]):
            if view is None or where == view:
                people[person] = people[person] + total if person in people else total
        return torch.stack(list(people.values()))


def _gather(predictions: pa.Table | Path | str, metrics: Sequence[Metric], estimate: str) -> _Sums:
    sums: _Sums | None = None
    for batch in _batches(predictions):
        sums = sums or _Sums(records.au_columns(batch))
        truth, predicted, mask = _columns(batch, sums.aus, estimate)
        terms = [metric.terms(truth, predicted, mask) for metric in metrics]
        views = batch.column("view").fill_null("none").to_pylist()
        sums.add(views, records.person_keys(batch), terms)
    if sums is None or not sums.aus:
        raise DataError("there is nothing to score: the predictions hold no rows or no AUs")
    return sums


def _batches(predictions: pa.Table | Path | str) -> Iterator[pa.Table]:
    if isinstance(predictions, pa.Table):
        parts: Iterable[pa.RecordBatch] = predictions.to_batches(max_chunksize=_ROWS)
    else:
        # By path, not by file object: pyarrow aborts at exit otherwise (apache/arrow #34314).
        parts = pq.ParquetFile(predictions).iter_batches(batch_size=_ROWS)
    for part in parts:
        if part.num_rows:
            yield pa.Table.from_batches([part])


def _columns(batch: pa.Table, aus: tuple[str, ...], estimate: str) -> tuple[Tensor, Tensor, Tensor]:
    labels = records.labels_of(batch, aus)
    predicted = torch.stack([_estimates(batch, f"{name}_{estimate}") for name in aus], dim=1)
    wrong = labels.mask & ~((predicted >= 0) & (predicted <= au.MAX_LEVEL))
    if wrong.any():
        row, place = (int(entry) for entry in wrong.nonzero()[0])
        raise DataError(
            f"the estimate of {aus[place]} for frame {batch.column('id')[row].as_py()} is "
            f"{predicted[row, place]:g}, not an intensity in 0..5",
            "every coded frame needs an estimate on the scale 0..5",
        )
    return labels.values.to(torch.float64), predicted, labels.mask


def _estimates(batch: pa.Table, name: str) -> Tensor:
    if name not in batch.column_names:
        raise DataError(f"the predictions have no column '{name}'")
    column = batch.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return torch.from_numpy(np.array(column, np.float64))


def _refuse_doubled_names(metrics: Sequence[Metric]) -> None:
    names = [name for metric in metrics for name in metric.names]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise ConfigError(f"two metrics give the score '{min(doubled)}'", "leave one of them out")


def _tables(
    people: Tensor, sums: _Sums, metrics: Sequence[Metric], draws: int, seed: int
) -> dict[str, Any]:
    table: dict[str, Any] = {name: {} for name in ("mean", *sums.aus)}
    for metric, part in zip(metrics, torch.split(people, sums.widths, dim=-1), strict=True):
        for name, scored in bootstrap(part, metric.value, draws, seed).items():
            _enter(table, sums.aus, name, scored)
    return table


def _enter(table: dict[str, Any], aus: tuple[str, ...], name: str, scored: Scored) -> None:
    table["mean"][name] = _entry(scored.mean, scored.mean_low, scored.mean_high)
    columns = (scored.value.tolist(), scored.low.tolist(), scored.high.tolist())
    for unit, value, low, high in zip(aus, *columns, strict=True):
        table[unit][name] = _entry(value, low, high)


def _entry(value: float, low: float, high: float) -> Mapping[str, float | None]:
    # JSON has no NaN: undefined is null there.
    named = {"value": value, "low": low, "high": high}
    return {key: None if np.isnan(entry) else entry for key, entry in named.items()}
