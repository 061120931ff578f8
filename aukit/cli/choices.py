"""Components that a command uses directly, outside a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aukit.components import Component
from aukit.config.choice import Choice, chosen
from aukit.config.values import COMMAND_LINE
from aukit.published import PRESET
from aukit.registry.loading import Registry

if TYPE_CHECKING:
    from aukit.contracts.context import Context


def choose(
    registry: Registry, kind: str, name: str, typed: Mapping[str, Any], preset: str = ""
) -> Choice:
    """The component `name` with the options typed for its kind.

    Args:
        registry: where the name is looked up.
        kind: kind of component.
        name: name of the component.
        typed: settings from the command line, e.g. `{"data.size": "64"}`.
        preset: preset to start from; empty for the component's own defaults.
    """
    return with_options(registry.find(kind, name), kind, typed, preset)


def with_options(
    component: Component, head: str, typed: Mapping[str, Any], preset: str = ""
) -> Choice:
    """The component with the typed options that start with `head`, on top of a preset."""
    preset = str(typed.get(f"{head}.{PRESET}", preset))
    options = {
        key.removeprefix(f"{head}."): raw
        for key, raw in typed.items()
        if key.startswith(f"{head}.") and key != f"{head}.{PRESET}"
    }
    return chosen(component, preset, [(COMMAND_LINE, options)], COMMAND_LINE)


def context_of(device: str, seed: int) -> Context:
    """The context that components are built with."""
    from aukit.contracts.context import Context
    from aukit.machine.devices import resolve_device
    from aukit.registry.loading import resolve_weights

    return Context(resolve_device(device), seed, resolve_weights)
