"""An executor runs the map-like stages: in this process, in local workers, or on a cluster."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar, runtime_checkable

Item = TypeVar("Item")
Result = TypeVar("Result")


class Executor(Protocol):
    """Maps a function over items."""

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Results in the order of the items, with a bounded number of items in flight.

        The function and the items must be picklable. The first exception is raised in place of its
        result, and no further items are started.
        """
        ...


@runtime_checkable
class Cluster(Executor, Protocol):
    """An executor whose workers are other machines.

    `aukit compare` gives it whole runs, each from a thread of its own.
    """

    def at_once(self) -> int:
        """Number of items, at least 1, that run at a time now; others wait."""
        ...


class Portable:
    """Base of frozen dataclasses that executors map; only their fields are pickled.

    Cached properties, such as loaded models, are not pickled: each worker builds its own.
    """

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        entries = dataclasses.fields(self)  # type: ignore[arg-type]  # of a subclass
        return type(self), tuple(getattr(self, entry.name) for entry in entries)
