"""A fitted synthesizer with the registration of its faces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aukit.config.choice import Choice
from aukit.contracts.context import Context
from aukit.defaults import EDIT
from aukit.machine.devices import resolve_device
from aukit.registry.loading import Registry, resolve_weights
from aukit.runs.exported import is_exported, read_exported
from aukit.runs.known import model_folder
from aukit.runs.models import load_from_run
from aukit.store.models import load_card


@dataclass(frozen=True)
class Synthesis:
    """A fitted synthesizer and the registration of its training faces.

    Attributes:
        component: the loaded synthesizer.
        choice: its record and options.
        landmarker, aligner: components that registered its training faces.
        context: context to build the components with.
        card: card of the saved model.
    """

    component: Any
    choice: Choice
    landmarker: Choice
    aligner: Choice
    context: Context
    card: Mapping[str, Any]


def open_synthesis(folder: str | Path, registry: Registry, device: str = "auto") -> Synthesis:
    """Open the synthesizer of a run or of a model made by `aukit export`.

    Raises:
        ConfigError: the folder does not exist, or a component is not installed.
        DataError: it has no synthesizer, or the model is damaged or too new.
    """
    folder = model_folder(folder, registry)
    if is_exported(folder):
        return _of_model(folder, registry, device)
    model = load_from_run("synth", folder, registry, device)
    role = model.config.roles["synth-paint"]
    return Synthesis(
        component=model.component,
        choice=model.config.need("synth"),
        landmarker=role.landmarker or default_landmarker(registry),
        aligner=role.aligner,
        context=model.context,
        card=load_card(model.folder),
    )


def _of_model(folder: Path, registry: Registry, device: str) -> Synthesis:
    found = read_exported(folder, registry)
    context = Context(resolve_device(device), 0, resolve_weights)
    return Synthesis(
        component=found.load("synth", context),
        choice=found.need("synth"),
        landmarker=found.need("landmarker"),
        aligner=found.need("aligner"),
        context=context,
        card=load_card(folder / "synth"),
    )


def default_landmarker(registry: Registry) -> Choice:
    """The landmarker of `aukit.defaults` with its default options."""
    component = registry.find("landmarker", EDIT["landmarker"])
    return Choice(component, component.config())
