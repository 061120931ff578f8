"""Runs the stages of one run: each result is reused if stored, else computed and stored."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from aukit import faults
from aukit.pipeline import house_rules
from aukit.pipeline.stage import Stage
from aukit.pipeline.together import announce
from aukit.pipeline.work import Work
from aukit.runs.folder import Run
from aukit.store.stages import Result, Stages


@dataclass(frozen=True)
class Explained:
    """Why a stage was computed or reused.

    Attributes:
        label: the run's name for the stage.
        made: whether it was computed now; otherwise it was reused.
        differs: fields in which the nearest stored result differs; None if there was none.
        again: whether it was recomputed although it was stored.
    """

    label: str
    made: bool
    differs: tuple[str, ...] | None = None
    again: bool = False

    @property
    def because(self) -> str:
        """The reason in words."""
        if not self.made:
            return "same key"
        if self.again:
            return "recomputation requested, for it or for one of its inputs"
        if self.differs is None:
            return "no result of this stage is stored"
        return f"the nearest stored result differs in {', '.join(self.differs)}"


class Runner:
    """Runs stages for a run, notifies observers, and records reasons.

    Args:
        run: the run.
        store: store of results.
        work: what the stages share.
        redo: names of stages to recompute, with all that follow, even if stored.
    """

    def __init__(self, run: Run, store: Stages, work: Work, redo: Collection[str] = ()) -> None:
        self.run = run
        self.store = store
        self.work = work
        self.explained: list[Explained] = []
        self._redo = frozenset(redo)
        self._redone: set[str] = set()

    def result(self, stage: Stage, label: str | None = None) -> Result:
        """The result of a stage, computed unless stored.

        Args:
            stage: the stage.
            label: the run's name for it, e.g. `align-train`; the stage's own name if None.
        """
        label, document = label or stage.name, stage.document()
        again = self._is_redone(stage, self.store.key(stage.name, document))
        differs = self.store.nearest(stage.name, document)
        try:
            result, made = self.store.run(
                stage.name,
                document,
                lambda folder: self._compute(stage, label, folder),
                again=again,
            )
        except BaseException as error:
            self.run.event("failed", label, error=faults.reason(error))
            self.run.observers.tell("stage_failed", run=self.run, stage=label, error=error)
            raise
        self.explained.append(Explained(label, made, differs, again))
        self.run.event("finished" if made else "found", label, because=self.explained[-1].because)
        if made:
            self.run.observers.tell(
                "stage_finished", run=self.run, stage=label, result=result.folder
            )
        self.run.stage_done(label, result)
        return result

    def _compute(self, stage: Stage, label: str, folder: Path) -> None:
        self.run.event("started", label)
        self.run.observers.tell("stage_started", run=self.run, stage=label)
        if stage.together:
            announce(self.run.config, (stage, folder))
        stage.compute(folder, self.work)
        house_rules.hold(folder, [source.folder for source in stage.inputs()])

    def _is_redone(self, stage: Stage, key: str) -> bool:
        """Whether to recompute a stage: once per run, however many roles share it."""
        follows = any(source.key in self._redone for source in stage.inputs())
        if key in self._redone or not (stage.name in self._redo or follows):
            return False
        self._redone.add(key)
        return True
