"""What the stages of a run share; nothing in it affects the numbers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aukit.config.choice import Choice, make
from aukit.contracts.context import Context
from aukit.contracts.executor import Executor
from aukit.contracts.session import Session
from aukit.progress import Progress
from aukit.runs.names import TRAINING
from aukit.seeds import seed_of

Told = Callable[[str, int, Mapping[str, float]], None]
"""Receives the stage, the step and its values."""


def _nobody(stage: str, step: int, values: Mapping[str, float]) -> None:
    """Discard the values."""


@dataclass
class Work:
    """What the stages of a run share.

    Attributes:
        device: torch device name.
        weights: resolves a weights reference or a path to a verified local file.
        progress: shows progress of a stage.
        workers: the executor that runs the map-like stages.
        told: receives the scalars of fits.
    """

    device: str
    weights: Callable[[str], Path]
    progress: Progress
    workers: Choice
    told: Told = _nobody

    def context(self, seed: int = 0) -> Context:
        """The context that components are built with."""
        return Context(self.device, seed, self.weights)

    def make(self, choice: Choice, seed: int = 0) -> Any:
        """Build a component.

        Raises:
            PluginError: it cannot be imported or built.
        """
        return make(choice, self.context(seed))

    @functools.cached_property
    def executor(self) -> Executor:
        """Runs the map-like stages."""
        executor: Executor = self.make(self.workers)
        return executor

    def session(self, stage: str, folder: Path, seed: int) -> Session:
        """The session of a fit whose stage folder is `folder`."""
        checkpoints = folder / TRAINING
        checkpoints.mkdir(exist_ok=True)
        return Session(
            folder=checkpoints,
            device=self.device,
            seed=seed_of(seed, stage),
            progress=self.progress,
            on_scalars=functools.partial(self.told, stage),
        )
