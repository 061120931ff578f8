"""Summarizes the finished runs of a comparison as `comparison.json`.

| key | content |
|---|---|
| `title`, `folder`, `command`, `baseline` | title, folder, command and baseline cell |
| `axes` | names of the axes, in order |
| `metrics`, `lower_is_better` | names of the scores, and those for which lower is better |
| `aus` | AU columns that at least one cell scores |
| `cells` | one entry per cell, see below |
| `notes` | notes on the numbers: failures, frames left out |

A cell has `label`, `choices` (axis -> value), `status` (`finished`, `partial`, `failed`), `run`
(its first run's folder), `runs` (`seed`, `fold`, `run`, `status`, `error`, `cost` of each),
`scores` (of `aukit.scoring.scores.score_repeats`), `yardstick` (`estimator` and `scores` of the
simple estimator fitted beside), `frames`, `difference` (of
`aukit.scoring.scores.paired_difference` with the baseline), `compared` (common `frames`, and how
many each side left out), `published`, `card` (of its first run's synthesizer) and `cost`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aukit.comparison.grid import Cell, Trial
from aukit.config.choice import make
from aukit.contracts.context import Context
from aukit.contracts.metric import Metric
from aukit.errors import DataError
from aukit.registry.loading import resolve_weights
from aukit.runs.folder import read_cost
from aukit.runs.names import CARD, PREDICT_YARDSTICK, PREDICTIONS
from aukit.runs.results import read_stages
from aukit.scoring.scores import paired_difference, pool_folds, score_repeats, shared_frames
from aukit.store.files import read_document, read_table
from aukit.store.stages import STAGE_FILE

if TYPE_CHECKING:
    import pyarrow as pa

    from aukit.comparison.planned import Comparison

FINISHED, PARTIAL, FAILED = "finished", "partial", "failed"


@dataclass
class _Scored:
    """A cell with its entry.

    Attributes:
        cell: the cell.
        entry: its entry in `comparison.json`.
        tables: predictions of each complete seed, all with the same frames.
    """

    cell: Cell
    entry: dict[str, Any]
    tables: list[pa.Table] = field(default_factory=list)


def summarize(comparison: Comparison, errors: Mapping[str, str]) -> dict[str, Any]:
    """Scores, paired differences and costs of all cells.

    Args:
        comparison: comparison whose runs have ended.
        errors: name of each failed trial -> reason.
    """
    return _Summary(comparison, errors).document()


class _Summary:
    def __init__(self, comparison: Comparison, errors: Mapping[str, str]) -> None:
        self.comparison = comparison
        self.errors = errors
        config = comparison.trials[0].config
        context = Context("cpu", config.options.seed, resolve_weights)
        self.metric: Metric = make(config.need("metric"), context)
        self.draws, self.seed = config.options.draws, config.options.seed
        self.notes: list[str] = []

    def document(self) -> dict[str, Any]:
        comparison = self.comparison
        scored = [self._scored(cell) for cell in comparison.cells]
        baseline = next(one for one in scored if one.cell is comparison.baseline)
        for one in scored:
            if one is not baseline:
                one.entry |= self._difference(baseline, one)
        entries = [one.entry for one in scored]
        coded = {name for one in entries for name in one["scores"] or {} if name.startswith("AU")}
        self.notes += not_shown(comparison, self.metric.names)
        return {
            "title": comparison.definition.title,
            "folder": str(comparison.folder),
            "command": (comparison.folder / "command.txt").read_text(encoding="utf-8").strip(),
            "baseline": comparison.baseline.label,
            "axes": _axes(comparison.cells),
            "metrics": list(self.metric.names),
            "lower_is_better": sorted(getattr(self.metric, "lower_is_better", ())),
            "published_metric": comparison.definition.metric,
            "aus": sorted(coded),
            "cells": entries,
            "notes": self.notes,
        }

    def _scored(self, cell: Cell) -> _Scored:
        runs = [self._run(trial) for trial in self.comparison.of_cell(cell)]
        good = [run for run in runs if run["status"] == FINISHED]
        status = FINISHED if len(good) == len(runs) else PARTIAL if good else FAILED
        entry = {
            "label": cell.label,
            "choices": dict(cell.choices),
            "status": status,
            "run": (good or runs)[0]["run"],
            "runs": runs,
            "scores": None,
            "yardstick": None,
            "frames": 0,
            "difference": None,
            "compared": None,
            "published": dict(self.comparison.definition.published.get(cell.label, {})),
            "card": _card(good),
            "cost": _total([run["cost"] for run in runs]),
        }
        for run in runs:
            if run["error"]:
                self.notes.append(f"{cell.label}, seed {run['seed']}: {run['error']}")
        scored = _Scored(cell, entry)
        self._score(scored)
        return scored

    def _run(self, trial: Trial) -> dict[str, Any]:
        folder = self.comparison.place(trial)
        finished = self.comparison.is_finished(trial)
        return {
            "seed": trial.seed,
            "fold": trial.fold,
            "run": str(folder),
            "status": FINISHED if finished else FAILED,
            "error": None if finished else self.errors.get(trial.name, "was not run"),
            "cost": _cost(folder),
        }

    def _score(self, scored: _Scored) -> None:
        """Score the complete seeds of a cell; problems become notes."""
        if not self.comparison.of_cell(scored.cell)[0].config.estimates:
            self._say(scored, "has no estimator: there are no scores")
            return
        try:
            tables = list(_tables(scored.entry["runs"], _predictions))
            if not tables:
                return
            scored.tables, lost = shared_frames(tables)
            if any(lost):
                self._say(
                    scored,
                    f"its runs have different frames; up to {max(lost)} of a run are left out",
                )
            scored.entry["scores"] = score_repeats(
                scored.tables, [self.metric], draws=self.draws, seed=self.seed
            )
            scored.entry["frames"] = scored.tables[0].num_rows
            scored.entry["yardstick"] = self._yardstick(scored)
        except DataError as error:
            scored.tables = []
            self._say(scored, str(error))

    def _yardstick(self, scored: _Scored) -> dict[str, Any] | None:
        """The mean scores of the simple estimator; None if a run has none."""
        choice = self.comparison.of_cell(scored.cell)[0].config.yardstick
        tables = list(_tables(scored.entry["runs"], _yardstick_predictions))
        if choice is None or not tables:
            return None
        scores = score_repeats(
            shared_frames(tables)[0], [self.metric], draws=self.draws, seed=self.seed
        )
        return {"estimator": choice.component.name, "scores": {"mean": scores["mean"]}}

    def _say(self, scored: _Scored, what: str) -> None:
        self.notes.append(f"{scored.cell.label}: {what}")

    def _difference(self, baseline: _Scored, other: _Scored) -> dict[str, Any]:
        """`difference` and `compared` of a cell, on the common frames."""
        if not baseline.tables or not other.tables:
            return {}
        both, lost = shared_frames([*baseline.tables, *other.tables])
        count = len(baseline.tables)
        compared = {
            "frames": both[0].num_rows,
            "left_out": lost[count],
            "left_out_of_baseline": lost[0],
        }
        if compared["frames"] == 0:
            self._say(other, f"shares no frames with {baseline.cell.label}: no difference")
            return {"compared": compared}
        if lost[0] or lost[count]:
            self._say(other, _left_out(compared, baseline.cell.label))
        try:
            found = paired_difference(
                both[:count], both[count:], [self.metric], draws=self.draws, seed=self.seed
            )
        except DataError as error:
            self._say(other, f"not compared with {baseline.cell.label}: {error}")
            return {"compared": compared}
        return {"difference": found, "compared": compared}


def not_shown(comparison: Comparison, scores: Sequence[str]) -> Iterator[str]:
    """Notes on published numbers that cannot be shown."""
    definition = comparison.definition
    labels = {cell.label for cell in comparison.cells}
    if others := [f"'{name}'" for name in definition.published if name not in labels]:
        yield f"published numbers of {', '.join(others)} are not shown: there is no such cell"
    if definition.published and definition.metric not in scores:
        known = ", ".join(scores)
        yield f"published numbers are for '{definition.metric}', which is not one of: {known}"


def _left_out(compared: Mapping[str, int], baseline: str) -> str:
    return (
        f"the difference to {baseline} is over the {compared['frames']} common frames; "
        f"{compared['left_out']} of this cell and {compared['left_out_of_baseline']} of {baseline} "
        "are left out"
    )


def _axes(cells: Sequence[Cell]) -> list[str]:
    return list(dict.fromkeys(axis for cell in cells for axis in cell.choices))


def _tables(
    runs: Sequence[Mapping[str, Any]], predictions: Callable[[Path], Path | None]
) -> Iterator[pa.Table]:
    """The predictions of each seed with all folds finished, pooled over folds.

    Args:
        runs: the `runs` of a cell.
        predictions: run folder -> file of predictions, None if there is none.
    """
    for seed in dict.fromkeys(run["seed"] for run in runs):
        own = [run for run in runs if run["seed"] == seed]
        if all(run["status"] == FINISHED for run in own):
            paths = [path for run in own if (path := predictions(Path(run["run"])))]
            if len(paths) == len(own):
                yield read_table(paths[0]) if len(paths) == 1 else pool_folds(paths)


def _predictions(folder: Path) -> Path:
    return folder / PREDICTIONS


def _yardstick_predictions(folder: Path) -> Path | None:
    found = read_stages(folder).get(PREDICT_YARDSTICK)
    path = None if found is None else found.folder / PREDICTIONS
    return path if path is not None and path.is_file() else None


def _card(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The score card of the first run that has one."""
    for run in runs:
        if (path := Path(run["run"]) / CARD).is_file():
            return read_document(path)
    return None


def _cost(folder: Path) -> dict[str, float | None]:
    """`wall_s` and `cpu_s` of a run here, `alone_s` if no stage were reused, `gpu_h` (None without
    GPU)."""
    cost = read_cost(folder)
    wall = cost.get("wall_s")
    on_gpu = str(cost.get("device", "")).startswith("cuda")
    return {
        "wall_s": wall,
        "cpu_s": cost.get("cpu_s"),
        "alone_s": _alone(folder),
        "gpu_h": round(wall / 3600, 3) if wall is not None and on_gpu else None,
    }


def _alone(folder: Path) -> float | None:
    places = {result.folder for result in read_stages(folder).values()}
    if not places:
        return None
    files = [place / STAGE_FILE for place in places if (place / STAGE_FILE).is_file()]
    seconds = [read_document(file)["seconds"] for file in files]
    return round(float(sum(seconds)), 1)


def _total(costs: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """Sum over the runs; None if unknown for all."""
    total: dict[str, float | None] = {}
    for name in costs[0]:
        known = [value for cost in costs if (value := cost[name]) is not None]
        total[name] = round(sum(known), 3) if known else None
    return total
