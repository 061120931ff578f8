"""Runs the trials of a comparison in this process, or several at a time in child processes.

Trials do not compute a shared stage twice: the store locks a stage while it is computed. To avoid
waiting for each other, trials that run at the same time are chosen to differ.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Protocol

from aukit.comparison.child import Child
from aukit.comparison.grid import Trial
from aukit.config.run import RunConfig
from aukit.errors import AukitError
from aukit.faults import interrupt, is_interrupt, reason
from aukit.machine.devices import (
    PROCESSORS,
    accelerator,
    accelerator_count,
    memory_bytes,
    usable_processors,
)
from aukit.progress import Progress
from aukit.registry.loading import Registry

PROCESSORS_A_JOB = 4
BYTES_A_JOB = 4 << 30


class Attempt(Protocol):
    """Makes one run."""

    def __call__(self, trial: Trial, folder: Path) -> str | None:
        """Run a trial in a folder; returns None, or one line on why it failed."""
        ...

    def stop(self) -> None:
        """Stop what is running."""
        ...


def jobs_here() -> int:
    """Runs at a time for this machine: one per accelerator, or one per four processors and 4 GB of
    memory; at least one."""
    if accelerator() is not None:
        import torch

        return int(torch.accelerator.device_count())
    memory = memory_bytes()
    room = usable_processors() // PROCESSORS_A_JOB
    return max(1, room if memory is None else min(room, memory // BYTES_A_JOB))


class InProcess:
    """Runs trials one after another in this process.

    Args:
        output: folder of run folders and stages.
        registry: its plugins observe the runs.
        progress: shows progress.
    """

    def __init__(self, output: Path, registry: Registry, progress: Progress) -> None:
        self.output = output
        self.registry = registry
        self.progress = progress

    def __call__(self, trial: Trial, folder: Path) -> str | None:
        """Run a trial."""
        from aukit.pipeline.execute import execute

        name = folder.relative_to(self.output).as_posix()
        try:
            execute(trial.config, self.output, self.registry, self.progress, name)
        except AukitError as error:
            return str(error)
        except BaseException as error:  # whatever a component raises, other cells continue
            if is_interrupt(error):
                raise
            return reason(error)
        return None

    def stop(self) -> None:
        """Nothing to stop: the trial runs in this process."""


class Children:
    """Runs each trial in its own process, so that a crash does not affect the others.

    Args:
        output: folder of run folders and stages.
        jobs: runs at a time; they share the processors, and each gets its own accelerator if there
            are several.
    """

    def __init__(self, output: Path, jobs: int) -> None:
        self.output = output
        self.jobs = jobs
        self._slots: queue.Queue[int] = queue.Queue()
        for slot in range(jobs):
            self._slots.put(slot)
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def __call__(self, trial: Trial, folder: Path) -> str | None:
        """Run a trial."""
        child = Child.of(trial, self.output, folder)
        slot = self._slots.get()
        try:
            bars = self.jobs == 1 and sys.stderr.isatty()
            with child.running(environment(self.jobs, slot), bars=bars) as process:
                self._running.add(process)
                if self._stopped:  # meanwhile
                    process.terminate()
                code = process.wait()
                self._running.discard(process)
        finally:
            self._slots.put(slot)
        return child.reason(code)

    def stop(self) -> None:
        """Stop the processes."""
        self._stopped = True
        for process in list(self._running):
            process.terminate()


def environment(jobs: int, slot: int) -> dict[str, str]:
    """Environment variables of a process: its share of the processors and accelerators."""
    values = dict(os.environ)
    if jobs > 1:
        share = str(max(1, usable_processors() // jobs))
        values[PROCESSORS] = share
        values.setdefault("OMP_NUM_THREADS", share)
        if accelerator() == "cuda":
            visible = values.get("CUDA_VISIBLE_DEVICES")
            devices = visible.split(",") if visible else range(accelerator_count())
            values["CUDA_VISIBLE_DEVICES"] = str(devices[slot % len(devices)])
    return values


def attempt_all(
    trials: Iterable[tuple[Trial, Path]], attempt: Attempt, jobs: int
) -> Iterator[tuple[Trial, str | None]]:
    """Run trials; yields each as it ends, with the reason if it failed."""
    if jobs > 1:
        yield from _several(list(trials), attempt, jobs)
        return
    with stopped_if_interrupted(attempt):
        for trial, folder in trials:
            yield trial, attempt(trial, folder)


def _several(
    waiting: list[tuple[Trial, Path]], attempt: Attempt, jobs: int
) -> Iterator[tuple[Trial, str | None]]:
    running: dict[Future[str | None], Trial] = {}
    # Inside the pool's block, which waits for running trials.
    with ThreadPoolExecutor(jobs) as pool, stopped_if_interrupted(attempt):
        while waiting or running:
            while waiting and len(running) < jobs:
                chosen = furthest([t for t, _ in waiting], list(running.values()))
                trial, folder = waiting.pop(chosen)
                running[pool.submit(attempt, trial, folder)] = trial
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield running.pop(future), future.result()


@contextlib.contextmanager
def stopped_if_interrupted(attempt: Attempt) -> Iterator[None]:
    """Stop running trials if the block ends early."""
    try:
        yield
    except BaseException:
        attempt.stop()
        raise


@contextlib.contextmanager
def ended_like_interrupted() -> Iterator[None]:
    """Within the block, SIGTERM, as sent by schedulers, acts as an interrupt."""
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def furthest(waiting: Sequence[Trial], running: Sequence[Trial]) -> int:
    """Index of the waiting trial that has least in common with the running ones; the first in a
    tie."""
    shared = [max((likeness(t.config, r.config) for r in running), default=0) for t in waiting]
    return shared.index(min(shared))


def likeness(first: RunConfig, second: RunConfig) -> int:
    """Number of parts that two configurations share."""
    parts = [first.components[kind] == second.components[kind] for kind in first.components]
    parts += [first.roles[name] == second.roles[name] for name in first.roles]
    return sum(parts) + (first.options == second.options)
