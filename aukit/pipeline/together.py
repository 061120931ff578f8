"""A run in several processes, started by torchrun: process 0 runs it, the others join its fits.

Only process 0 takes locks, registers, writes and draws. It announces each fit in torchrun's
key-value store. Waiting there has no timeout, unlike collective calls: registration may take hours.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from aukit.config.choice import Choice
from aukit.config.run import RunConfig
from aukit.errors import ConfigError
from aukit.estimation.options import FitOptions as EstimatorOptions
from aukit.machine.devices import resolve_device
from aukit.machine.processes import has_failed, rank, shared_store, world_size
from aukit.pipeline.stage import Fitted, Stage
from aukit.pipeline.stages.fit_estimator import FitEstimator
from aukit.pipeline.stages.fit_synth import FitSynth, Watched
from aukit.pipeline.work import Work
from aukit.progress import Silent
from aukit.registry.loading import resolve_weights
from aukit.store.stages import Result
from aukit.synthesis.options import FitOptions as SynthOptions

POLL = 0.2
"""Seconds between looks for the next fit."""

_announced = itertools.count()


_RECORDS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (FitSynth, FitEstimator, Watched, Fitted, Result)
}
"""What a fit consists of, besides paths, text and numbers."""


def announce(config: RunConfig, fit: tuple[Stage, Path] | None) -> None:
    """Tell the other processes to join a fit.

    Args:
        config: configuration of the run, which all processes know.
        fit: stage and folder of the fit; None: the run has ended.
    """
    if world_size() > 1:
        text = json.dumps(_plain(fit, _choices(config)))
        shared_store().set(_key(next(_announced)), text)


def _choices(config: RunConfig) -> list[Choice]:
    """All components of a run, in an order that is the same in all processes."""
    found = [*config.components.values(), config.yardstick]
    for role in config.roles.values():
        found += [role.data, role.landmarker, role.aligner]
    return [choice for choice in found if choice is not None]


def _plain(value: Any, choices: Sequence[Choice]) -> Any:
    """A fit as JSON values; a component is its place among the run's."""
    if isinstance(value, Choice):
        return {"choice": choices.index(value)}
    if isinstance(value, Path):
        return {"path": str(value)}
    if isinstance(value, tuple):
        return [_plain(part, choices) for part in value]
    if type(value).__name__ in _RECORDS:
        own = {entry.name: _plain(getattr(value, entry.name), choices) for entry in fields(value)}
        return {type(value).__name__: own}
    return value


def _rebuilt(value: Any, choices: Sequence[Choice]) -> Any:
    """What `_plain` was given."""
    if isinstance(value, list):
        return tuple(_rebuilt(part, choices) for part in value)
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "choice":
        return choices[content]
    if kind == "path":
        return Path(content)
    return _RECORDS[kind](**{name: _rebuilt(part, choices) for name, part in content.items()})


def _key(number: int) -> str:
    return f"aukit/fit{number}"


def _fits(config: RunConfig) -> Iterator[tuple[Stage, Path]]:
    """The fits that process 0 announces."""
    for number in itertools.count():
        while not shared_store().check([_key(number)]):
            if has_failed():
                raise SystemExit(1)  # the process that failed has reported why
            time.sleep(POLL)
        fit = _rebuilt(json.loads(shared_store().get(_key(number))), _choices(config))
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
    for stage, folder in _fits(config):
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
