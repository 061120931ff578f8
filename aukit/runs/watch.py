"""What observers that write a run for another program share: one writer a run, where it is wanted.

Watching changes nothing of a run, so it is no option of it but an environment variable: the run has
the same key, and its stages are found again, whether somebody watched or not.
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
"""Values of the variable: nothing is written; written where the writer does by default."""


class Writer(Protocol):
    """Writes one run for another program."""

    def scalars(self, stage: str, step: int, values: Mapping[str, float]) -> None:
        """Write the numbers of a step."""
        ...

    def pictures(self, stage: str, result: Path) -> None:
        """Write the pictures that a finished stage has left in its folder."""
        ...

    def scores(self, values: Mapping[str, float]) -> None:
        """Write the scores of the run by name, `icc/AU12`."""
        ...

    def close(self, failed: bool) -> None:
        """Write what is left; the run has ended, or failed and may be continued."""
        ...


class Watch:
    """The writers of the runs of this process, and the hooks that feed them.

    A plugin hands its methods on as its own hooks: `aukit_run_started = watch.run_started`.

    Args:
        variable: environment variable that says whether runs are watched, and where to.
        package: import name of what must be installed.
        extra: the extra of aukit-facs that installs it.
        open: makes the writer of a run, told the variable's value.
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
        """Open the writer of a run, if it is wanted.

        Raises:
            PluginError: it is, and the package is not installed; before anything is computed.
        """
        wanted = os.environ.get(self.variable, "").strip()
        if wanted in OFF:
            return
        if importlib.util.find_spec(self._package) is None:
            raise PluginError(
                f"{self.variable} is set, and {self._package} is not installed",
                f"pip install 'aukit-facs[{self._extra}]', or unset {self.variable}",
            )
        self._writers[run.folder] = self._open(run, wanted)

    @hookimpl
    def scalars(self, run: ObservedRun, stage: str, step: int, values: Mapping[str, float]) -> None:
        """Write the numbers of a fit."""
        if writer := self._writers.get(run.folder):
            writer.scalars(stage, step, values)

    @hookimpl
    def stage_finished(self, run: ObservedRun, stage: str, result: Path) -> None:
        """Write the pictures that a fit has left."""
        if writer := self._writers.get(run.folder):
            writer.pictures(stage, result)

    @hookimpl
    def stage_failed(self, run: ObservedRun) -> None:
        """Write what is left; the run may be continued by another process."""
        if writer := self._writers.pop(run.folder, None):
            writer.close(failed=True)

    @hookimpl
    def run_finished(self, run: ObservedRun, outcome: Mapping[str, Any]) -> None:
        """Write the scores, and end."""
        if writer := self._writers.pop(run.folder, None):
            writer.scores(defined_scores(outcome))
            writer.close(failed=False)


def defined_scores(outcome: Mapping[str, Any]) -> dict[str, float]:
    """The scores that a run ends with and that are defined, by name: `icc/AU12`, `mae/mean`."""
    scores = outcome.get("scores", {})
    return {
        f"{measure}/{name}": entry["value"]
        for name in scores
        if name == "mean" or is_column(name)
        for measure, entry in scores[name].items()
        if entry["value"] is not None
    }
