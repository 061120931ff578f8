"""What a finished run has fitted, found again by the run's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aukit.config.choice import make
from aukit.config.files import read_file
from aukit.config.resolve import resolve
from aukit.config.run import RunConfig
from aukit.contracts.context import Context
from aukit.errors import ConfigError, DataError
from aukit.registry.loading import Registry, resolve_weights
from aukit.runs.names import MODEL

STAGES = {"estimator": "fit-estimator", "synth": "fit-synth", "normalizer": "fit-normalizer"}
"""Kinds that a run fits, and the stages that do it."""


@dataclass(frozen=True)
class FittedModel:
    """A component that a run has fitted.

    Attributes:
        component: the loaded component.
        config: configuration of the run.
        context: what the component was built with.
        folder: of the saved model, with its card.
    """

    component: Any
    config: RunConfig
    context: Context
    folder: Path


def load_from_run(kind: str, run: Path, registry: Registry, device: str) -> FittedModel:
    """Load what a run has fitted.

    Args:
        kind: `estimator`, `synth` or `normalizer`.
        run: the run's folder.
        registry: where the run's components are looked up.
        device: torch device name, or `auto`.

    Raises:
        ConfigError: not a kind that is fitted, or not a run folder.
        DataError: the run has fitted none, or its model is damaged or gone.
    """
    from aukit.machine.devices import resolve_device

    if kind not in STAGES:
        raise ConfigError(f"a run fits no {kind}", f"it may fit: {', '.join(STAGES)}")
    if not (run / "run.toml").is_file():
        raise ConfigError(f"{run} is not a run folder", "runs are made by `aukit run`")
    config = resolve(registry, [("run.toml", read_file(run / "run.toml"))])
    stages = read_file(run / "stages.json") if (run / "stages.json").is_file() else {}
    choice = config.components[kind]
    if choice is None or STAGES[kind] not in stages:
        raise DataError(f"run {run} has fitted no {kind}", "finish it, or choose another run")
    context = Context(resolve_device(device), config.options.seed, resolve_weights)
    component = make(choice, context)
    folder = run / stages[STAGES[kind]] / MODEL
    component.load(folder)
    return FittedModel(component, config, context, folder)
