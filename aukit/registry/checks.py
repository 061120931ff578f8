"""Checks of a plugin module before it is used."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable
from typing import Any

from aukit import hooks
from aukit.components import KINDS, Component, validate
from aukit.errors import PluginError


def call(module: object, hook: str) -> Iterable[Any]:
    """The result of a module's collecting hook; empty if it does not implement the hook."""
    implementation = getattr(module, hook, None)
    return () if implementation is None else implementation() or ()


def commands_of(found: Any, what: str = "command") -> dict[str, tuple[str, str]]:
    """Validate commands or models returned by a hook: name -> (target, short help).

    Raises:
        PluginError: an entry is malformed.
    """
    commands = dict(found)
    for name, entry in commands.items():
        texts = isinstance(entry, tuple) and [*map(type, (name, *entry))] == [str, str, str]
        if not (texts and ":" in entry[0]):
            raise PluginError(f"{what} {name!r} must be ('package.module:{what}', 'short help')")
    return commands


def check_hooks(module: object) -> None:
    """Refuse hooks that would never be called: pluggy silently ignores misspelled ones.

    Raises:
        PluginError: a hook is unknown or lacks its marker.
    """
    known = [name for name in vars(hooks) if hasattr(getattr(hooks, name), f"{hooks.PROJECT}_spec")]
    # Statically, since attributes may be computed with heavy imports.
    own = vars(module) if inspect.ismodule(module) else {}
    for name in dir(module):
        value = own[name] if name in own else inspect.getattr_static(module, name, None)
        marked = hasattr(value, f"{hooks.PROJECT}_impl")
        if marked and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"hooks: {', '.join(known)}"
            raise PluginError(f"'{name}' is not a hook", hint)
        if name in known and not marked and not hasattr(value, f"{hooks.PROJECT}_spec"):
            raise PluginError(f"'{name}' lacks the marker @hookimpl")


def checked(component: Any, kind: str) -> Component:
    """Validate a record returned by a hook for a kind.

    Raises:
        PluginError: it is malformed or of another kind.
    """
    if not isinstance(component, Component):
        raise PluginError(f"hook {KINDS[kind].hook} must return Component records")
    if component.kind != kind:
        raise PluginError(
            f"{component.name!r} is of kind {component.kind!r}, but was returned as {kind!r}"
        )
    validate(component)
    return component
