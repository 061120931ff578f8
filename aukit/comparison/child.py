"""A run of a comparison in a process of its own, on this machine or another."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aukit.comparison.grid import Trial
from aukit.config.files import to_toml
from aukit.machine.parent import STDIN_IS_PARENT
from aukit.runs.folder import read_state
from aukit.store.files import write_text

NOTES = "cells"
"""Subfolder of a comparison with the run file and the log of each run."""


@dataclass(frozen=True)
class Child:
    """The process of a run.

    Attributes:
        config: its run file.
        log: receives what it prints.
        output: folder of run folders and stages.
        folder: its run folder, below `output`.
    """

    config: Path
    log: Path
    output: Path
    folder: Path

    @classmethod
    def of(cls, trial: Trial, output: Path, folder: Path) -> Child:
        """The process of a trial, whose run file is written."""
        notes = folder.parent / NOTES
        notes.mkdir(parents=True, exist_ok=True)
        config, log = notes / f"{trial.name}.toml", notes / f"{trial.name}.log"
        write_text(config, to_toml(trial.config))
        return cls(config, log, output, folder)

    @contextlib.contextmanager
    def running(
        self, environment: Mapping[str, str], *, bars: bool = False
    ) -> Iterator[subprocess.Popen[bytes]]:
        """The process, ended if an interrupt ends the block early.

        Args:
            environment: its environment variables.
            bars: show its progress on this terminal instead of writing it to the log.
        """
        name = self.folder.relative_to(self.output).as_posix()
        line = [sys.executable, "-m", "aukit.cli.main", "run", "--config", str(self.config)]
        with self.log.open("wb") as file:
            process = subprocess.Popen(
                [*line, "-o", str(self.output), "--name", name],
                stdin=subprocess.PIPE,  # closes when this process ends, for whatever reason
                stdout=file,
                stderr=None if bars else file,
                env={**environment, STDIN_IS_PARENT: "1"},
            )
            with process:
                try:
                    yield process
                except BaseException:
                    process.terminate()
                    raise

    def reason(self, code: int) -> str | None:
        """Why the process failed: its last error message, or the error recorded in the run."""
        if code == 0:
            return None
        if code < 0:
            return (
                f"its process was killed by signal {-code} (9: often out of memory); see {self.log}"
            )
        said = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        if said and said[-1].startswith("error: "):
            return said[-1].removeprefix("error: ")
        return str(read_state(self.folder).get("error") or f"exit code {code}; see {self.log}")
