"""The folder of a run, readable by people and programs.

| file | content |
|---|---|
| `run.toml` | resolved configuration with the origin of each value; can be run again |
| `command.txt` | the command line |
| `environment.json` | versions, plugins, device, threads |
| `events.jsonl` | stages as they start, are reused, finish or fail |
| `metrics.jsonl` | losses and validation scores |
| `stages.json` | stage -> key and folder of its result |
| `results/` | results of the stages, models included; hard links into the store where possible |
| `scores.json`, `predictions.parquet`, `plan.parquet`, `report.html` | the results |
| `cost.json` | wall-clock and processor seconds on this machine |
| `state.json` | `running`, `finished` or `failed` and why; digest of the configuration |
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from aukit.config.files import to_toml
from aukit.config.run import RunConfig
from aukit.errors import ConfigError
from aukit.machine.alive import is_alive
from aukit.machine.parent import refuse_while_imported_by_worker
from aukit.registry.loading import Registry
from aukit.runs.environment import environment, typed_command
from aukit.runs.kept import keep, prune
from aukit.runs.names import STAGES, STAGES_FILE
from aukit.runs.observers import Observers
from aukit.runs.results import Results, stages_document
from aukit.store.files import (
    digest,
    ensure_writable,
    read_object,
    remove_left,
    write_json,
    write_text,
)
from aukit.store.stages import Result

STATE, EVENTS, METRICS, COST = "state.json", "events.jsonl", "metrics.jsonl", "cost.json"
RUNNING, FINISHED, FAILED = "running", "finished", "failed"

_log = logging.getLogger(__name__)


class Run:
    """One run on disk.

    Args:
        folder: the run's folder.
        config: configuration of the run.
        registry: its plugins observe the run through hooks.
    """

    def __init__(self, folder: Path, config: RunConfig, registry: Registry) -> None:
        self.folder = folder
        self.config = config
        self.observers = Observers(registry)
        self.store = folder.parent / STAGES
        self.stages: dict[str, Result] = {}

    @classmethod
    def begin(
        cls,
        output: Path,
        config: RunConfig,
        registry: Registry,
        only: str | None = None,
        name: str | None = None,
    ) -> Run:
        """Continue the interrupted run of this configuration, or start a new one.

        Args:
            output: folder of run folders.
            config: configuration of the run.
            registry: its plugins observe the run.
            only: the only stage to compute, if this is not a whole run.
            name: name of the folder below `output`; if None, a number and the components.

        Raises:
            ConfigError: the name leads out of `output`, or a worker process got here by importing
                its parent's script.
            StorageError: `output` cannot be written.
        """
        refuse_while_imported_by_worker()
        if name is not None:
            refuse_name(name)
        ensure_writable(output)
        document = config.to_json()
        identity = digest(document if only is None else {**document, "only": only})
        with FileLock(output / ".runs.lock"):
            if name is not None:
                folder = named_folder(output / name, config)
                folder.mkdir(parents=True, exist_ok=True)
            else:
                folder = _interrupted(output, identity) or _new_folder(output, config, only)
            remove_left(folder)
            run = cls(folder, config, registry)
            run.store = output / STAGES
            run._set_state(RUNNING, identity)
        write_text(folder / "run.toml", to_toml(config))
        write_text(folder / "command.txt", typed_command() + "\n")
        write_json(folder / "environment.json", environment(registry, config.options.device))
        run.observers.tell("run_started", run=run)
        return run

    def _set_state(self, state: str, identity: str | None = None, error: str | None = None) -> None:
        known = read_state(self.folder)
        known.update(state=state, process=os.getpid(), error=error)
        if identity is not None:
            known["config"] = identity
        write_json(self.folder / STATE, known)

    def event(self, kind: str, stage: str, **details: Any) -> None:
        """Append one line to `events.jsonl`."""
        _log.info("%s: stage %s %s", self.folder.name, stage, kind)
        line = {"time": round(time.time(), 3), "event": kind, "stage": stage, **details}
        with (self.folder / EVENTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def scalars(self, stage: str, step: int, values: Mapping[str, float]) -> None:
        """Append a step's values to `metrics.jsonl` and pass them to the observers."""
        line = {"stage": stage, "step": step, **values}
        with (self.folder / METRICS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.observers.tell("scalars", run=self, stage=stage, step=step, values=values)

    def stage_done(self, label: str, result: Result) -> None:
        """Record a stage's result and keep it in the run folder."""
        self.stages[label] = keep(result, self.folder)
        document = stages_document(self.folder, self.store, self.stages)
        write_json(self.folder / STAGES_FILE, document)

    @property
    def results(self) -> Results:
        """The results so far."""
        return Results(self.folder, self.config, self.stages)

    def add_cost(self, wall: float, cpu: float, device: str) -> None:
        """Add the seconds of an attempt to those of earlier attempts."""
        before = read_cost(self.folder)
        cost = {
            "wall_s": round(before.get("wall_s", 0) + wall, 2),
            "cpu_s": round(before.get("cpu_s", 0) + cpu, 2),
            "device": device,
        }
        write_json(self.folder / COST, cost)

    def finish(self, outcome: Mapping[str, Any]) -> None:
        """Mark the run as finished, and prune results that it has replaced."""
        prune(self.folder, self.stages.values())
        self._set_state(FINISHED)
        self.observers.tell("run_finished", run=self, outcome=outcome)

    def fail(self, error: str) -> None:
        """Mark the run as failed and record why; the same command continues it."""
        self._set_state(FAILED, error=error)


def read_state(folder: Path) -> dict[str, Any]:
    """`state.json` of a run folder; empty if missing or unreadable."""
    return read_object(folder / STATE) or {}


def read_cost(folder: Path) -> dict[str, Any]:
    """`cost.json` of a run folder: `wall_s`, `cpu_s`, `device`; empty if there is none."""
    return read_object(folder / COST) or {}


def refuse_name(name: str) -> None:
    """Refuse a run name that would lead out of the runs' folder or hide the run.

    Raises:
        ConfigError: the name is empty, or has a part such as `..` or `.stages`.
    """
    parts = name.split("/")
    if any(part.startswith(".") or not part.strip() or "\0" in part for part in parts):
        raise ConfigError(
            f"'{name}' cannot be the name of a run",
            "use letters, digits and hyphens, no leading dot",
        )


def named_folder(wanted: Path, config: RunConfig) -> Path:
    """The folder for a run of this name: `wanted`, numbered if another configuration's run has
    it."""
    identity = digest(config.to_json())
    numbers = itertools.count(2)
    folder = wanted
    while folder.exists() and read_state(folder).get("config") != identity:
        folder = wanted.with_name(f"{wanted.name}-{next(numbers)}")
    return folder


def _interrupted(output: Path, identity: str) -> Path | None:
    for folder in sorted(output.glob("[0-9]*-*"), reverse=True):
        state = read_state(folder)
        unfinished = state.get("state") in (RUNNING, FAILED)
        if unfinished and state.get("config") == identity and not is_alive(state.get("process")):
            return folder
    return None


def _new_folder(output: Path, config: RunConfig, only: str | None) -> Path:
    numbers = [int(m[1]) for p in output.iterdir() if (m := re.match(r"(\d+)-", p.name))]
    kinds = ("aligner", "synth", "balancer", "estimator")
    chosen = [config.components[kind] for kind in (kinds[:2] if only else kinds)]
    words = [only] if only else []
    words += [choice.component.name for choice in chosen if choice is not None]
    words.append(config.roles["test"].data.component.name)
    folder = output / f"{max(numbers, default=0) + 1:04d}-{'-'.join(words)}"
    folder.mkdir()
    return folder
