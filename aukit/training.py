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
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from aukit.checkpoints import CHECKPOINT, checkpoint, restore
from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.errors import StageError
from aukit.processes import (
    average_gradients,
    distributed,
    own_share,
    rank,
    unwrap,
    world_size,
)
from aukit.progress import Progress, Silent
from aukit.seeds import seed_of

__all__ = [
    "CHECKPOINT", "SCALARS", "Best", "Ema", "Paint", "Recipe", "Scalars", "Session",
    "average_gradients", "distributed", "own_share", "rank", "read_scalars", "train", "unwrap",
    "world_size",
]  # fmt: skip

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
        """A session for one of several networks of a fit, with a folder and seed of its own.

        Its scalars are told as `name/loss`: the networks' steps are not the same.
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
        """Let whoever watches see what a synthesizer paints after `step`; once, not per process."""
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
        return batch.to(self.device, memory_format=torch.channels_last, non_blocking=True)

    def autocast(self, enabled: bool = True) -> contextlib.AbstractContextManager[Any]:
        """bfloat16 where the device is fast at it; float32 elsewhere."""
        kind = self.device.partition(":")[0]
        able = kind == "cuda" and torch.cuda.is_bf16_supported()
        if not (enabled and able):
            return contextlib.nullcontext()
        return torch.autocast(kind, torch.bfloat16)


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


class Ema(nn.Module):
    """The exponential moving average of a module's state; part of the checkpoint like any module.

    The first averages forget faster, min(decay, (1 + n) / (10 + n)) after n updates, so that the
    initial weights are soon gone.

    Args:
        module: what is averaged; its state now is where the average starts.
        decay: share of the average that an update keeps, in [0, 1); 0 follows the module.
    """

    updates: Tensor

    def __init__(self, module: nn.Module, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.module = copy.deepcopy(module).requires_grad_(False)
        self.register_buffer("updates", torch.tensor(0))

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Move the average towards the module as it is now."""
        count = int(self.updates)
        weight = 1 - min(self.decay, (1 + count) / (10 + count))
        current = module.state_dict()
        for key, mean in self.module.state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(current[key], weight)
            else:
                mean.copy_(current[key])
        self.updates += 1


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
        StageError: a loss or a weight is not finite (the checkpoint before it is kept).
        DataError: the checkpoint is of another network, or damaged.
    """
    start, pending = restore(recipe, session.folder)
    scalars = _ScalarLog(session, start, pending)
    saved = time.monotonic()
    with session.progress.start(name, recipe.steps) as bar, _without_denormals():
        bar.advance(start)
        for number in range(start, recipe.steps):
            torch.manual_seed(seed_of(session.seed, "step", number, rank()))
            scalars.add(number, recipe.step(number))
            done = number + 1
            if done == recipe.steps or (recipe.every and done % recipe.every == 0):
                values = scalars.flush(name)
                extra = recipe.on_tick(number) if recipe.on_tick else {}
                scalars.write(number, {**values, **extra})
                bar.note(_short({**values, **extra}))
            bar.advance()
            if time.monotonic() - saved > session.checkpoint_every and done < recipe.steps:
                scalars.refuse_divergence(name)
                refuse_broken_weights(name, recipe, number)
                checkpoint(recipe, session.folder, done, scalars.pending)
                saved = time.monotonic()
    refuse_broken_weights(name, recipe, recipe.steps - 1)


@contextlib.contextmanager
def _without_denormals() -> Iterator[None]:
    """Vanishing gradients become zeros instead of denormal numbers, which slow a CPU tenfold."""
    flushed = bool(torch.tensor(1e-40) * 1 == 0)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(flushed)


def refuse_broken_weights(name: str, recipe: Recipe, step: int) -> None:
    """Stop before weights that are no numbers are kept.

    Raises:
        StageError: a module holds NaN or infinity; the message names it.
    """
    for label, module in recipe.modules.items():
        # The learned state alone: buffers may hold infinities on purpose, as `Best` does.
        if any(not bool(p.isfinite().all()) for p in unwrap(module).parameters()):
            raise _diverged(name, f"a weight of {label} is not finite", step)


def _diverged(name: str, what: str, step: int) -> StageError:
    return StageError(
        f"{name}: {what} at step {step}: the training diverged",
        "lower the learning rate, or see scalars.jsonl for where it began",
    )


def _short(values: Scalars) -> str:
    return "  ".join(f"{key} {value:.3g}" for key, value in values.items())


class _ScalarLog:
    """Means of losses between ticks, as JSON lines; lines after the checkpoint are made again."""

    def __init__(self, session: Session, start: int, pending: dict[str, list[float]]) -> None:
        self.session = session
        self.path = session.folder / SCALARS
        self.pending = pending
        self._fresh: list[tuple[int, Mapping[str, Tensor]]] = []
        kept = [line for line in read_scalars(self.path) if line["step"] < start]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        if rank() == 0:
            self.path.write_text(text, encoding="utf-8")

    def add(self, step: int, losses: Mapping[str, Tensor]) -> None:
        # Reading a number off an accelerator waits for it, so that is left for later.
        self._fresh.append((step, {key: value.detach() for key, value in losses.items()}))

    def refuse_divergence(self, name: str) -> None:
        """Read the losses added since the last time.

        Raises:
            StageError: one is not finite; the message names the first.
        """
        fresh, self._fresh = self._fresh, []
        for step, losses in fresh:
            for key, value in losses.items():
                number = float(value)
                if not math.isfinite(number):
                    raise _diverged(name, f"{key} is {number}", step)
                self.pending.setdefault(key, []).append(number)

    def flush(self, name: str) -> dict[str, float]:
        """The means since the last flush."""
        self.refuse_divergence(name)
        means = {key: math.fsum(values) / len(values) for key, values in self.pending.items()}
        self.pending = {}
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
