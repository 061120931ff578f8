"""Distributed training (torchrun): ranks, shares of a batch, averaged gradients, one failure."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import nn
from torch.distributed import PrefixStore, Store  # type: ignore[attr-defined]  # undeclared
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from aukit.errors import AukitError, StageError
from aukit.faults import reason

_FAILURE, _ENDED = "aukit/failure", "aukit/ended"
GRACE = timedelta(seconds=60)
"""How long a process that fails waits for process 0 to record the failure."""
_groups = itertools.count()


def world_size() -> int:
    """Number of processes that train together under torchrun; 1 without."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Rank of this process; 0 without torchrun."""
    return int(os.environ.get("RANK", "0"))


@functools.cache
def shared_store() -> Store:
    """The key-value store that torchrun gives its processes."""
    store: Store = next(rendezvous("env://"))[0]
    return store


@contextlib.contextmanager
def distributed(device: str) -> Iterator[None]:
    """Join the torchrun process group within the block, if there is one.

    Raises:
        StageError: another process failed first; the message says which, and why.
    """
    if world_size() == 1 or torch.distributed.is_initialized():
        yield
        return
    if (place := torch.device(device)).type != "cpu":
        torch.accelerator.set_device_index(place.index or 0)  # else NCCL would use device 0 in all
    torch.distributed.init_process_group(
        "nccl" if device.startswith("cuda") else "gloo",
        # A part of the store for each group, since the addresses of an earlier group are stale.
        store=PrefixStore(f"aukit/group{next(_groups)}", shared_store()),
        rank=rank(),
        world_size=world_size(),
    )
    try:
        yield
    except Exception as error:
        first = first_failure(error)  # recorded before the others lose the connection
        if first.rank == rank():
            raise
        raise StageError(f"process {first.rank} failed: {first.text}") from error
    finally:
        torch.distributed.destroy_process_group()


@dataclass(frozen=True)
class Failure:
    """The failure of a process.

    Attributes:
        rank: rank of the process.
        text: what went wrong.
    """

    rank: int
    text: str


def first_failure(error: BaseException) -> Failure:
    """The first failure among all processes of torchrun, which is this one if none was recorded.

    Only that process reports its error: the others fail because of it, or in the same way.
    """
    text = str(error) if isinstance(error, AukitError) else reason(error)
    own = Failure(rank(), text)
    try:
        found = shared_store().compare_set(_FAILURE, "", json.dumps([own.rank, own.text]))
    except (RuntimeError, ValueError):  # torchrun has ended already
        return own
    return Failure(*json.loads(found))


def await_first_process() -> None:
    """After a failure, let process 0 record it before torchrun stops it."""
    with contextlib.suppress(RuntimeError, ValueError):  # torchrun has ended already
        if rank() == 0:
            shared_store().set(_ENDED, "yes")
        else:
            shared_store().wait([_ENDED], GRACE)


def has_failed() -> bool:
    """Whether a process of torchrun has failed."""
    return bool(shared_store().check([_FAILURE]))


def own_share(indices: Sequence[int]) -> Sequence[int]:
    """This process's share of a batch; shares are equal, so that gradients average exactly.

    Raises:
        StageError: the batch cannot be divided equally.
    """
    if len(indices) % world_size():
        raise StageError(
            f"a batch of {len(indices)} cannot be shared by {world_size()} processes",
            "choose a batch size that is a multiple of the number of processes",
        )
    return indices[rank() :: world_size()]


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace gradients by their mean over all processes; does nothing for a single process.

    For losses that `DistributedDataParallel` does not support, such as gradient penalties. All
    processes must have gradients of the same parameters.
    """
    if world_size() == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    torch.distributed.all_reduce(flat)
    parts = torch.split(flat / world_size(), [gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view(gradient.shape))


def unwrap(module: nn.Module) -> nn.Module:
    """The module without its distributed wrapper."""
    return module.module if isinstance(module, DistributedDataParallel) else module
