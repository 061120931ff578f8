"""How long work tells somebody how far it is, without knowing who listens.

The command line shows bars (`aukit.cli.console.RichProgress`); from Python nothing is shown unless
a `Progress` is handed over.
"""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self


class Bar(Protocol):
    """One piece of work in progress; a context manager that ends with the work."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def advance(self, n: int = 1) -> None:
        """`n` further items are done."""
        ...

    def note(self, text: str) -> None:
        """Replace the remark beside the bar, e.g. the current loss."""
        ...


class Progress(Protocol):
    """Somebody who listens."""

    def start(self, name: str, total: int | None = None) -> Bar:
        """A piece of work begins; `total` is the number of items, None if it is not known."""
        ...


class SilentBar:
    """A bar that is not shown."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing was shown, so nothing ends."""

    def advance(self, n: int = 1) -> None:
        """Ignored."""

    def note(self, text: str) -> None:
        """Ignored."""


class Silent:
    """The listener of programs that did not bring one."""

    def start(self, name: str, total: int | None = None) -> SilentBar:
        """A bar that is not shown."""
        return SilentBar()
