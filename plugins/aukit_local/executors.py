"""Executors on this machine: in this process, or in worker processes."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from multiprocessing.reduction import ForkingPickler
from typing import Any, TypeVar

from aukit.contracts.context import Context
from aukit.errors import StageError
from aukit.machine.devices import usable_processors
from aukit.machine.parent import GUARD
from aukit_local.plugin import AutoConfig, InlineConfig, ProcessesConfig
from aukit_local.staff import Staff

Item = TypeVar("Item")
Result = TypeVar("Result")


class Inline:
    """Runs one item after another in this process, lazily."""

    def __init__(self, config: InlineConfig, context: Context) -> None:
        pass

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Results in the order of the items."""
        for place, item in enumerate(items):
            try:
                result = function(item)
            except Exception as error:
                error.add_note(_note(place, item))
                raise
            yield result


class Processes:
    """Runs several items at once in worker processes that share the CPU cores.

    Workers are spawned, not forked: a fork of a process that runs threads (torch) can hang. They
    stay for the next map, since it takes seconds to start one, and end when idle for long.
    """

    def __init__(self, config: ProcessesConfig, context: Context) -> None:
        self.workers = config.workers or usable_processors()
        self.in_flight = self.workers * config.ahead
        self._staff = Staff(self.workers)

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Results in the order of the items; at most `in_flight` items are held at a time.

        Raises:
            StageError: a worker process died.
        """
        packed = bytes(ForkingPickler.dumps(function))
        with self._staff.at_work() as pool:
            running: deque[tuple[int, Item, Future[Any]]] = deque()
            try:
                yield from self._stream(pool, packed, items, running)
            finally:
                for _, _, future in running:
                    future.cancel()
                wait(future for _, _, future in running)

    def _stream(
        self,
        pool: ProcessPoolExecutor,
        packed: bytes,
        items: Iterable[Item],
        running: deque[tuple[int, Item, Future[Any]]],
    ) -> Iterator[Any]:
        waiting = enumerate(items)
        while True:
            for place, item in islice(waiting, self.in_flight - len(running)):
                try:
                    running.append((place, item, pool.submit(_work_on, packed, item)))
                except BrokenProcessPool as error:
                    raise _died(place, item) from error
            if not running:
                return
            yield _result(*running.popleft())


class Auto:
    """Uses worker processes if they pay off, else this process.

    They pay off on a CPU with several cores, for enough items to outweigh the start of workers;
    processes scale better there than threads. Accelerators are not shared.
    """

    def __init__(self, config: AutoConfig, context: Context) -> None:
        self.least = config.least
        self.alone = usable_processors() == 1 or context.device != "cpu"
        self.inline = Inline(InlineConfig(), context)
        self.processes = Processes(ProcessesConfig(), context)

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Results in the order of the items."""
        waiting = iter(items)
        first = list(islice(waiting, self.least))
        few = self.alone or len(first) < self.least
        chosen = self.inline if few else self.processes
        yield from chosen.map(function, chain(first, waiting))


def _result(place: int, item: object, future: Future[Result]) -> Result:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise _died(place, item) from error
    except Exception as error:
        error.add_note(_note(place, item))
        raise


def _died(place: int, item: object) -> StageError:
    return StageError(
        f"a worker process died while working on {_note(place, item)}",
        f"it may have run out of memory: try fewer workers or smaller batches; {GUARD}",
    )


def _note(place: int, item: object) -> str:
    text = " ".join(repr(item).split())
    return f"item {place}: {text if len(text) <= 200 else text[:200] + '...'}"


def _work_on(packed: bytes, item: Any) -> Any:
    return _function(packed)(item)


@functools.lru_cache(maxsize=1)
def _function(packed: bytes) -> Callable[[Any], Any]:
    """What this worker does: unpacked once, so that what it builds (readers, networks) is built
    once; and with the first item, so that the reason is told if it cannot be unpacked."""
    function: Callable[[Any], Any] = ForkingPickler.loads(packed)
    return function
