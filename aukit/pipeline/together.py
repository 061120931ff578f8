"""A run in several processes, started by torchrun: process 0 runs it, the others join its fits.

Only process 0 takes locks, registers, writes and draws. It announces each fit in torchrun's
key-value store. Waiting there has no timeout, unlike collective calls: registration may take hours.
"""

from __future__ import annotations

import base64
import itertools
import pickle
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from aukit.config.run import RunConfig
from aukit.errors import ConfigError
from aukit.estimation.options import FitOptions as EstimatorOptions
from aukit.machine.devices import resolve_device
from aukit.machine.processes import has_failed, rank, shared_store, world_size
from aukit.pipeline.stage import Stage
from aukit.pipeline.work import Work
from aukit.progress import Silent
from aukit.registry.loading import resolve_weights
from aukit.synthesis.options import FitOptions as SynthOptions

POLL = 0.2
"""Seconds between looks for the next fit."""

_announced = itertools.count()


def announce(fit: tuple[Stage, Path] | None) -> None:
    """Tell the other processes to join a fit.

    Args:
        fit: stage and folder of the fit; None: the run has ended.
    """
    if world_size() > 1:
        # Pickled like the items of executors: both ends are processes of this command.
        text = base64.b64encode(pickle.dumps(fit)).decode()
        shared_store().set(_key(next(_announced)), text)


def _key(number: int) -> str:
    return f"aukit/fit{number}"


def _fits() -> Iterator[tuple[Stage, Path]]:
    """The fits that process 0 announces."""
    for number in itertools.count():
        while not shared_store().check([_key(number)]):
            if has_failed():
                raise SystemExit(1)  # the process that failed has reported why
            time.sleep(POLL)
        fit = pickle.loads(base64.b64decode(shared_store().get(_key(number))))
        if fit is None:
            return
        yield fit


def joined(config: RunConfig) -> bool:
    """Join the fits of the run, unless this is the process that runs it.

    Args:
        config: configuration of the run.

    Returns:
        whether this process joined; the run has then ended.
    """
    if rank() == 0:
        return False
    device = resolve_device(config.options.device)
    work = Work(device, resolve_weights, Silent(), config.need("executor"))
    for stage, folder in _fits():
        stage.compute(folder, work)
    return True


def refuse_unequal_shares(config: RunConfig, kinds: Sequence[str]) -> None:
    """Refuse, before anything is registered, batches that the processes cannot share equally.

    Args:
        config: configuration of the run.
        kinds: kinds of component that will be fitted.

    Raises:
        ConfigError: a batch size is not a multiple of the number of processes.
    """
    count = world_size()
    for kind in kinds:
        choice = config.components[kind]
        if choice is None or not isinstance(choice.options, (SynthOptions, EstimatorOptions)):
            continue
        if (batch := choice.options.batch) % count:
            raise ConfigError(
                f"{kind}.batch is {batch}, which {count} processes cannot share equally",
                f"set --{kind}.batch to a multiple, such as {-(-batch // count) * count}",
            )


def refuse_second_run() -> None:
    """Refuse to start a run in a process that should join one.

    Raises:
        ConfigError: this is not process 0 of torchrun.
    """
    if rank() > 0:
        raise ConfigError(
            f"process {rank()} of torchrun cannot start a run of its own",
            "under torchrun, use `aukit run` or `aukit fit`",
        )
