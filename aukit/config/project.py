"""Ambient settings: `aukit.toml`, `[tool.aukit]` in pyproject.toml, environment variables.

They are the weakest layers: run files and the command line override them. Environment variables
override the project's file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aukit.components import KINDS
from aukit.config.files import read_file
from aukit.errors import ConfigError

FILE, PYPROJECT = "aukit.toml", "pyproject.toml"
VARIABLES = {"device": "AUKIT_DEVICE", "preset": "AUKIT_PRESET"}
"""Setting of a run -> its environment variable; `AUKIT_OUTPUT` sets the folder of runs."""
OUTPUT, OUTPUT_VARIABLE = "output", "AUKIT_OUTPUT"


def find(start: Path) -> tuple[str, Mapping[str, Any]] | None:
    """The settings of the project around a folder: origin and content; None if there are none.

    The nearest folder at or above `start` with an `aukit.toml`, or with a `pyproject.toml` that has
    a table `[tool.aukit]`, is used; `aukit.toml` wins if both exist.

    Raises:
        ConfigError: the file cannot be read.
    """
    for folder in (start, *start.parents):
        if (path := folder / FILE).is_file():
            return _named(path, start), read_file(path)
        if (path := folder / PYPROJECT).is_file() and b"tool.aukit" in path.read_bytes():
            table = read_file(path).get("tool", {}).get("aukit")
            if not isinstance(table, Mapping):
                raise ConfigError(f"{path}: tool.aukit must be a table")
            return f"{_named(path, start)} [tool.aukit]", table
    return None


def _named(path: Path, start: Path) -> str:
    return path.name if path.parent == start else str(path)


def settings() -> tuple[str, dict[str, Any]] | None:
    """The run settings of the project around the working folder, without the output folder."""
    found = find(Path.cwd())
    if found is None:
        return None
    return found[0], {key: value for key, value in found[1].items() if key != OUTPUT}


def option(name: str) -> str | None:
    """`device` or `output` from the project's file; None if not set there.

    Raises:
        ConfigError: the value is not text.
    """
    origin, document = find(Path.cwd()) or ("", {})
    value = document.get(name)
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{name} ({origin}): {value!r} is not text")
    return value


def ambient(above: Sequence[tuple[str, Mapping[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """The ambient layers, weakest first.

    A table of options belongs to the component it is written for. If a stronger layer chooses
    another component of that kind, the table is ignored.

    Args:
        above: (origin, settings) of the stronger layers.
    """
    layers = []
    if (found := settings()) is not None:
        origin, document = found
        kept = {key: value for key, value in document.items() if not _replaced(key, value, above)}
        layers.append((origin, kept))
    for name, variable in VARIABLES.items():
        if value := os.environ.get(variable):
            layers.append((variable, {name: value}))
    return layers


def _replaced(kind: str, table: Any, above: Sequence[tuple[str, Mapping[str, Any]]]) -> bool:
    """Whether a stronger layer chooses another component of a kind."""
    names = [_name(document[kind]) for _, document in above if kind in KINDS and kind in document]
    return any(name not in (None, _name(table)) for name in names)


def _name(table: Any) -> Any:
    return table.get("name") if isinstance(table, Mapping) else table
