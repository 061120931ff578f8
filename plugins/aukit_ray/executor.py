"""Items on the nodes of a Ray cluster.

An item contains everything it needs except the files of datasets, models and weights, which every
node must have at the same paths. Results are returned over Ray and written by the calling process.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report usage over the network

import ray
from ray import cloudpickle
from ray.exceptions import RayError, RayTaskError

from aukit.contracts.context import Context
from aukit.errors import ConfigError, StageError
from aukit.machine.devices import usable_processors
from aukit_ray.plugin import RayConfig

Item = TypeVar("Item")
Result = TypeVar("Result")


class RayExecutor:
    """Runs several items at once on the cluster.

    Ray repeats items whose node or worker died. Items are pure functions of their input, so results
    do not depend on where they run.
    """

    def __init__(self, config: RayConfig, context: Context) -> None:
        self.config = config
        whole = 0.0 if context.device == "cpu" else 1.0
        self.gpus = whole if config.gpus is None else config.gpus

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Results in the order of the items.

        Raises:
            ConfigError: there is no such cluster.
            StageError: an item's workers died repeatedly, or no node can take an item.
        """
        connect(self.config.address)
        task = ray.remote(_work_on).options(
            num_cpus=self.config.cpus,
            num_gpus=self.gpus,
            max_retries=self.config.retries,
            scheduling_strategy="SPREAD",
        )
        packed = ray.put(cloudpickle.dumps(function))
        waiting = enumerate(items)
        running: deque[tuple[int, Any]] = deque()
        # Items in flight are not cancelled where this ends early: they are few and end by
        # themselves, and Ray ends this process if one comes to its end as it is cancelled.
        while True:
            most = self.at_once() * self.config.ahead
            for place, item in islice(waiting, max(0, most - len(running))):
                running.append((place, task.remote(packed, self.config.cpus, item)))
            if not running:
                return
            yield _result(*running.popleft())

    def at_once(self) -> int:
        """Items that run at a time, by what the cluster has now: nodes come and go.

        Raises:
            ConfigError: there is no such cluster.
            StageError: it will never run one.
        """
        connect(self.config.address)
        has = ray.cluster_resources()
        most = has.get("CPU", 0.0) / self.config.cpus
        if self.gpus:
            most = min(most, has.get("GPU", 0.0) / self.gpus)
        if most < 1:
            raise StageError(
                f"the Ray cluster has {has.get('CPU', 0):g} processors and {has.get('GPU', 0):g} "
                f"GPUs; an item needs {self.config.cpus:g} and {self.gpus:g}",
                "add nodes, or set --executor.cpus and --executor.gpus",
            )
        return int(most)


def connect(address: str) -> None:
    """Connect to a cluster, or start one here; once per process.

    Raises:
        ConfigError: there is none at the address.
    """
    if ray.is_initialized():
        return
    own: dict[str, Any] = {"num_cpus": usable_processors(), "include_dashboard": False}
    try:
        with _signals_kept():
            ray.init(
                address=address or "local",
                log_to_driver=False,
                logging_level=logging.ERROR,
                **({} if address else own),
            )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"no Ray cluster at '{address}': {error}",
            "start one with: ray start --head; or leave out --executor.address",
        ) from error


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray answers a request to end (SIGTERM) itself; runs end in their own good order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _result(place: int, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except RayTaskError as error:
        cause = error.cause if isinstance(error.cause, Exception) else error
        cause.add_note(f"item {place}, on a Ray worker")
        raise cause from error
    except RayError as error:
        raise StageError(
            f"item {place} could not be finished on the Ray cluster: {type(error).__name__}",
            "its workers died, perhaps for lack of memory: see the cluster's logs, and give items "
            "more processors with --executor.cpus",
        ) from error


def _work_on(packed: bytes, cpus: float, item: Any) -> Any:
    return _function(packed, cpus)(item)


@functools.lru_cache(maxsize=1)
def _function(packed: bytes, cpus: float) -> Callable[[Any], Any]:
    """What a worker does: unpacked once, so that components serve all items to come."""
    import torch

    torch.set_num_threads(max(1, int(cpus)))
    function: Callable[[Any], Any] = cloudpickle.loads(packed)
    return function
