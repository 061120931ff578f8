"""How long work tells somebody how far it is, without knowing who listens.

The command line shows bars (`aukit.cli.console.RichProgress`); from Python nothing is shown unless
a `Progress` is handed over.
"""

from __future__ import annotations

import time
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


class Rate:
    """How fast work is, since it began.

    Args:
        unit: of what is counted, in the plural.
    """

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._begin = time.monotonic()
        self._done = 0

    def advance(self, bar: Bar, n: int = 1) -> None:
        """`n` further items are done: tell a bar, and how many that makes a second."""
        self._done += n
        bar.advance(n)
        seconds = max(time.monotonic() - self._begin, 1e-9)
        bar.note(f"{self._done / seconds:.1f} {self._unit}/s")


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
