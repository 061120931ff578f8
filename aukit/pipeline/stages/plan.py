"""The plan stage: a balancer chooses the training set from the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from aukit.config.choice import Choice, named
from aukit.contracts.balancer import Balancer
from aukit.data.kinds import au_kinds, with_kinds
from aukit.faces.stored import read_rows
from aukit.pipeline.stage import Stage
from aukit.pipeline.stages.training_set import check_plan, in_turn, label_table
from aukit.pipeline.work import Work
from aukit.runs.names import PLAN
from aukit.seeds import seed_of
from aukit.store.files import write_table
from aukit.store.stages import Result


@dataclass(frozen=True)
class Plan(Stage):
    """A balancer's plan for the training set.

    Attributes:
        balancer: the component.
        faces: training faces.
        paint: faces that may be synthesized from; the training faces unless role synth-paint
            differs.
        aus: the AUs to balance.
        seed: seed of the run.
        views: names of the sides that are planned one by one; none: the plan says nothing of them.
    """

    name: ClassVar[str] = "plan"
    balancer: Choice
    faces: Result
    paint: Result
    aus: tuple[str, ...]
    seed: int
    views: tuple[str, ...] = ()

    def compute(self, folder: Path, work: Work) -> None:
        """Write `plan.parquet` in `records.plan_schema`, with views a column `view` more."""
        labels = label_table(read_rows(self.faces.folder), self.aus)
        sources = labels
        if self.paint != self.faces:
            sources = label_table(read_rows(self.paint.folder), self.aus)
        balancer: Balancer = work.make(self.balancer, self.seed)
        with work.progress.start("plan"):
            plan = planned(
                self.balancer, balancer, labels, sources, self.aus, self.seed, self.views
            )
        write_table(folder / PLAN, plan, row_group=65536)


def planned(
    choice: Choice,
    balancer: Balancer,
    labels: pa.Table,
    sources: pa.Table,
    aus: tuple[str, ...],
    seed: int,
    views: Sequence[str] = (),
) -> pa.Table:
    """A balancer's plan, checked against its contract.

    Args:
        choice: names the balancer in errors.
        balancer: the component.
        labels, sources: `label_table` of training faces, and of faces that may be synthesized.
        aus: the AUs to balance.
        seed: seed of the run.
        views: names of the sides that are planned one by one.

    Raises:
        PluginError: the plan breaks the contract.
        LeakageError: it uses faces that are not training faces.
    """
    ids = [table.column("id").to_pylist() for table in (labels, sources)]

    def one(seed: int) -> pa.Table:
        with named(choice, "plan"):
            plan = balancer.plan(labels, sources, aus, seed)
        check_plan(plan, aus, *ids)
        return with_kinds(plan, au_kinds(labels))

    if not views:
        return one(seed)
    return in_turn({view: one(seed_of(seed, "view", view)) for view in views})
