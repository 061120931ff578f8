"""Holds components to their contracts, at the one place where they are built (`choice.make`).

The methods of a built component are wrapped: what they return is checked, and what they raise is
put down to this component, whoever called it. A rule looks at shapes, types and finite numbers, so
it costs next to nothing; `aukit.testing` looks closer, and off line.

A held component is given a subclass of its own class, made here. Plainer ways do not hold what
authors may write. A proxy is no instance of the author's class, and since Python 3.12 `isinstance`
no longer finds the methods of an optional contract (`RendersTruth`, `ShowsViews`) behind one. A
wrapper set on the instance needs a `__dict__`, which classes with slots have not, and a pickled or
copied component would carry it along, bound to the original.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from aukit.components import Component
from aukit.config.choice import current_stage, told
from aukit.config.rules import REQUIRED, RULES, BrokenRuleError, Rule
from aukit.errors import PluginError


def hold(component: Any, record: Component) -> Any:
    """The component with its methods wrapped; also a copy or a pickled one works, then unwrapped.

    Raises:
        PluginError: it lacks a method of its contract.
    """
    kind = type(component)
    rules = RULES[record.kind]
    fits_weights = record.kind == "aligner" and hasattr(kind, "fit")  # of `Component.fitter`
    for name in ("fit", "save") if fits_weights else REQUIRED[record.kind]:
        if not callable(getattr(component, name, None)):
            raise PluginError(f"{_who(record)} breaks its contract: it has no method '{name}'")
    methods = {
        name: _wrapped(name, rule, record)
        for name, rule in rules.items()
        if callable(getattr(kind, name, None))
    }
    body: dict[str, Any] = {
        "__module__": kind.__module__,
        "__doc__": kind.__doc__,
        "__reduce_ex__": _reduced,
    }
    if not hasattr(component, "__dict__"):
        body["__slots__"] = ()
    # Also of a frozen dataclass, which refuses the plain assignment.
    object.__setattr__(component, "__class__", type(kind.__name__, (kind,), {**body, **methods}))
    return component


def _reduced(self: Any, protocol: Any) -> Any:
    """A held component travels as what its author wrote: its class has no name to be found by."""
    held, written = type(self), type(self).__mro__[1]
    made, arguments, *rest = super(held, self).__reduce_ex__(protocol)
    swapped = tuple(written if value is held else value for value in arguments)
    return (_remade, (written if made is held else made, swapped), *rest)


def _remade(make: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    return make(*arguments)


def _wrapped(name: str, rule: Rule, record: Component) -> Callable[..., Any]:
    def method(self: Any, *arguments: Any, **named: Any) -> Any:
        with _told(name, record):
            found = getattr(super(type(self), self), name)(*arguments, **named)
            checked = rule(self, found, *arguments, *named.values())
        return _streamed(checked, name, record) if inspect.isgenerator(checked) else checked

    return method


def _streamed(stream: Iterator[Any], name: str, record: Component) -> Iterator[Any]:
    end = object()
    while True:
        with _told(name, record):
            item = next(stream, end)
        if item is end:
            return
        yield item


@contextlib.contextmanager
def _told(method: str, record: Component) -> Iterator[None]:
    with told(record, current_stage() or method):
        try:
            yield
        except BrokenRuleError as broken:
            raise PluginError(f"{_who(record)} breaks its contract: {method} {broken}") from broken


def _who(record: Component) -> str:
    return f"{record.kind} '{record.name}' ({record.distribution} {record.version})"
