"""What the commands share: the plugins of this invocation."""

from __future__ import annotations

import functools
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aukit.registry.loading import Registry


@dataclass
class App:
    """The global options of one invocation.

    Attributes:
        verbose: whether to report plugins that could not be loaded.
    """

    verbose: bool = False

    @functools.cached_property
    def registry(self) -> Registry:
        """The plugins, loaded on first access."""
        from aukit.registry.loading import Registry

        registry = Registry()
        if self.verbose:
            for plugin in registry.broken:
                sys.stderr.write(f"plugin {plugin.qualified} is not in use: {plugin.error}\n")
        return registry

    @property
    def adding(self) -> Registry:
        """Only the plugins that may add commands; with `verbose` all, to tell of broken ones."""
        from aukit.registry.entry_points import command_entry_points
        from aukit.registry.loading import Registry

        return self.registry if self.verbose else Registry(command_entry_points())


def emit_json(value: Any) -> None:
    """Print one JSON object on standard output; `--json` prints nothing else there."""
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False) + "\n")
    sys.stdout.flush()


def hyphens(token: str) -> str:
    """Normalize an option for comparison: `--aligner.min_eyes` becomes `--aligner.min-eyes`."""
    return token.replace("_", "-")
