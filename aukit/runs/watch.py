"""What observers that write a run for another program share: one writer a run, where it is wanted.

Watching changes nothing of a run, so it is no option of it but an environment variable: the run has
the same key, and its stages are found again, whether somebody watched or not.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from aukit.au import is_column
from aukit.contracts.observed import ObservedRun
from aukit.errors import PluginError

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
    """The writers of the runs of this process.

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

    def start(self, run: ObservedRun) -> None:
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

    def of(self, run: ObservedRun) -> Iterator[Writer]:
        """The writer of a run, if it has one."""
        if run.folder in self._writers:
            yield self._writers[run.folder]

    def end(self, run: ObservedRun, failed: bool = False) -> None:
        """Close the writer of a run."""
        writer = self._writers.pop(run.folder, None)
        if writer is not None:
            writer.close(failed)


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
