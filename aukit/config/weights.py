"""Checks, before anything is computed, that the weights named by options are present."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from aukit.config.choice import Choice
from aukit.errors import MissingWeights

WEIGHTS = "weights"
"""Metadata key of an option that names weights; its value turns the weights off."""


def check_weights(choice: Choice, resolve: Callable[[str], Path]) -> None:
    """Fail early instead of hours later when a component's weights are missing.

    Args:
        choice: the component and its options.
        resolve: finds weights by name or path.

    Raises:
        MissingWeights: they are not on this machine; the hint tells how to get them or do without.
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
                f"{error.hint}; or use {option} PATH, or {option} {without} to do without",
            ) from error
