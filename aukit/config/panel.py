"""A choice of several components of one kind, such as the judges of a score card.

In a run file

    [judge]
    name = "blendshapes,mobilenet"       # or "auto", or "none"

    [judge.mobilenet]
    weights = "mobilenet-v2-imagenet"

and on the command line: `--judge blendshapes,mobilenet --judge.mobilenet.weights ...`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aukit.components import AUTO, KINDS, Component
from aukit.config.choice import Choice, chosen
from aukit.config.values import DEFAULT, coerce, plain, unknown_option
from aukit.errors import ConfigError

if TYPE_CHECKING:
    from aukit.registry.loading import Registry

NAME = "name"


@dataclass(frozen=True)
class Panel:
    """Several components of one kind.

    Attributes:
        kind: kind of the components.
        names: the names requested, or `auto` or `none`.
        origin: where that came from.
        choices: the components.
    """

    kind: str
    names: tuple[str, ...]
    origin: str
    choices: tuple[Choice, ...]

    def to_json(self) -> dict[str, Any]:
        """The table of a run file that resolves to this panel."""
        options = {choice.component.name: plain(choice.options) for choice in self.choices}
        return {NAME: ",".join(self.names), **{key: made for key, made in options.items() if made}}

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """(setting, value, origin) rows for tables."""
        yield self.kind, ",".join(self.names), self.origin
        for choice in self.choices:
            for name, value in plain(choice.options).items():
                label = f"{self.kind}.{choice.component.name}.{name}"
                yield label, str(value), choice.origins[name]


def members(registry: Registry, kind: str, names: Sequence[str]) -> list[Component]:
    """The components selected by `auto`, `none` or names.

    Raises:
        ConfigError: a name is unknown, ambiguous or repeated.
    """
    if tuple(names) in ((), ("none",)):
        return []
    if tuple(names) == (AUTO,):
        return [found for found in registry.of_kind(kind) if AUTO in found.tags]
    found = [registry.find(kind, name) for name in names]
    for place, component in enumerate(found):
        if component.name in {other.name for other in found[:place]}:
            raise ConfigError(f"{kind} '{component.name}' is named twice", "name each once")
    return found


def resolve_panel(
    registry: Registry, kind: str, layers: Sequence[tuple[str, Mapping[str, Any]]], preset: str
) -> Panel:
    """The components resolved from layers of settings, later layers winning.

    Raises:
        ConfigError: a name or an option is unknown, or a value is invalid.
    """
    tables = [(origin, _table(document.get(kind, {}))) for origin, document in layers]
    named = [(table[NAME], origin) for origin, table in tables if NAME in table]
    raw, origin = named[-1] if named else (KINDS[kind].default or "none", DEFAULT)
    names = coerce(raw, tuple[str, ...], f"{kind} ({origin})")
    found = members(registry, kind, names)
    # Options of components that a later layer does not name are ignored.
    allowed = registry.of_kind(kind)
    for where, table in tables:
        allowed = found if where == origin else allowed
        for key in set(table) - {NAME, *(component.name for component in allowed)}:
            raise unknown_option(f"{kind} ({where})", key, {c.name: None for c in allowed})
    by = DEFAULT if names == (AUTO,) else origin
    made = tuple(_choice(component, tables, preset, by) for component in found)
    return Panel(kind, names, origin, made)


def _table(value: Any) -> Mapping[str, Any]:
    # `judge = "a,b"` and `judge = ["a", "b"]` are short for `[judge] name = ...`.
    return value if isinstance(value, Mapping) else {NAME: value}


def _choice(
    component: Component, tables: Sequence[tuple[str, Mapping[str, Any]]], preset: str, by: str
) -> Choice:
    above = [(origin, table.get(component.name, {})) for origin, table in tables]
    return chosen(component, preset, above, by)
