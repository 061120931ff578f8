"""Runs of a comparison on the machines of a cluster, which share a file system."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from aukit.comparison.attempts import Attempt, Children
from aukit.comparison.child import Child
from aukit.comparison.grid import Trial
from aukit.comparison.planned import Comparison
from aukit.config.choice import Choice, make
from aukit.config.run import RunConfig
from aukit.config.values import DEFAULT
from aukit.contracts.context import Context
from aukit.contracts.executor import Cluster
from aukit.defaults import RUN
from aukit.errors import AukitError
from aukit.machine.devices import PROCESSORS, resolve_device
from aukit.registry.loading import Registry

STOP = ".stop"
"""File in the folder of a comparison; once it exists, every machine ends its runs."""
POLL = 1.0
"""Seconds between looks for it."""


def on_cluster(planned: Comparison, registry: Registry) -> tuple[Comparison, Cluster | None]:
    """A comparison whose executor is a cluster, and the cluster; otherwise unchanged and None.

    The executor then runs whole runs, one on each machine, where each uses the default executor.
    Cells that differ in their executor run here and use their own.
    """
    choices = [trial.config.need("executor") for trial in planned.trials]
    chosen = choices[0]
    if any((c.component, c.options) != (chosen.component, chosen.options) for c in choices):
        return planned, None
    device = planned.trials[0].config.options.device
    # Other machines may have a device that this one lacks.
    executor = make(chosen, Context(resolve_device(device) if device == "auto" else device))
    if not isinstance(executor, Cluster):
        return planned, None
    component = registry.find("executor", str(RUN["executor"]))
    options = component.config()
    origins = dict.fromkeys((entry.name for entry in fields(options)), DEFAULT)
    local = Choice(component, options, origins)
    trials = [replace(t, config=_with_executor(t.config, local)) for t in planned.trials]
    return replace(planned, trials=trials), executor


def _with_executor(config: RunConfig, local: Choice) -> RunConfig:
    return replace(config, components={**config.components, "executor": local})


@dataclass(frozen=True)
class Errand:
    """A run for another machine.

    Attributes:
        child: its process.
        variables: environment variables that replace those of the other machine.
        stop: file that ends it.
    """

    child: Child
    variables: Mapping[str, str]
    stop: Path


def run_errand(errand: Errand) -> str | None:
    """Run a trial on this machine; returns None, or one line on why it failed."""
    if not errand.child.config.is_file():
        return (
            f"machine {platform.node()} does not see {errand.child.config}: all machines need the "
            "output folder at the same path"
        )
    import torch

    # The executor has given this worker its share of the processors.
    share = str(torch.get_num_threads())
    own = {**os.environ, **errand.variables, PROCESSORS: share, "OMP_NUM_THREADS": share}
    with errand.child.running(own) as process:
        while True:
            try:
                return errand.child.reason(process.wait(POLL))
            except subprocess.TimeoutExpired:
                if errand.stop.exists():
                    process.terminate()


def attempt_on(cluster: Cluster | None, planned: Comparison, output: Path, jobs: int) -> Attempt:
    """What makes the runs: a cluster, or child processes of this one if it is None."""
    if cluster is None:
        return Children(output, jobs)
    return OnCluster(output, planned.folder, cluster)


class OnCluster:
    """Runs each trial on a machine of a cluster.

    Args:
        output: folder of run folders and stages, at the same path on every machine.
        folder: folder of the comparison.
        cluster: runs the trials.
    """

    def __init__(self, output: Path, folder: Path, cluster: Cluster) -> None:
        self.output = output.absolute()
        self.cluster = cluster
        self._stop = folder.absolute() / STOP
        self._stop.unlink(missing_ok=True)
        self._variables = {k: v for k, v in os.environ.items() if k.startswith("AUKIT_")}

    def __call__(self, trial: Trial, folder: Path) -> str | None:
        """Run a trial."""
        child = Child.of(trial, self.output, folder.absolute())
        errand = Errand(child, self._variables, self._stop)
        try:
            return next(iter(self.cluster.map(run_errand, [errand])))
        except AukitError as error:  # its machine is gone, and those that tried again
            return str(error)

    def stop(self) -> None:
        """End the runs on all machines."""
        self._stop.touch()
