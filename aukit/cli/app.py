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
        verbose: whether to tell what happens besides.
    """

    verbose: bool = False

    @functools.cached_property
    def registry(self) -> Registry:
        """The plugins, loaded when a command first asks."""
        from aukit.registry.loading import Registry

        registry = Registry()
        if self.verbose:
            for plugin in registry.broken:
                sys.stderr.write(f"plugin {plugin.qualified} is not in use: {plugin.error}\n")
        return registry


def emit_json(value: Any) -> None:
    """Print one JSON object on standard output: all that `--json` prints there."""
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False) + "\n")
    sys.stdout.flush()


def hyphens(token: str) -> str:
    """The spelling in which options are compared: `--aligner.min_eyes` is `--aligner.min-eyes`."""
    return token.replace("_", "-")
