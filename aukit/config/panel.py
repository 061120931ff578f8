"""The choice of several components of one kind side by side: the judges of a score card.

In a run file

    [judge]
    name = "blendshapes,mobilenet"       # or "auto", or "none"

    [judge.mobilenet]
    weights = "mobilenet-v2-imagenet"

and on the command line `--judge blendshapes,mobilenet --judge.mobilenet.weights ...`.
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
        kind: their kind.
        names: what was asked for: `auto`, `none`, or names.
        origin: where that came from.
        choices: the components.
    """

    kind: str
    names: tuple[str, ...]
    origin: str
    choices: tuple[Choice, ...]

    def to_json(self) -> dict[str, Any]:
        """The table of a run file that resolves to this again."""
        options = {choice.component.name: plain(choice.options) for choice in self.choices}
        return {NAME: ",".join(self.names), **{key: made for key, made in options.items() if made}}

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """(setting, value, origin) of everything, for tables."""
        yield self.kind, ",".join(self.names), self.origin
        for choice in self.choices:
            for name, value in plain(choice.options).items():
                label = f"{self.kind}.{choice.component.name}.{name}"
                yield label, str(value), choice.origins[name]


def members(registry: Registry, kind: str, names: Sequence[str]) -> list[Component]:
    """The components that `auto`, `none` or some names mean.

    Raises:
        ConfigError: a name that means no component, several, or one that was named before.
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
    """The components that layers of settings mean, later layers winning.

    Raises:
        ConfigError: an unknown name or option, or a value that is not accepted.
    """
    tables = [(origin, _table(document.get(kind, {}))) for origin, document in layers]
    named = [(table[NAME], origin) for origin, table in tables if NAME in table]
    raw, origin = named[-1] if named else (KINDS[kind].default or "none", DEFAULT)
    names = coerce(raw, tuple[str, ...], f"{kind} ({origin})")
    found = members(registry, kind, names)
    # What an earlier layer said of components that a later one does not name is ignored.
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
