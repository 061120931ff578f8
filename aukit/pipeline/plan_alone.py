"""Computes a training plan and its label distribution from labels only, without pixels.

The plan equals that of a run with the same settings, except for frames whose face cannot be
registered: a run drops these before planning.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from aukit.config.choice import make, named
from aukit.config.run import Role, RunConfig
from aukit.contracts.balancer import Balancer
from aukit.contracts.context import Context
from aukit.contracts.dataset import Dataset
from aukit.data.folds import parse
from aukit.data.records import (
    OK,
    REAL,
    TRAIN,
    check_index,
    labels_of,
    partition_rows,
    person_keys,
    view_rows,
)
from aukit.errors import DataError
from aukit.pipeline.stages.fold import division, is_divided
from aukit.pipeline.stages.index import choose_aus, coding_roles, refuse_mixed_kinds
from aukit.pipeline.stages.plan import planned
from aukit.pipeline.stages.training_set import label_table, synthetic_requests
from aukit.registry.loading import resolve_weights
from aukit.report.data import Distribution
from aukit.report.plan import PlanPage, write_plan_page
from aukit.runs.names import PLAN
from aukit.statistics.levels import label_counts, level_uses
from aukit.store.files import write_aside, write_table
from aukit.store.owned import Output

PAGE, CSV = "plan.html", "plan.csv"


@dataclass(frozen=True)
class Planned:
    """A plan and its inputs.

    Attributes:
        aus: AU columns, length A.
        people, frames: number of training people and of their frames.
        plan: table in `records.plan_schema`.
        views: views per synthetic face; 1 if shown as synthesized.
        distribution: coded frames at each level, and uses in the plan over all views.
        painted: distinct faces to synthesize.
    """

    aus: tuple[str, ...]
    people: int
    frames: int
    plan: pa.Table
    views: int
    distribution: Distribution
    painted: int

    @property
    def facts(self) -> dict[str, str]:
        """Label -> count, for display."""
        found = {
            "training people": self.people,
            "training frames": self.frames,
            "rows of the plan": self.plan.num_rows,
            "uses": int(self.distribution.after.sum()),
        }
        if self.painted:
            found |= {"faces to synthesize": self.painted, "views of each": self.views}
        return {name: f"{count:,}" for name, count in found.items()}

    @property
    def notes(self) -> list[str]:
        """Warnings: levels that the training sets lack."""
        found = []
        for place, (name, uses) in enumerate(zip(self.aus, self.distribution.after, strict=True)):
            codes = uses[: self.distribution.top(place) + 1]
            if lacking := [str(level) for level in np.flatnonzero(codes == 0)]:
                found.append(f"{name}: no faces at level {', '.join(lacking)}")
        return found


def plan_alone(config: RunConfig) -> Planned:
    """Compute the plan of a configuration from the datasets' labels.

    Raises:
        AukitError: the configuration cannot be planned.
    """
    labels_known = _Labels(config)
    aus = labels_known.aus()
    rows = labels_known.rows("train")
    labels = label_table(rows, aus)
    painted = config.components["synth"] is not None
    sources = label_table(labels_known.rows("synth-paint"), aus) if painted else labels
    choice = config.need("balancer")
    balancer: Balancer = make(choice, labels_known.context)
    options = config.options
    plan = planned(choice, balancer, labels, sources, aus, options.seed, options.planned_views)
    views = 1 if options.per_view else max(1, len(options.shown_views))
    known = labels_of(labels, aus)
    before = label_counts(known)
    return Planned(
        aus=aus,
        people=len(set(person_keys(rows))),
        frames=labels.num_rows,
        plan=plan,
        views=views,
        distribution=Distribution(aus, before, _uses(plan, aus, views), known.tops),
        painted=synthetic_requests(plan, aus).num_rows,
    )


def _uses(plan: pa.Table, aus: tuple[str, ...], views: int) -> np.ndarray[tuple[int, int]]:
    """(A, 6) uses at each level; synthetic faces count once per view."""
    real = pc.equal(plan.column("origin"), REAL)
    synthetic = level_uses(plan.filter(pc.invert(real)), aus)
    return level_uses(plan.filter(real), aus) + views * synthetic


class _Labels:
    """Training rows of the roles of a configuration, without registration."""

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self.context = Context("cpu", config.options.seed, resolve_weights)
        self._datasets: dict[str, tuple[Dataset, pa.Table]] = {}

    def aus(self) -> tuple[str, ...]:
        """The AUs that a run would estimate."""
        names = coding_roles(self.config)
        known = {name: self._dataset(self.config.roles[name]) for name in names}
        aus = choose_aus(self.config.options.aus, [data.aus for data, _ in known.values()])[0]
        refuse_mixed_kinds({n: index for n, (_, index) in known.items() if n != "test"}, aus)
        return aus

    def rows(self, name: str) -> pa.Table:
        """A role's frames of training people, as if all had been registered."""
        role, options = self.config.roles[name], self.config.options
        index = self._dataset(role)[1]
        fold = parse(options.fold)
        if fold is None:
            found = partition_rows(index, TRAIN)
        else:
            train = self._dataset(self.config.roles["train"])[1]
            found = _rows_of_fold(index, division(train, fold, options.fold_seed), name)
        found = view_rows(found, role.views)
        if found.num_rows == 0:
            data = role.data.component.name
            raise DataError(f"dataset '{data}' has no training people", f"role {name} needs some")
        return found.append_column("status", pa.repeat(OK, found.num_rows))

    def _dataset(self, role: Role) -> tuple[Dataset, pa.Table]:
        key = str(role.data.to_json())
        if key not in self._datasets:
            dataset: Dataset = make(role.data, self.context)
            with named(role.data, "index"):
                index = dataset.index()
            check_index(index)
            self._datasets[key] = dataset, index
        return self._datasets[key]


def _rows_of_fold(index: pa.Table, divided: dict[str, str], role: str) -> pa.Table:
    """Training frames in a fold; people outside the fold keep their partition."""
    if not is_divided(index, divided, role):
        return partition_rows(index, TRAIN)
    return index.filter(pa.array([divided[person] == TRAIN for person in person_keys(index)]))


def write_plan(
    planned: Planned, folder: Path, title: str, command: str, *, csv: bool = False
) -> Path:
    """Write `plan.parquet`, `plan.html` and optionally `plan.csv` into a folder.

    Args:
        planned: the plan.
        folder: created if missing.
        title: heading of the page.
        command: command line that reproduces the plan.
        csv: whether to write the table as CSV too.

    Returns:
        path of the page.

    Raises:
        ConfigError: the folder holds files of these names that aukit did not make.
        StorageError: the folder cannot be written.
    """
    page = PlanPage(title, command, planned.facts, planned.notes, planned.distribution)
    with Output(folder).writing(names_of(csv)):
        write_table(folder / PLAN, planned.plan, row_group=65536)
        if csv:
            from pyarrow.csv import write_csv

            with write_aside(folder / CSV) as aside:
                write_csv(planned.plan, aside)
        write_plan_page(page, folder / PAGE)
    return folder / PAGE


def names_of(csv: bool) -> list[str]:
    """Names of the files that `write_plan` writes."""
    return [PLAN, PAGE, *([CSV] if csv else [])]
