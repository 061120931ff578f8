"""What a check is given: a component with options, and how to make instances of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from aukit.components import Component
from aukit.config.choice import build
from aukit.config.values import Value
from aukit.contracts.context import Context


class CheckFailed(AssertionError):
    """A component broke its contract."""


class CheckSkipped(Exception):
    """A check cannot be made here, e.g. because weights are not on this machine."""


@dataclass(frozen=True)
class Subject:
    """A component under test.

    Attributes:
        component: its record.
        options: option values that differ from its `quick` preset, or from its defaults where it
            has no such preset; choose small sizes.
        context: device, seed and weights.
        pictures: for landmarkers: uint8 (3, H, W) pictures with faces that it should find.
        faces: for aligners that drawn faces with 68 points do not suit: uint8 (3, H, W) pictures,
            and for each the `Faces` of its one face, e.g. `aukit.testing.heads.turned_heads`.
    """

    component: Component
    options: Mapping[str, Any] = field(default_factory=dict)
    context: Context = field(default_factory=Context)
    pictures: Callable[[], list[Any]] | None = None
    faces: Callable[[], tuple[list[Any], list[Any]]] | None = None

    def settings(self) -> Any:
        """The options object."""
        layers = [self.component.preset("quick"), self.options]
        named = [{key: Value(raw, "check") for key, raw in layer.items()} for layer in layers]
        return build(self.component, named)[0]

    def make(self) -> Any:
        """A fresh instance."""
        return self.component.load()(self.settings(), self.context)

    def __str__(self) -> str:
        return f"{self.component.kind}-{self.component.name}"


Check = Callable[[Subject], None]
"""Raises `CheckFailed` with what is wrong, or `CheckSkipped` with why it cannot tell."""


def require(condition: object, message: str) -> None:
    """Fail a check unless the condition holds."""
    if not condition:
        raise CheckFailed(message)


def skip(reason: str) -> NoReturn:
    """Leave a check out."""
    raise CheckSkipped(reason)
