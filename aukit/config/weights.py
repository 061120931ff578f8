"""Looks for the weights that options name, before anything is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from aukit.config.choice import Choice
from aukit.errors import MissingWeights

WEIGHTS = "weights"
"""Key in the metadata of an option that names weights: a value that goes without them."""


def check_weights(choice: Choice, resolve: Callable[[str], Path]) -> None:
    """Stop where a component would fail, hours later, because its weights are missing.

    Args:
        choice: the component and its options.
        resolve: finds weights by name or path.

    Raises:
        MissingWeights: they are not on this machine; the hint says how to get them, and how to go
            without.
    """
    component = choice.component
    for entry in fields(choice.options):
        without = entry.metadata.get(WEIGHTS)
        wanted = getattr(choice.options, entry.name)
        if without is None or wanted in (without, ""):
            continue
        try:
            resolve(wanted)
        except MissingWeights as error:
            option = f"--{component.kind}.{entry.name}"
            raise MissingWeights(
                f"{component.kind} '{component.name}': {error.message}",
                f"{error.hint}; or {option} PATH, or {option} {without} to go without",
            ) from error
