"""One run of aukit as a run of MLflow."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

from aukit.contracts.observed import ObservedRun
from aukit.runs.names import PREVIEWS, TRAINING, grids

EXPERIMENT = "aukit"
RUN_TAG = "aukit.run"
LONGEST_VALUE, MOST_PARAMS = 500, 100
"""What MLflow takes: characters of a parameter, and parameters at a time."""


class TrackedRun:
    """Logs a run to MLflow; a continued run continues the same MLflow run.

    Args:
        run: the run.
        place: tracking address or folder; MLflow's own setting if None.
    """

    def __init__(self, run: ObservedRun, place: str | None) -> None:
        beside = (run.folder.parent / "mlruns").resolve().as_uri()
        self._client = MlflowClient(place or os.environ.get("MLFLOW_TRACKING_URI") or beside)
        self._run = self._begin(run)

    def _begin(self, run: ObservedRun) -> str:
        tag = str(run.folder.resolve())
        found = self._client.get_experiment_by_name(EXPERIMENT)
        experiment = found.experiment_id if found else self._client.create_experiment(EXPERIMENT)
        wanted = f"tags.`{RUN_TAG}` = '{tag}'"
        if known := self._client.search_runs([experiment], wanted, max_results=1):
            self._client.update_run(known[0].info.run_id, status="RUNNING")
            return str(known[0].info.run_id)
        made = self._client.create_run(experiment, tags={RUN_TAG: tag}, run_name=run.folder.name)
        rows = [(name, value) for name, value, _ in run.config.rows()]
        params = [Param(name, value[:LONGEST_VALUE]) for name, value in rows]
        for start in range(0, len(params), MOST_PARAMS):
            part = params[start : start + MOST_PARAMS]
            self._client.log_batch(made.info.run_id, params=part)
        return str(made.info.run_id)

    def scalars(self, stage: str, step: int, values: Mapping[str, float]) -> None:
        """Log the values of a step, as `fit-synth/loss`."""
        now = int(time.time() * 1000)
        metrics = [Metric(f"{stage}/{name}", value, now, step) for name, value in values.items()]
        self._client.log_batch(self._run, metrics=metrics)

    def pictures(self, stage: str, result: Path) -> None:
        """Store the previews of a fitted stage."""
        for path in grids(result / TRAINING / PREVIEWS):
            self._client.log_artifact(self._run, str(path), f"previews/{stage}")

    def scores(self, values: Mapping[str, float]) -> None:
        """Write the scores of the run."""
        for name, value in values.items():
            self._client.log_metric(self._run, name, value)

    def close(self, failed: bool) -> None:
        """End the run."""
        self._client.set_terminated(self._run, "FAILED" if failed else "FINISHED")
