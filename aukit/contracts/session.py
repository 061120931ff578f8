"""The session of a fit: device, progress, and a folder for checkpoints."""

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
"""Synthesizes faces with target AUs using the current networks: (B, 3, S, S) uint8 on the CPU."""


@dataclass(frozen=True)
class Session:
    """Device, folder, seed and callbacks of a fit.

    Attributes:
        folder: folder for checkpoints and scalars; it survives a kill, and a later attempt
            continues from it.
        device: torch device name.
        seed: seed of everything random in this fit.
        progress: shows progress.
        on_scalars: receives the step and its scalars.
        preview: receives the step and a `Paint`, to show what the synthesizer makes so far.
        checkpoint_every: seconds between checkpoints.
        compile: whether to compile the networks (worthwhile only for long fits).
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
        """A session for one of several networks of a fit, with its own folder and seed.

        Its scalars are reported as `name/loss`, since each network counts its own steps.
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
        """Show observers what the synthesizer makes after `step`; once, not per process."""
        if self.preview is not None and rank() == 0:
            self.preview(step, paint)

    def place(self, module: nn.Module) -> nn.Module:
        """Move a module to the device, channels last, compiled if requested.

        For fits that average gradients themselves (`average_gradients`). A compiled module cannot
        be differentiated twice; call its `forward` instead where that is needed.
        """
        module = module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self.compile:
            module.compile()
        return module

    def prepare(self, module: nn.Module) -> nn.Module:
        """Place a module, and distribute it if there are several processes."""
        module = self.place(module)
        if world_size() > 1:
            on_gpu = not self.device.startswith("cpu")
            return DistributedDataParallel(module, [self.device] if on_gpu else None)
        return module

    def images(self, batch: Tensor) -> Tensor:
        """Move a batch of images (B, C, H, W) to the device, channels last."""
        return self.moved(batch).contiguous(memory_format=torch.channels_last)

    def moved(self, values: Tensor) -> Tensor:
        """Move values to the device asynchronously."""
        if self.device.startswith("cuda") and values.device.type == "cpu":
            values = values.pin_memory()  # asynchronous copies need pinned memory
        return values.to(self.device, non_blocking=True)

    def autocast(self, enabled: bool = True) -> contextlib.AbstractContextManager[Any]:
        """Autocast to bfloat16 if the device is fast at it; else float32."""
        return precision(self.device) if enabled else contextlib.nullcontext()
