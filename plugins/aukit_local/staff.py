"""Worker processes that stay for a while."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from aukit.errors import StageError
from aukit.machine.devices import usable_processors
from aukit.machine.parent import end_worker_with_parent

IDLE = 30.0
"""Seconds after which idle workers end, and give their memory back."""


class Staff:
    """Starts workers when there is work, and ends them when there has been none for `IDLE` seconds.

    Args:
        workers: number of worker processes.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._working = 0
        self._timer: threading.Timer | None = None

    @contextlib.contextmanager
    def at_work(self) -> Iterator[ProcessPoolExecutor]:
        """The workers, which are not idle until the block ends.

        Those of which one has died are not used again.
        """
        pool = self._begin()
        try:
            yield pool
        except StageError as error:
            if isinstance(error.__cause__, BrokenProcessPool):
                self._drop(pool)
            raise
        finally:
            self._end()

    def _begin(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._working += 1
            self._pool = self._pool or _started(self.workers)
            return self._pool

    def _end(self) -> None:
        with self._lock:
            self._working -= 1
            if self._working == 0:
                # Not a reference: workers also end when nobody can give them work any more.
                self._timer = threading.Timer(IDLE, _leave, [weakref.ref(self)])
                self._timer.daemon = True
                self._timer.start()

    def leave(self) -> None:
        """End the workers, if they are idle."""
        with self._lock:
            if self._working == 0 and self._pool is not None:
                self._pool.shutdown(wait=False)
                self._pool = None

    def _drop(self, pool: ProcessPoolExecutor) -> None:
        with self._lock:
            pool.shutdown(wait=True, cancel_futures=True)
            if self._pool is pool:
                self._pool = None


def _leave(who: weakref.ref[Staff]) -> None:
    if (staff := who()) is not None:
        staff.leave()


def _started(workers: int) -> ProcessPoolExecutor:
    threads = max(1, usable_processors() // workers)
    return ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(threads,),
    )


def _start_worker(threads: int) -> None:
    # An interrupt reaches the whole process group; the parent alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_worker_with_parent()
    import torch

    torch.set_num_threads(threads)
