"""What a fit is given: device, progress, and a folder to continue in."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.machine.devices import precision
from aukit.machine.processes import rank, world_size
from aukit.progress import Progress, Silent
from aukit.seeds import seed_of

Scalars = Mapping[str, float]


Paint = Callable[[FaceBatch, Labels], Tensor]
"""Synthesizes faces with target AUs as the networks stand now: (B, 3, S, S) uint8 on the CPU."""


@dataclass(frozen=True)
class Session:
    """Where and how a component is fitted.

    Attributes:
        folder: for checkpoints and scalars; survives a kill, and a later attempt continues in it.
        device: torch device name.
        seed: seed of everything random in this fit.
        progress: shows how far it is.
        on_scalars: told the step and its numbers.
        preview: given the step and a `Paint`, shows what a synthesizer makes by now.
        checkpoint_every: seconds between checkpoints.
        compile: compile the networks (worth it for long fits only).
    """

    folder: Path
    device: str = "cpu"
    seed: int = 0
    progress: Progress = field(default_factory=Silent)
    on_scalars: Callable[[int, Scalars], None] | None = None
    preview: Callable[[int, Paint], None] | None = None
    checkpoint_every: float = 20.0
    compile: bool = False

    def part(self, name: str) -> Session:
        """A session for one of several networks of a fit, with a folder and seed of its own.

        Its scalars are reported as `name/loss`: the networks' steps are not the same.
        """
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        seed, told = seed_of(self.seed, name), self.on_scalars
        if told is None:
            return replace(self, folder=folder, seed=seed)

        def tell(step: int, values: Scalars) -> None:
            told(step, {f"{name}/{key}": value for key, value in values.items()})

        return replace(self, folder=folder, seed=seed, on_scalars=tell)

    def show(self, step: int, paint: Paint) -> None:
        """Let observers see what a synthesizer makes after `step`; once, not per process."""
        if self.preview is not None and rank() == 0:
            self.preview(step, paint)

    def place(self, module: nn.Module) -> nn.Module:
        """The module itself on the device, channels last, compiled as asked.

        For fits that average gradients themselves (`average_gradients`). A compiled module cannot
        be differentiated twice: call its `forward` where that is needed.
        """
        module = module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self.compile:
            module.compile()
        return module

    def prepare(self, module: nn.Module) -> nn.Module:
        """The module placed, and distributed if there are several processes."""
        module = self.place(module)
        if world_size() > 1:
            on_gpu = not self.device.startswith("cpu")
            return DistributedDataParallel(module, [self.device] if on_gpu else None)
        return module

    def images(self, batch: Tensor) -> Tensor:
        """A batch of images (B, C, H, W) on the device, channels last."""
        return self.moved(batch).contiguous(memory_format=torch.channels_last)

    def moved(self, values: Tensor) -> Tensor:
        """Values on the device, without waiting until they are there."""
        if self.device.startswith("cuda") and values.device.type == "cpu":
            values = values.pin_memory()  # only from there does a copy go on by itself
        return values.to(self.device, non_blocking=True)

    def autocast(self, enabled: bool = True) -> contextlib.AbstractContextManager[Any]:
        """bfloat16 where the device is fast at it; float32 elsewhere."""
        return precision(self.device) if enabled else contextlib.nullcontext()
