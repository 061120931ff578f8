"""One run of aukit as a run of Weights & Biases."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import wandb

from aukit.contracts.observed import ObservedRun
from aukit.runs.names import PREVIEWS, TRAINING, grids
from aukit.store.files import digest

PROJECT = "aukit"


class TrackedRun:
    """Logs a run to Weights & Biases; a continued run continues the same run there.

    Each stage has steps of its own, `fit-synth/step`.

    Args:
        run: the run.
        project: its name; that of `WANDB_PROJECT`, or `aukit`, if None.
    """

    def __init__(self, run: ObservedRun, project: str | None) -> None:
        self._stages: set[str] = set()
        self._run = wandb.init(
            project=project or os.environ.get("WANDB_PROJECT") or PROJECT,
            name=run.folder.name,
            id=digest(str(run.folder.resolve())),
            dir=str(run.folder),
            config={name: value for name, value, _ in run.config.rows()},
            resume="allow",
        )

    def scalars(self, stage: str, step: int, values: Mapping[str, float]) -> None:
        """Log the values of a step, as `fit-synth/loss`."""
        self._log(stage, step, dict(values))

    def pictures(self, stage: str, result: Path) -> None:
        """Store the previews of a fitted stage."""
        for path in grids(result / TRAINING / PREVIEWS):
            self._log(stage, int(path.stem), {"preview": wandb.Image(str(path))})

    def scores(self, values: Mapping[str, float]) -> None:
        """Write the scores of the run into its summary."""
        self._run.summary.update(dict(values))

    def close(self, failed: bool) -> None:
        """End the run."""
        self._run.finish(exit_code=1 if failed else 0)

    def _log(self, stage: str, step: int, values: Mapping[str, object]) -> None:
        axis = f"{stage}/step"
        if stage not in self._stages:
            self._stages.add(stage)
            self._run.define_metric(f"{stage}/*", step_metric=axis)
        self._run.log({axis: step, **{f"{stage}/{k}": v for k, v in values.items()}})
