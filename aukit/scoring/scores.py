"""Scores of predictions: one table, the mean of several runs, or the difference of two groups.

All frames are pooled for each AU; `mean` is over the AUs where the score is defined. The 95 %
intervals come from a bootstrap over people (`dataset/partition/subject`). AUs with presence only
have only detection scores (`scoring.occurrence`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from aukit.contracts.metric import Metric
from aukit.errors import ConfigError, DataError
from aukit.scoring.frames import pool_folds, require_same_frames, shared_frames
from aukit.scoring.occurrence import by_kind, only_presence
from aukit.scoring.sums import Predictions, Sums, gather, schema_of
from aukit.statistics.bootstrap import Scored, bootstrap


def score_predictions(
    predictions: Predictions,
    metrics: Sequence[Metric],
    *,
    draws: int = 1000,
    seed: int = 0,
    estimate: str = "predicted",
) -> dict[str, Any]:
    """Score predictions in a streaming pass.

    Args:
        predictions: a table in `records.prediction_schema`, or the path of its Parquet file.
        metrics: the metrics; their score names must differ.
        draws: bootstrap draws; 0 leaves the intervals undefined.
        seed: seed of the bootstrap.
        estimate: which estimate to score: `predicted` (expected intensity) or `level`.

    Returns:
        JSON values: `mean` and each AU -> score name -> `value`, `low`, `high`, where None means
        undefined. With several views, `views` holds the same for each view, and `mean of views` the
        means of their values with equal weight. `people` holds for each person
        (`dataset/partition/subject`) the number of `frames`, and for `mean` and each AU -> score
        name -> `value` from that person's own frames. `presence` lists the AUs scored by presence
        only, if any.

    Raises:
        DataError: no AUs, no rows, or an estimate is missing or outside 0..5 for a coded frame.
        ConfigError: two metrics have a score of the same name.
    """
    _refuse_doubled_names(metrics)
    (chosen,) = _by_kind([predictions], metrics)
    sums = gather(predictions, chosen, estimate)
    document = _Scores([sums], chosen, draws, seed).document()
    only = only_presence(schema_of(predictions))
    return {**document, "presence": only} if only else document


def score_repeats(
    repeats: Sequence[Predictions],
    metrics: Sequence[Metric],
    *,
    draws: int = 1000,
    seed: int = 0,
    estimate: str = "predicted",
) -> dict[str, Any]:
    """The mean scores of several runs that differ only in their seed.

    A bootstrap draw uses the same people for every run. An AU's score is undefined if it is
    undefined in any run, since leaving that run out would reward it.

    Args:
        repeats: one table or path per run, all with the same frames.
        metrics, draws, seed, estimate: as in `score_predictions`.

    Returns:
        as for `score_predictions`; `value` is the mean over the runs. `spread` is the standard
        deviation over the runs (divisor n - 1), None with one run.

    Raises:
        DataError: no runs, or they differ in AUs, frames or truth; also as for `score_predictions`.
    """
    _refuse_doubled_names(metrics)
    if not repeats:
        raise DataError("there are no predictions to score")
    if len(repeats) > 1:
        require_same_frames(repeats)
    chosen = _by_kind(repeats, metrics)
    parts = [gather(part, own, estimate) for part, own in zip(repeats, chosen, strict=True)]
    return _Scores(parts, chosen[0], draws, seed, shows_spread=True).document()


def paired_difference(
    first: Sequence[Predictions],
    second: Sequence[Predictions],
    metrics: Sequence[Metric],
    *,
    draws: int = 1000,
    seed: int = 0,
    estimate: str = "predicted",
) -> dict[str, Any]:
    """The second's scores minus the first's, on the same frames.

    A bootstrap draw uses the same people on both sides, so that differences between people cancel.
    `mean` is over the AUs where the score is defined on both sides.

    Args:
        first, second: the runs of each side (one or more seeds), all with the same frames.
        metrics, draws, seed, estimate: as in `score_predictions`.

    Returns:
        as for `score_repeats`, with every `value` second minus first; `spread` is over pairs of
        runs, None if the sides have different numbers of runs.

    Raises:
        DataError: as for `score_repeats`.
    """
    _refuse_doubled_names(metrics)
    if not first or not second:
        raise DataError("a difference needs predictions on both sides")
    both = [*first, *second]
    require_same_frames(both)
    chosen = _by_kind(both, metrics)
    parts = [gather(part, own, estimate) for part, own in zip(both, chosen, strict=True)]
    return _Scores(parts, chosen[0], draws, seed, len(first), shows_spread=True).document()


def _by_kind(predictions: Sequence[Predictions], metrics: Sequence[Metric]) -> list[list[Metric]]:
    return by_kind(metrics, [schema_of(part) for part in predictions])


@dataclass(frozen=True)
class _Scores:
    """Scores of runs on the same frames.

    Attributes:
        runs: sums of each run.
        metrics, draws, seed: as for `score_predictions`.
        subtracted: number of first runs that form the first side of a difference; 0: no difference.
        shows_spread: whether entries have a `spread`.
    """

    runs: Sequence[Sums]
    metrics: Sequence[Metric]
    draws: int
    seed: int
    subtracted: int = 0
    shows_spread: bool = False

    @property
    def aus(self) -> tuple[str, ...]:
        return self.runs[0].aus

    def document(self) -> dict[str, Any]:
        """The scores over all people, per view, and per person."""
        views = self.runs[0].views
        document = self._table(None)
        if len(views) > 1:
            tables = {view: self._table(view) for view in views}
            document |= {"views": tables, "mean of views": _mean_of(list(tables.values()))}
        return {**document, "people": self._people()}

    def _table(self, view: str | None) -> dict[str, Any]:
        table: dict[str, Any] = {name: {} for name in ("mean", *self.aus)}
        for metric, sums in self._by_metric(view):
            spreads = self._spreads(metric, sums.sum(0))
            for name, scored in bootstrap(
                sums, self._formula(metric), self.draws, self.seed
            ).items():
                rows = _rows(scored)
                if self.shows_spread:
                    rows = [[*row, s] for row, s in zip(rows, spreads[name].tolist(), strict=True)]
                for unit, row in zip(("mean", *self.aus), rows, strict=True):
                    table[unit][name] = _entry(row)
        return table

    def _people(self) -> dict[str, Any]:
        names = self.runs[0].people()
        frames = self.runs[0].frames
        people: dict[str, Any] = {name: {"frames": frames[name], "mean": {}} for name in names}
        for metric, sums in self._by_metric(None):
            for score, values in self._formula(metric)(sums).items():
                rows = torch.cat([values.nanmean(-1, keepdim=True), values], -1).tolist()
                for name, row in zip(names, rows, strict=True):
                    for unit, value in zip(("mean", *self.aus), row, strict=True):
                        people[name].setdefault(unit, {})[score] = _entry([value])
        return people

    def _by_metric(self, view: str | None) -> list[tuple[Metric, Tensor]]:
        """Each metric and its (P, R, A, M) sums: people, runs, AUs, terms."""
        sums = torch.stack([run.of_people(view) for run in self.runs], dim=1)
        parts = torch.split(sums, self.runs[0].widths, dim=-1)
        return list(zip(self.metrics, parts, strict=True))

    def _formula(self, metric: Metric) -> Any:
        def formula(sums: Tensor) -> dict[str, Tensor]:
            return {name: self._together(values) for name, values in metric.value(sums).items()}

        return formula

    def _together(self, values: Tensor) -> Tensor:
        """(..., R, A) -> (..., A): the mean over the runs, or the difference of two means."""
        mean = values[..., self.subtracted :, :].mean(-2)
        return mean - values[..., : self.subtracted, :].mean(-2) if self.subtracted else mean

    def _spreads(self, metric: Metric, sums: Tensor) -> dict[str, Tensor]:
        """Score name -> (1 + A,) standard deviations over the runs, that of the mean first."""
        return {name: self._spread(values) for name, values in metric.value(sums).items()}

    def _spread(self, values: Tensor) -> Tensor:
        subtracted, runs = values[: self.subtracted], values[self.subtracted :]
        if len(runs) < 2 or len(subtracted) not in (0, len(runs)):
            return values.new_full((1 + len(self.aus),), torch.nan)
        single = runs - subtracted if len(subtracted) else runs
        # The mean is over the AUs defined in all runs, as in the corresponding value.
        known = torch.where(single.isnan().any(0), torch.nan, single)
        return torch.cat([known.nanmean(1, keepdim=True), known], 1).std(0)


def _mean_of(tables: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mean values of tables with equal weight; undefined if one of them is."""
    first = tables[0]
    return {
        unit: {name: _entry([_mean([table[unit][name] for table in tables])]) for name in scores}
        for unit, scores in first.items()
    }


def _mean(entries: Sequence[Mapping[str, float | None]]) -> float:
    values = [entry["value"] for entry in entries]
    return math.nan if None in values else sum(filter(None, values)) / len(values)


def _rows(scored: Scored) -> list[list[float]]:
    """`value`, `low`, `high` of the mean, then of each AU."""
    columns = torch.stack([scored.value, scored.low, scored.high], dim=1)
    return [[scored.mean, scored.mean_low, scored.mean_high], *columns.tolist()]


def _entry(numbers: Sequence[float]) -> Mapping[str, float | None]:
    # JSON has no NaN; null means undefined.
    named = zip(("value", "low", "high", "spread"), numbers, strict=False)
    return {key: None if number != number else number for key, number in named}


def _refuse_doubled_names(metrics: Sequence[Metric]) -> None:
    names = [name for metric in metrics for name in metric.names]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise ConfigError(f"two metrics have the score '{min(doubled)}'", "leave one of them out")


__all__ = [
    "paired_difference",
    "pool_folds",
    "score_predictions",
    "score_repeats",
    "shared_frames",
]
