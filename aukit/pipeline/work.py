"""What the stages of a run share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aukit import faults
from aukit.config.run import RunConfig
from aukit.contracts.context import Context
from aukit.progress import Progress
from aukit.runs.folder import Run
from aukit.store.stages import Stages


@dataclass
class Work:
    """What the stages of a run share.

    Attributes:
        run, config, stages: the run, its configuration, and the store of stage results.
        context: given to every component.
        progress: shows how far a stage is.
    """

    run: Run
    config: RunConfig
    stages: Stages
    context: Context
    progress: Progress

    def stage(
        self, name: str, label: str, document: Mapping[str, Any], compute: Callable[[Path], None]
    ) -> Path:
        """The folder of a stage's result, computed unless it is there.

        Args:
            name: kind of stage, part of the key.
            label: how this run calls it, e.g. `align-train`.
            document: everything that determines the result.
            compute: fills a folder.
        """
        observers = self.run.observers

        def observed(folder: Path) -> None:
            self.run.event("started", label)
            observers.tell("stage_started", run=self.run, stage=label)
            compute(folder)

        try:
            folder, fresh = self.stages.run(name, document, observed)
        except BaseException as error:
            self.run.event("failed", label, error=faults.reason(error))
            observers.tell("stage_failed", run=self.run, stage=label, error=error)
            raise
        self.run.event("finished" if fresh else "found", label)
        if fresh:
            observers.tell("stage_finished", run=self.run, stage=label, result=folder)
        self.run.stage_done(label, folder)
        return folder
