"""Progress reporting that is independent of the display.

The command line shows bars (`aukit.cli.console.RichProgress`); from Python nothing is shown unless
a `Progress` is passed.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol, Self


class Bar(Protocol):
    """A task in progress; a context manager that ends with the task."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def advance(self, n: int = 1) -> None:
        """Advance by `n` items."""
        ...

    def note(self, text: str) -> None:
        """Replace the remark beside the bar, e.g. the current loss."""
        ...


class Rate:
    """Measures items per second since the start.

    Args:
        unit: name of the items, plural.
    """

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._begin = time.monotonic()
        self._done = 0

    def advance(self, bar: Bar, n: int = 1) -> None:
        """Advance a bar by `n` items and note the rate on it."""
        self._done += n
        bar.advance(n)
        seconds = max(time.monotonic() - self._begin, 1e-9)
        bar.note(f"{self._done / seconds:.1f} {self._unit}/s")


class Progress(Protocol):
    """Receives progress."""

    def start(self, name: str, total: int | None = None) -> Bar:
        """Start a task; `total` is the number of items, None if unknown."""
        ...


class SilentBar:
    """A bar without display."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing to close."""

    def advance(self, n: int = 1) -> None:
        """Ignored."""

    def note(self, text: str) -> None:
        """Ignored."""


class Silent:
    """The default of programs: no display."""

    def start(self, name: str, total: int | None = None) -> SilentBar:
        """A bar without display."""
        return SilentBar()
