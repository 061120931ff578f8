"""A fitted synthesizer, and all that it needs of a photo: how its faces are registered."""

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
    """A fitted synthesizer, and how the faces that it knows were registered.

    Attributes:
        component: the loaded synthesizer.
        choice: its record and options.
        landmarker, aligner: of its training faces.
        context: what the components are built with.
        card: of the saved model.
    """

    component: Any
    choice: Choice
    landmarker: Choice
    aligner: Choice
    context: Context
    card: Mapping[str, Any]


def open_synthesis(folder: str | Path, registry: Registry, device: str = "auto") -> Synthesis:
    """The synthesizer of a run, or of a model that `aukit export` made.

    Raises:
        ConfigError: no such folder, or a component that is not installed.
        DataError: it holds no synthesizer, or the model is damaged or too new.
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
    """The landmarker of `aukit.defaults`, as it comes."""
    component = registry.find("landmarker", EDIT["landmarker"])
    return Choice(component, component.config())
