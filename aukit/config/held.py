"""Enforces the contracts of components, at the one place where they are built (`choice.make`).

The methods of a built component are wrapped: their results are checked, and their errors are
attributed to this component, wherever it is called. The rules check only shapes, types and
finiteness, so they cost next to nothing; `aukit.testing` checks more, offline.

A held component's class is replaced by a subclass made here. Simpler ways fail for some classes. A
proxy is not an instance of the author's class, and since Python 3.12 `isinstance` does not see the
methods of an optional contract (`RendersTruth`, `ShowsViews`) through one. A wrapper set on the
instance needs a `__dict__`, which classes with slots lack, and a pickled or copied component would
carry it along, bound to the original.
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
    """The component with its methods wrapped; copies and pickles of it work too, unwrapped.

    Raises:
        PluginError: the component lacks a method of its contract.
    """
    kind = type(component)
    rules = RULES[record.kind]
    fits_weights = record.kind == "aligner" and hasattr(kind, "fit")  # by `Component.fitter`
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
    # `object.__setattr__`, since frozen dataclasses refuse plain assignment.
    object.__setattr__(component, "__class__", type(kind.__name__, (kind,), {**body, **methods}))
    return component


def _reduced(self: Any, protocol: Any) -> Any:
    """Pickle a held component as its author's class, since the generated one cannot be imported."""
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
