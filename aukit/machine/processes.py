"""Distributed training (torchrun): ranks, shares of a batch, averaged gradients."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from aukit.errors import StageError


def world_size() -> int:
    """Number of processes that train together under torchrun; 1 without."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Rank of this process; 0 without torchrun."""
    return int(os.environ.get("RANK", "0"))


@contextlib.contextmanager
def distributed(device: str) -> Iterator[None]:
    """Join the torchrun process group within the block, if there is one."""
    if world_size() == 1 or torch.distributed.is_initialized():
        yield
        return
    if (place := torch.device(device)).type != "cpu":
        torch.accelerator.set_device_index(place.index or 0)  # else NCCL would use device 0 in all
    torch.distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield
    finally:
        torch.distributed.destroy_process_group()


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
