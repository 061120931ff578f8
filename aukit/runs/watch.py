"""Shared code of observers that log runs to another program, with one writer per run.

Watching does not change a run, so it is set by an environment variable, not by an option: stage
keys stay the same, and results are reused whether or not the run was watched.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from aukit.au import is_column
from aukit.contracts.observed import ObservedRun
from aukit.errors import PluginError
from aukit.hooks import hookimpl

OFF, ON = ("", "0"), "1"
"""Values of the variable that switch writing off, or on at the writer's default place."""


class Writer(Protocol):
    """Writes one run for another program."""

    def scalars(self, stage: str, step: int, values: Mapping[str, float]) -> None:
        """Write the values of a step."""
        ...

    def pictures(self, stage: str, result: Path) -> None:
        """Write the pictures in the folder of a finished stage."""
        ...

    def scores(self, values: Mapping[str, float]) -> None:
        """Write the scores of the run by name, e.g. `icc/AU12`."""
        ...

    def close(self, failed: bool) -> None:
        """Write what is pending; the run has finished, or has failed and may be continued."""
        ...


class Watch:
    """The writers of the runs of this process, and the hooks that feed them.

    A plugin exposes its methods as its own hooks: `aukit_run_started = watch.run_started`.

    Args:
        variable: environment variable that switches watching on and says where to write.
        package: import name of the package required.
        extra: extra of aukit-facs that installs it.
        open: makes the writer of a run from the variable's value.
    """

    def __init__(
        self, variable: str, package: str, extra: str, open: Callable[[ObservedRun, str], Writer]
    ) -> None:
        self.variable = variable
        self._package = package
        self._extra = extra
        self._open = open
        self._writers: dict[Path, Writer] = {}

    @hookimpl
    def run_started(self, run: ObservedRun) -> None:
        """Open the writer of a run, if watching is on.

        Raises:
            PluginError: the package is not installed; raised before anything is computed.
        """
        wanted = os.environ.get(self.variable, "").strip()
        if wanted in OFF:
            return
        if importlib.util.find_spec(self._package) is None:
            raise PluginError(
                f"{self.variable} is set, but {self._package} is not installed",
                f"pip install 'aukit-facs[{self._extra}]', or unset {self.variable}",
            )
        self._writers[run.folder] = self._open(run, wanted)

    @hookimpl
    def scalars(self, run: ObservedRun, stage: str, step: int, values: Mapping[str, float]) -> None:
        """Write the scalars of a fit."""
        if writer := self._writers.get(run.folder):
            writer.scalars(stage, step, values)

    @hookimpl
    def stage_finished(self, run: ObservedRun, stage: str, result: Path) -> None:
        """Write the pictures of a finished fit."""
        if writer := self._writers.get(run.folder):
            writer.pictures(stage, result)

    @hookimpl
    def stage_failed(self, run: ObservedRun) -> None:
        """Write what is pending; another process may continue the run."""
        if writer := self._writers.pop(run.folder, None):
            writer.close(failed=True)

    @hookimpl
    def run_finished(self, run: ObservedRun, outcome: Mapping[str, Any]) -> None:
        """Write the scores and close the writer."""
        if writer := self._writers.pop(run.folder, None):
            writer.scores(defined_scores(outcome))
            writer.close(failed=False)


def defined_scores(outcome: Mapping[str, Any]) -> dict[str, float]:
    """The final scores of a run that are defined, by name: `icc/AU12`, `mae/mean`."""
    scores = outcome.get("scores", {})
    return {
        f"{measure}/{name}": entry["value"]
        for name in scores
        if name == "mean" or is_column(name)
        for measure, entry in scores[name].items()
        if entry["value"] is not None
    }
