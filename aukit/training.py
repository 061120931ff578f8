"""What every fitted component shares: device, precision, processes, checkpoints and exact resume.

`train` is the one loop. A component hands it a `Recipe`: its modules, its optimizers and a function
that makes one step. The loop seeds torch before every step from the run's seed and the step's
number, so a step does the same whether or not the process was restarted before it.
"""

from __future__ import annotations

import contextlib
import copy
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.errors import DataError, StageError
from aukit.models import save_tensors
from aukit.progress import Progress, Silent
from aukit.seeds import seed_of

CHECKPOINT = "checkpoint.safetensors"
SCALARS = "scalars.jsonl"

Scalars = Mapping[str, float]

Paint = Callable[[FaceBatch, Labels], Tensor]
"""Paints faces with target AUs as the networks stand now: (B, 3, S, S) uint8 on the CPU."""


@dataclass(frozen=True)
class Session:
    """Where and how a component is fitted.

    Attributes:
        folder: for checkpoints and scalars; survives a kill, and a later attempt continues in it.
        device: torch device name.
        seed: seed of everything random in this fit.
        progress: shows how far it is.
        on_scalars: told the step and its numbers.
        preview: given the step and a `Paint`, shows what a synthesizer paints by now.
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
        """A session for one of several networks of a fit, with a folder and seed of its own."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return replace(self, folder=folder, seed=seed_of(self.seed, name))

    def show(self, step: int, paint: Paint) -> None:
        """Let whoever watches see what a synthesizer paints after `step`; once, not per process."""
        if self.preview is not None and rank() == 0:
            self.preview(step, paint)

    def prepare(self, module: nn.Module) -> nn.Module:
        """The module on the device, channels last, compiled and distributed as asked."""
        module = module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self.compile:
            module.compile()
        if world_size() > 1:
            on_gpu = not self.device.startswith("cpu")
            return DistributedDataParallel(module, [self.device] if on_gpu else None)
        return module

    def images(self, batch: Tensor) -> Tensor:
        """A batch of images (B, C, H, W) on the device, channels last."""
        return batch.to(self.device, memory_format=torch.channels_last, non_blocking=True)

    def autocast(self, enabled: bool = True) -> contextlib.AbstractContextManager[Any]:
        """bfloat16 where the device is fast at it; float32 elsewhere."""
        kind = self.device.partition(":")[0]
        able = kind == "cuda" and torch.cuda.is_bf16_supported()
        if not (enabled and able):
            return contextlib.nullcontext()
        return torch.autocast(kind, torch.bfloat16)


def world_size() -> int:
    """Processes that train together (torchrun); 1 without."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Number of this process among them."""
    return int(os.environ.get("RANK", "0"))


@contextlib.contextmanager
def distributed(device: str) -> Iterator[None]:
    """Join the other processes of torchrun for the length of the block, if there are any."""
    if world_size() == 1 or torch.distributed.is_initialized():
        yield
        return
    torch.distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield
    finally:
        torch.distributed.destroy_process_group()


def own_share(indices: Sequence[int]) -> Sequence[int]:
    """The part of a batch that this process computes; equal parts, so gradients average exactly.

    Raises:
        StageError: the batch cannot be divided.
    """
    if len(indices) % world_size():
        raise StageError(
            f"a batch of {len(indices)} cannot be shared by {world_size()} processes",
            "choose a batch size that the number of processes divides",
        )
    return indices[rank() :: world_size()]


def unwrap(module: nn.Module) -> nn.Module:
    """The module itself, without the distributed wrapper."""
    return module.module if isinstance(module, DistributedDataParallel) else module


class Best(nn.Module):
    """Keeps the copy of a module that scored best so far; part of the checkpoint like any module.

    Args:
        module: what is kept.
    """

    score: Tensor
    step: Tensor

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = copy.deepcopy(module).requires_grad_(False)
        self.register_buffer("score", torch.tensor(-math.inf, dtype=torch.float64))
        self.register_buffer("step", torch.tensor(-1))

    def offer(self, score: float, step: int, module: nn.Module) -> bool:
        """Keep the module if it scores better; the first offer is kept even if undefined (NaN)."""
        better = score > float(self.score) or int(self.step) < 0
        if better:
            self.module.load_state_dict(module.state_dict())
            self.score.fill_(-math.inf if math.isnan(score) else score)
            self.step.fill_(step)
        return better


@dataclass(frozen=True)
class Recipe:
    """What `train` needs of a component.

    Attributes:
        modules: everything with a state, by name; wrapped or not.
        optimizers: by name.
        steps: how many steps there are.
        step: makes step number n and returns its losses (scalars on any device).
        every: call `on_tick` after each so many steps, and after the last.
        on_tick: validation, pictures; returns further scalars.
    """

    modules: Mapping[str, nn.Module]
    optimizers: Mapping[str, Optimizer]
    steps: int
    step: Callable[[int], Mapping[str, Tensor]]
    every: int = 0
    on_tick: Callable[[int], Scalars] | None = None


def train(name: str, recipe: Recipe, session: Session) -> None:
    """Run a recipe to its end, from its last checkpoint if there is one.

    Args:
        name: shown beside the progress.
        recipe: what to do.
        session: where.

    Raises:
        StageError: a loss is not finite (the checkpoint before it is kept).
        DataError: the checkpoint is of another network, or damaged.
    """
    start = restore(recipe, session)
    scalars = _ScalarLog(session, start)
    saved = time.monotonic()
    with session.progress.start(name, recipe.steps) as bar, _without_denormals():
        bar.advance(start)
        for number in range(start, recipe.steps):
            torch.manual_seed(seed_of(session.seed, "step", number, rank()))
            scalars.add(recipe.step(number))
            done = number + 1
            if done == recipe.steps or (recipe.every and done % recipe.every == 0):
                values = scalars.flush(number, name)
                extra = recipe.on_tick(number) if recipe.on_tick else {}
                scalars.write(number, {**values, **extra})
                bar.note(_short({**values, **extra}))
            bar.advance()
            if time.monotonic() - saved > session.checkpoint_every and done < recipe.steps:
                checkpoint(recipe, session, done, scalars.pending)
                saved = time.monotonic()


@contextlib.contextmanager
def _without_denormals() -> Iterator[None]:
    """Vanishing gradients become zeros instead of denormal numbers, which slow a CPU tenfold."""
    flushed = bool(torch.tensor(1e-40) * 1 == 0)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(flushed)


def _short(values: Scalars) -> str:
    return "  ".join(f"{key} {value:.3g}" for key, value in values.items())


class _ScalarLog:
    """Means of losses between ticks, as JSON lines; lines after the checkpoint are made again."""

    def __init__(self, session: Session, start: int) -> None:
        self.session = session
        self.path = session.folder / SCALARS
        self.pending: dict[str, list[float]] = _read_pending(session.folder) if start else {}
        kept = [line for line in read_scalars(self.path) if line["step"] < start]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        if rank() == 0:
            self.path.write_text(text, encoding="utf-8")

    def add(self, losses: Mapping[str, Tensor]) -> None:
        for key, value in losses.items():
            self.pending.setdefault(key, []).append(float(value.detach()))

    def flush(self, step: int, name: str) -> dict[str, float]:
        means = {key: math.fsum(values) / len(values) for key, values in self.pending.items()}
        self.pending = {}
        for key, value in means.items():
            if not math.isfinite(value):
                raise StageError(
                    f"{name}: {key} is {value} at step {step}: the training diverged",
                    "lower the learning rate, or see scalars.jsonl for where it began",
                )
        return means

    def write(self, step: int, values: Scalars) -> None:
        if rank() != 0:
            return
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **_finite(values)}) + "\n")
        if self.session.on_scalars is not None:
            self.session.on_scalars(step, values)


def _finite(values: Scalars) -> dict[str, float | None]:
    # JSON has no NaN; null says "undefined" to every reader.
    return {key: value if math.isfinite(value) else None for key, value in values.items()}


def read_scalars(path: Path) -> list[dict[str, Any]]:
    """The lines of a scalars file; a line cut off by a kill is left out."""
    lines = []
    if path.is_file():
        for text in path.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                lines.append(json.loads(text))
    return lines


def checkpoint(
    recipe: Recipe, session: Session, step: int, pending: Mapping[str, list[float]]
) -> None:
    """Write everything needed to continue with step number `step`, in one file at once."""
    if rank() != 0:
        return
    tensors: dict[str, Tensor] = {}
    for name, module in recipe.modules.items():
        for key, value in unwrap(module).state_dict().items():
            tensors[f"module/{name}/{key}"] = value.detach().clone(
                memory_format=torch.contiguous_format
            )
    notes: dict[str, Any] = {"step": step, "pending": dict(pending), "optimizers": {}}
    for name, optimizer in recipe.optimizers.items():
        state = optimizer.state_dict()
        notes["optimizers"][name] = state["param_groups"]
        for parameter, values in state["state"].items():
            for key, value in values.items():
                kept = torch.as_tensor(value).detach().clone(memory_format=torch.contiguous_format)
                tensors[f"optimizer/{name}/{parameter}/{key}"] = kept
    save_tensors(session.folder / CHECKPOINT, tensors, {"aukit": json.dumps(notes)})


def restore(recipe: Recipe, session: Session) -> int:
    """Bring a recipe to its last checkpoint.

    Returns:
        the number of the step to continue with; 0 without a checkpoint.

    Raises:
        DataError: the checkpoint is damaged or of another network.
    """
    path = session.folder / CHECKPOINT
    if not path.is_file():
        return 0
    try:
        notes, tensors = _read_notes(path), load_file(path, device="cpu")
        for name, module in recipe.modules.items():
            unwrap(module).load_state_dict(_below(tensors, f"module/{name}/"))
        for name, optimizer in recipe.optimizers.items():
            state = _optimizer_state(_below(tensors, f"optimizer/{name}/"))
            groups = notes["optimizers"][name]
            optimizer.load_state_dict({"state": state, "param_groups": groups})
            _match_layout(optimizer)
    except (SafetensorError, RuntimeError, KeyError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"checkpoint {path} cannot be continued: {reason}", "delete it to start this stage anew"
        ) from error
    return int(notes["step"])


def _match_layout(optimizer: Optimizer) -> None:
    """Give the optimizer's moments the memory layout of their parameters, as before the kill."""
    for parameter, values in optimizer.state.items():
        for key, value in values.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                values[key] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _read_notes(path: Path) -> dict[str, Any]:
    with safe_open(path, "pt") as file:
        notes: dict[str, Any] = json.loads(file.metadata()["aukit"])
        return notes


def _read_pending(folder: Path) -> dict[str, list[float]]:
    pending: dict[str, list[float]] = _read_notes(folder / CHECKPOINT)["pending"]
    return pending


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _optimizer_state(flat: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in flat.items():
        parameter, key = name.split("/")
        state.setdefault(int(parameter), {})[key] = value
    return state
