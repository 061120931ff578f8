"""What a plugin module must be like, checked before anything of it is used."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable
from typing import Any

from aukit import hooks
from aukit.components import KINDS, Component, validate
from aukit.errors import PluginError


def call(module: object, hook: str) -> Iterable[Any]:
    """What a module's implementation of a collecting hook returns; nothing if it has none."""
    implementation = getattr(module, hook, None)
    return () if implementation is None else implementation() or ()


def commands_of(found: Any, what: str = "command") -> dict[str, tuple[str, str]]:
    """Commands, or models, that a hook returned: name -> (target, short help).

    Raises:
        PluginError: an entry is something else.
    """
    commands = dict(found)
    for name, entry in commands.items():
        texts = isinstance(entry, tuple) and [*map(type, (name, *entry))] == [str, str, str]
        if not (texts and ":" in entry[0]):
            raise PluginError(f"{what} {name!r} must be ('package.module:{what}', 'short help')")
    return commands


def check_hooks(module: object) -> None:
    """Refuse a hook that would never be called: pluggy silently ignores a misspelt one.

    Raises:
        PluginError: an unknown hook, or a hook without its marker.
    """
    known = [name for name in vars(hooks) if hasattr(getattr(hooks, name), f"{hooks.PROJECT}_spec")]
    # Statically: a module may compute attributes, and import heavily to do so.
    own = vars(module) if inspect.ismodule(module) else {}
    for name in dir(module):
        value = own[name] if name in own else inspect.getattr_static(module, name, None)
        marked = hasattr(value, f"{hooks.PROJECT}_impl")
        if marked and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"hooks: {', '.join(known)}"
            raise PluginError(f"'{name}' is no hook", hint)
        if name in known and not marked and not hasattr(value, f"{hooks.PROJECT}_spec"):
            raise PluginError(f"'{name}' lacks the marker @hookimpl")


def checked(component: Any, kind: str) -> Component:
    """A record that a hook returned, if it is one of that kind and well-formed.

    Raises:
        PluginError: it is not.
    """
    if not isinstance(component, Component):
        raise PluginError(f"hook {KINDS[kind].hook} must return Component records")
    if component.kind != kind:
        raise PluginError(f"{component.name!r} is of kind {component.kind!r}, given as {kind!r}")
    validate(component)
    return component
