"""Axes of a grid: settings with several values, on the command line and in run files."""

from __future__ import annotations

import typing
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from aukit.components import KINDS
from aukit.config.options import RunOptions
from aukit.config.run import ROLE_KINDS, ROLES
from aukit.config.values import options, types_of
from aukit.errors import ConfigError
from aukit.registry.loading import Registry

WHOLE = "whole"
"""Metadata key of options whose text may contain comma-separated numbers."""


def flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and values of nested settings; a component has its bare kind as key."""
    for name, value in document.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from flat(value, f"{key}.")
        else:
            yield key.removesuffix(".name") if names_component(key) else key, value


def names_component(key: str) -> bool:
    """Whether a key chooses a component: `aligner`, `test.aligner`, `aligner.name`."""
    *role, kind = key.removesuffix(".name").split(".")
    return kind in KINDS if not role else kind in ROLE_KINDS and role[0] in ROLES and len(role) == 1


def split(registry: Registry, key: str, text: str) -> tuple[str, ...]:
    """Split a typed setting into the values of an axis.

    Values are separated by commas; by semicolons if a single value may contain commas (lists such
    as `--aus 1,4,12`, poses such as `--views "0,0 -20,40"`) or if there is a semicolon.

    Raises:
        ConfigError: a value is empty.
    """
    words = all(part.strip()[:1].isalpha() for part in text.split(","))
    kept = holds_commas(registry, key, words)
    mark = ";" if ";" in text or kept else ","
    values = tuple(part.strip() for part in text.split(mark))
    if len(values) > 1 and not all(values):
        raise ConfigError(f"--{key} {text}: a value is empty", f"separate values with '{mark}'")
    return values


def holds_commas(registry: Registry, key: str, words: bool = False) -> bool:
    """Whether a single value of a setting may contain commas.

    Args:
        registry: where options are looked up.
        key: the setting.
        words: whether there are words between the commas: `frontal,fera17` is not a pose.
    """
    *place, name = key.split(".")
    if not place and name in RunOptions.__dataclass_fields__:
        return _holds_commas(RunOptions, name, words)
    if names_component(key):
        return KINDS[name].several
    kind = next((part for part in reversed(place) if part in KINDS), None)
    offered = () if kind is None else registry.of_kind(kind)
    configs = [c.config for c in offered if name in {entry.name for entry in options(c)}]
    return any(_holds_commas(config, name, words) for config in configs)


def _holds_commas(config: type[Any], name: str, words: bool) -> bool:
    annotation = types_of(config)[name]
    parts = (annotation, *typing.get_args(annotation))
    listed = any(typing.get_origin(part) is tuple for part in parts)
    whole = bool(config.__dataclass_fields__[name].metadata.get(WHOLE))
    return listed or (whole and not words)


def spell(value: Any) -> str:
    """A value of an axis as one would type it."""
    if isinstance(value, (list, tuple)):
        return ",".join(map(spell, value))
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value)


def describe(axes: Collection[str], key: str, value: str) -> str:
    """A choice in a cell's label: `2d`, `test 2d`, `l_ids 0`; `synth.size 64` if another axis is
    `size` too."""
    *place, name = key.split(".")
    if not names_component(key) and sum(axis.split(".")[-1] == name for axis in axes) > 1:
        return f"{key} {value}"
    if not place and (name in KINDS or name == CELL):
        return value
    if place and place[0] in ROLES:
        inner = [] if name in ROLE_KINDS else [name]
        return " ".join([place[0], *inner, value])
    return f"{name} {value}"


CELL = "cell"
"""The axis of the cells listed in a run file."""
