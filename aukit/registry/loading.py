"""Loads plugins, one guarded step at a time, and finds components by name.

A broken plugin never breaks the program. It is recorded, shown by `aukit plugins`, and named in the
error if a requested component is unknown. Nothing is overridden silently: a name offered by two
distributions is an error that names both, raised only when the name is requested. aukit's own names
cannot be taken: a component that claims one causes a warning, and can be used as
`distribution/name`.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import logging
import os
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from aukit import hooks
from aukit.components import KINDS, Component
from aukit.errors import AukitError, ConfigError
from aukit.faults import is_interrupt, reason
from aukit.registry.checks import call, check_hooks, checked, commands_of
from aukit.registry.entry_points import OWN, installed_entry_points

if TYPE_CHECKING:
    from aukit.contracts.weights import Weights

ONLY_VARIABLE = "AUKIT_PLUGINS"
BLOCK_VARIABLE = "AUKIT_BLOCK"

_log = logging.getLogger(__name__)


@dataclass
class Plugin:
    """An entry point and what it provided.

    Attributes:
        distribution, version, name: where it comes from.
        error: why it is not in use; None if it is.
        components: records it provided.
        commands: commands it provided, name -> (target, short help).
        models: models it provided, name -> (`package:folder`, summary).
    """

    distribution: str
    version: str
    name: str
    error: str | None = None
    components: list[Component] = field(default_factory=list)
    commands: dict[str, tuple[str, str]] = field(default_factory=dict)
    models: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def qualified(self) -> str:
        """`distribution:entry point`; unique, unlike the entry point's name."""
        return f"{self.distribution}:{self.name}"


class Registry:
    """The plugins of this process and their components.

    Args:
        entry_points: (distribution, version, entry point) triples; by default those installed.
        only: load only these entry points or distributions; None loads all. The environment
            variable AUKIT_PLUGINS (comma-separated, empty for none) does the same.
        block: do not load these. The environment variable AUKIT_BLOCK does the same.
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
        self._warned: set[str] = set()
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
            # Keep standard output clean: a program may read it (`--json`).
            with contextlib.redirect_stdout(sys.stderr):
                self.register(plugin, point.load())
        except BaseException as error:  # a plugin may raise anything
            if is_interrupt(error):
                raise
            plugin.error = reason(error)

    def register(self, plugin: Plugin, module: object) -> None:
        """Register a plugin module and collect its records.

        Raises:
            PluginError: a hook is unknown, or a record is malformed.
        """
        check_hooks(module)
        try:
            self.manager.register(module, plugin.qualified)
            components = [
                _stamp(checked(component, kind.name), plugin)
                for kind in KINDS.values()
                for component in call(module, kind.hook)
            ]
            plugin.commands = commands_of(call(module, "aukit_commands"))
            plugin.models = commands_of(call(module, "aukit_models"), "model")
            plugin.components = components
        except BaseException:
            # pluggy keeps a plugin in its list after a failed validation.
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
        """Components of a kind, sorted by name."""
        found = [component for component in self.components if component.kind == kind]
        return sorted(found, key=lambda component: component.qualified)

    def find(self, kind: str, name: str) -> Component:
        """Find a component by name or alias: `2d`, `procrustes`, `aukit-facs/procrustes`.

        Raises:
            ConfigError: the name is unknown or ambiguous.
        """
        offered = self.of_kind(kind)
        exact = [c for c in offered if name in {f"{c.distribution}/{n}" for n in c.names}]
        matches = exact or [c for c in offered if name in c.names]
        if len(matches) > 1 and (own := [c for c in matches if c.distribution == OWN]):
            self._warn(f"{kind} '{name}'", own[0].qualified, [c for c in matches if c not in own])
            matches = own
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise _ambiguous(kind, name, matches)
        raise self._unknown(kind, name, offered)

    def _warn(self, name: str, own: str, others: Sequence[Component]) -> None:
        claims = " and ".join(other.qualified for other in others)
        text = f"{name} is {own}; {claims} claims the same name, use the qualified name to "
        "select it"
        if text not in self._warned:
            self._warned.add(text)
            _log.warning(text)

    def find_any(self, name: str) -> list[Component]:
        """All components of any kind with a given name."""
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

        A name that is reserved, or that two plugins offer, is spelled `distribution/name`, so that
        nothing is overridden silently.
        """
        offered = [(p, name, entry) for p in self.plugins for name, entry in p.commands.items()]
        counts = Counter(name for _, name, _ in offered)
        return {
            name if counts[name] == 1 and name not in reserved else f"{p.distribution}/{name}": e
            for p, name, e in offered
        }

    def weights(self) -> dict[str, Weights]:
        """Weights provided by plugins, by name.

        If several distributions use one name, aukit's own keep it and the others are called
        `distribution/name`; if none is aukit's, all are.
        """
        offered: dict[str, dict[str, Weights]] = {}
        for plugin in self.plugins:
            module = self.manager.get_plugin(plugin.qualified)
            try:
                known = list(call(module, "aukit_weights"))
                for entry in known:
                    offered.setdefault(entry.name, {})[plugin.distribution] = entry
            except BaseException as error:  # called late, since these records need more imports
                if is_interrupt(error):
                    raise
                plugin.error = reason(error)
        return {
            name if one == OWN or len(offers) == 1 else f"{one}/{name}": entry
            for name, offers in offered.items()
            for one, entry in offers.items()
        }

    def resolve_weights(self, ref: str) -> Path:
        """The verified local file for a weights name or a path.

        Raises:
            MissingWeights: it is not on this machine; the hint tells how to get it.
        """
        for listener in reversed(self.manager.hook.aukit_resolve_weights.get_hookimpls()):
            name = listener.plugin_name
            try:
                found: Any = listener.function(*(ref for _ in listener.argnames))
            except AukitError:
                raise
            except BaseException as error:
                if is_interrupt(error):
                    raise
                _log.warning("plugin %s cannot look for weights: %s", name, reason(error))
                continue
            if found is not None:
                return Path(found)
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


def _from_environment(variable: str) -> set[str] | None:
    text = os.environ.get(variable)
    return None if text is None else {part.strip() for part in text.split(",") if part.strip()}


def _stamp(component: Component, plugin: Plugin) -> Component:
    return replace(
        component,
        distribution=plugin.distribution,
        version=plugin.version,
        entry_point=plugin.name,
    )


def _ambiguous(kind: str, name: str, matches: list[Component]) -> ConfigError:
    names = " and ".join(f"{c.qualified} {c.version}" for c in matches)
    first = f"{matches[0].distribution}/{name}"
    return ConfigError(f"{kind} '{name}' is provided by {names}", f"use {first}")
