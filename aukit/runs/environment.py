"""The environment of a run: what its numbers may depend on besides its configuration."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from aukit.machine.devices import resolve_device
from aukit.registry.loading import Registry


def environment(registry: Registry, device: str = "auto") -> dict[str, Any]:
    """Versions of Python, the plugins and their dependencies; device, processors, threads."""
    import torch

    distributions = {plugin.distribution for plugin in registry.plugins}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": resolve_device(device),
        "processors": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "packages": dict(sorted(versions(distributions))),
        "plugins": {p.qualified: p.error or p.version for p in registry.plugins},
    }


def versions(distributions: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(distribution, version) of distributions and their dependencies, optional ones included.

    A missing required one is listed as "not installed"; a missing optional one is omitted.
    """
    for name in distributions:
        yield name, version_of(name) or "not installed"
        for requirement in _requirements(name):
            # A marker means that only an extra or some Python versions need it.
            needed, _, marker = requirement.partition(";")
            found = re.match(r"[\w.-]+", needed)
            version = version_of(found[0]) if found else None
            if found and (version or not marker):
                yield found[0].lower(), version or "not installed"


def version_of(distribution: str) -> str | None:
    """The installed version of a distribution; None if it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _requirements(distribution: str) -> list[str]:
    try:
        return importlib.metadata.requires(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return []


def typed_command() -> str:
    """The command of this process as one types it again, also where it was `python -m aukit`."""
    program = Path(sys.argv[0])
    ours = Path(__file__).parents[1] in program.resolve().parents
    return shlex.join(["aukit" if ours else program.name, *sys.argv[1:]])
