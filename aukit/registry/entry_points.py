"""Where the plugins of this environment say that they are."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from typing import Any

GROUP = "aukit.plugins"
COMMAND_GROUP = "aukit.commands"
"""Names the built-in plugins that add commands, for `aukit --help` to load no others."""
OWN = "aukit-facs"
"""The distribution of the core and the built-in plugins."""


def installed_entry_points() -> list[tuple[str, str, Any]]:
    """Entry points of aukit plugins in this environment, in a stable order."""
    return _triples(importlib.metadata.entry_points(group=GROUP))


def command_entry_points() -> list[tuple[str, str, Any]]:
    """Those that may add commands beside aukit's own: others', and ours that say so."""
    found = importlib.metadata.entry_points()
    ours = found.select(group=COMMAND_GROUP).names
    triples = _triples(found.select(group=GROUP))
    return [one for one in triples if one[0] != OWN or one[2].name in ours]


def _triples(points: Iterable[Any]) -> list[tuple[str, str, Any]]:
    known: dict[int, tuple[str, str]] = {}
    triples = set()
    for point in points:
        if point.dist is not None:
            # Parsed once a distribution: the metadata hold its whole readme.
            if id(point.dist) not in known:
                metadata = point.dist.metadata
                known[id(point.dist)] = (metadata["Name"], metadata["Version"])
            triples.add((*known[id(point.dist)], point))
    return sorted(triples, key=lambda triple: (triple[0], triple[2].name))
