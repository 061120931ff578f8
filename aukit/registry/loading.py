"""Loads plugins, one guarded step at a time, and finds components by name.

A broken plugin never breaks the program: it is recorded, shown by `aukit plugins`, and named in the
error when the component that somebody asked for could have been its. Nothing overrides silently: a
name that two distributions offer is an error naming both, raised only when that name is asked for.
"""

from __future__ import annotations

import difflib
import functools
import importlib.metadata
import inspect
import os
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from aukit import hooks
from aukit.components import KINDS, Component, validate
from aukit.errors import ConfigError, PluginError

if TYPE_CHECKING:
    from aukit.contracts.weights import Weights

GROUP = "aukit.plugins"
ONLY_VARIABLE = "AUKIT_PLUGINS"
BLOCK_VARIABLE = "AUKIT_BLOCK"


@dataclass
class Plugin:
    """What became of one entry point.

    Attributes:
        distribution, version, name: where it comes from.
        error: why it is not in use, None if it is.
        components: the records that it contributed.
        commands: the commands that it contributed, name -> (target, short help).
    """

    distribution: str
    version: str
    name: str
    error: str | None = None
    components: list[Component] = field(default_factory=list)
    commands: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def qualified(self) -> str:
        """`distribution:entry point`; unique, unlike the entry point's name alone."""
        return f"{self.distribution}:{self.name}"


class Registry:
    """The plugins of this process and their components.

    Args:
        entry_points: (distribution, version, entry point) triples; by default those installed.
        only: load only these entry points or distributions; None loads all. The environment
            variable AUKIT_PLUGINS (comma-separated, empty for none) says the same.
        block: leave these out. The environment variable AUKIT_BLOCK says the same.
    """

    def __init__(
        self,
        entry_points: Iterable[tuple[str, str, Any]] | None = None,
        only: Iterable[str] | None = None,
        block: Iterable[str] = (),
    ) -> None:
        self.manager = pluggy.PluginManager(hooks.PROJECT)
        self.manager.add_hookspecs(hooks)
        self.plugins: list[Plugin] = []
        chosen = _from_environment(ONLY_VARIABLE) if only is None else set(only)
        blocked = set(block) | (_from_environment(BLOCK_VARIABLE) or set())
        points = installed_entry_points() if entry_points is None else entry_points
        for distribution, version, point in points:
            names = {distribution, point.name, f"{distribution}:{point.name}"}
            if names & blocked or (chosen is not None and not names & chosen):
                continue
            self._load(Plugin(distribution, version, point.name), point)

    def _load(self, plugin: Plugin, point: Any) -> None:
        self.plugins.append(plugin)
        try:
            self.register(plugin, point.load())
        except (Exception, SystemExit) as error:  # a plugin may raise anything at all
            plugin.error = _reason(error)

    def register(self, plugin: Plugin, module: object) -> None:
        """Register a plugin module and collect its records.

        Raises:
            PluginError: an unknown hook, or a malformed record.
        """
        _check_hooks(module)
        try:
            self.manager.register(module, plugin.qualified)
            components = [
                _stamp(component, plugin, kind.name)
                for kind in KINDS.values()
                for component in _call(module, kind.hook)
            ]
            plugin.commands = _commands(_call(module, "aukit_commands"))
            plugin.components = components
        except BaseException:
            # pluggy keeps a plugin that failed validation in its list.
            if self.manager.is_registered(module):
                self.manager.unregister(module)
            raise

    @property
    def components(self) -> list[Component]:
        """All components of working plugins."""
        return [component for plugin in self.plugins for component in plugin.components]

    @property
    def broken(self) -> list[Plugin]:
        """Plugins that could not be used."""
        return [plugin for plugin in self.plugins if plugin.error is not None]

    def of_kind(self, kind: str) -> list[Component]:
        """Components of a kind, by name."""
        found = [component for component in self.components if component.kind == kind]
        return sorted(found, key=lambda component: component.qualified)

    def find(self, kind: str, name: str) -> Component:
        """The component of a kind that a name means: `2d`, `procrustes`, `aukit-facs/procrustes`.

        Raises:
            ConfigError: no such component, or several.
        """
        offered = self.of_kind(kind)
        exact = [c for c in offered if name in {f"{c.distribution}/{n}" for n in c.names}]
        matches = exact or [c for c in offered if name in c.names]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise _ambiguous(kind, name, matches)
        raise self._unknown(kind, name, offered)

    def find_any(self, name: str) -> list[Component]:
        """All components of any kind that a name means."""
        return [c for c in self.components if name in (*c.names, c.qualified)]

    def _unknown(self, kind: str, name: str, offered: list[Component]) -> ConfigError:
        names = sorted({known for component in offered for known in component.names})
        if KINDS[kind].optional:
            names.append("none")
        near = difflib.get_close_matches(name, names, n=1)
        message = f"unknown {kind} '{name}'"
        if self.broken:
            reasons = "; ".join(f"{plugin.qualified}: {plugin.error}" for plugin in self.broken)
            message += f"; it may belong to a plugin that could not be loaded ({reasons})"
        hint = f"did you mean '{near[0]}'? " if near else ""
        return ConfigError(message, f"{hint}installed: {', '.join(names) or 'none at all'}")

    def commands(self, reserved: Collection[str] = ()) -> dict[str, tuple[str, str]]:
        """Commands that plugins add: name -> (`package.module:command`, short help).

        A name that is reserved, or that two plugins offer, is spelled `distribution/name`: nothing
        overrides silently.
        """
        offered = [(p, name, entry) for p in self.plugins for name, entry in p.commands.items()]
        counts = Counter(name for _, name, _ in offered)
        return {
            name if counts[name] == 1 and name not in reserved else f"{p.distribution}/{name}": e
            for p, name, e in offered
        }

    def weights(self) -> dict[str, Weights]:
        """Weights that plugins know, by name."""
        found: dict[str, Weights] = {}
        for plugin in self.plugins:
            module = self.manager.get_plugin(plugin.qualified)
            try:
                found.update((entry.name, entry) for entry in _call(module, "aukit_weights"))
            except Exception as error:  # asked late, since the records need more imports
                plugin.error = _reason(error)
        return found

    def resolve_weights(self, ref: str) -> Path:
        """A checked local file for a weights name or a path.

        Raises:
            MissingWeights: it is not on this machine; the hint says how to get it.
        """
        answer: Path | None = self.manager.hook.aukit_resolve_weights(ref=ref)
        if answer is not None:
            return answer
        from aukit.registry import weights

        path: Path = weights.resolve(ref, self.weights())
        return path


@functools.cache
def default_registry() -> Registry:
    """The registry of this process, loaded once."""
    return Registry()


def resolve_weights(ref: str) -> Path:
    """`Registry.resolve_weights` of this process; unlike the method it can be pickled."""
    return default_registry().resolve_weights(ref)


def installed_entry_points() -> list[tuple[str, str, Any]]:
    """Entry points of aukit plugins in this environment, in a stable order."""
    triples = {
        (point.dist.name, point.dist.version, point)
        for point in importlib.metadata.entry_points(group=GROUP)
        if point.dist is not None
    }
    return sorted(triples, key=lambda triple: (triple[0], triple[2].name))


def _from_environment(variable: str) -> set[str] | None:
    text = os.environ.get(variable)
    return None if text is None else {part.strip() for part in text.split(",") if part.strip()}


def _reason(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _call(module: object, hook: str) -> Iterable[Any]:
    """What a module's implementation of a collecting hook returns; nothing if it has none."""
    implementation = getattr(module, hook, None)
    return () if implementation is None else implementation() or ()


def _commands(found: Any) -> dict[str, tuple[str, str]]:
    commands = dict(found)
    for name, entry in commands.items():
        if not (isinstance(entry, tuple) and len(entry) == 2 and ":" in entry[0]):
            raise PluginError(f"command {name!r} must be ('package.module:command', 'short help')")
    return commands


def _check_hooks(module: object) -> None:
    """Refuse a hook that would never be called: pluggy passes over a misspelt one in silence.

    Raises:
        PluginError: an unknown hook, or a hook without its marker.
    """
    known = [name for name in vars(hooks) if hasattr(getattr(hooks, name), f"{hooks.PROJECT}_spec")]
    for name in dir(module):
        # Statically: a module may compute attributes, and import heavily to do so.
        value = inspect.getattr_static(module, name, None)
        marked = hasattr(value, f"{hooks.PROJECT}_impl")
        if marked and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"hooks: {', '.join(known)}"
            raise PluginError(f"'{name}' is no hook", hint)
        if name in known and not marked and not hasattr(value, f"{hooks.PROJECT}_spec"):
            raise PluginError(f"'{name}' lacks the marker @hookimpl")


def _stamp(component: Any, plugin: Plugin, kind: str) -> Component:
    if not isinstance(component, Component):
        raise PluginError(f"hook {KINDS[kind].hook} must return Component records")
    if component.kind != kind:
        raise PluginError(f"{component.name!r} is of kind {component.kind!r}, given as {kind!r}")
    validate(component)
    return replace(
        component,
        distribution=plugin.distribution,
        version=plugin.version,
        entry_point=plugin.name,
    )


def _ambiguous(kind: str, name: str, matches: list[Component]) -> ConfigError:
    names = " and ".join(f"{c.qualified} {c.version}" for c in matches)
    first = f"{matches[0].distribution}/{name}"
    return ConfigError(f"{kind} '{name}' is provided by {names}", f"write {first}")
