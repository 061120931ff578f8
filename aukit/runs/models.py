"""Loads what a finished run has fitted, given the run's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aukit.config.choice import make
from aukit.config.run import RunConfig
from aukit.contracts.context import Context
from aukit.errors import ConfigError, DataError
from aukit.registry.loading import Registry, resolve_weights
from aukit.runs.names import MODEL
from aukit.runs.results import Results, open_results

FITS = {"estimator": "fit-estimator", "synth": "fit-synth", "normalizer": "fit-normalizer"}
"""Kinds that a run fits -> the stage that fits them."""


@dataclass(frozen=True)
class FittedModel:
    """A component that a run has fitted.

    Attributes:
        component: the loaded component.
        config: configuration of the run.
        context: context the component was built with.
        folder: folder of the saved model, with its card.
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
        ConfigError: the kind is never fitted, or this is not a run folder.
        DataError: the run has fitted none, or its model is damaged or gone.
    """
    if kind not in FITS:
        raise ConfigError(f"runs do not fit a {kind}", f"runs fit: {', '.join(FITS)}")
    return load_fitted_model(kind, open_results(run, registry), device)


def load_fitted_model(kind: str, results: Results, device: str) -> FittedModel:
    """Load what a run has fitted from its results.

    Raises:
        DataError: the run has fitted none, or its model is damaged or gone.
    """
    from aukit.machine.devices import resolve_device

    choice = results.config.components[kind]
    if choice is None or FITS[kind] not in results.stages:
        hint = "choose another run" if choice is None else "finish it, or choose another run"
        raise DataError(f"run {results.folder} has fitted no {kind}", hint)
    context = Context(resolve_device(device), results.config.options.seed, resolve_weights)
    component = make(choice, context)
    folder = results.need(FITS[kind]).folder / MODEL
    component.load(folder)
    return FittedModel(component, results.config, context, folder)
