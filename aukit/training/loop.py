"""The training loop of all fitted components: precision, processes, checkpoints and exact resume.

A component passes `train` a `Recipe`: its modules, its optimizers and a function that makes one
step. The loop seeds torch before every step from the run's seed and the step number, so a step is
the same whether or not the process was restarted before it.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aukit.contracts.session import Scalars, Session
from aukit.errors import StageError
from aukit.machine.processes import (
    rank,
    unwrap,
)
from aukit.seeds import seed_of
from aukit.store.files import read_lines
from aukit.training.checkpoints import checkpoint, restore
from aukit.training.recipe import Recipe

SCALARS = "scalars.jsonl"


def train(name: str, recipe: Recipe, session: Session) -> None:
    """Run a recipe to its end, starting from its last checkpoint if there is one.

    Args:
        name: shown beside the progress.
        recipe: recipe of the fit.
        session: session of the fit.

    Raises:
        StageError: a loss or a weight is not finite (the checkpoint before it is kept).
        DataError: the checkpoint is damaged or of another network.
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
    """Flush denormal numbers to zero: vanishing gradients would slow a CPU tenfold."""
    flushed = bool(torch.tensor(1e-40) * 1 == 0)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(flushed)


def refuse_broken_weights(name: str, recipe: Recipe, step: int) -> None:
    """Refuse to store weights that are not finite.

    Raises:
        StageError: a module holds NaN or infinity; the message names it.
    """
    for label, module in recipe.modules.items():
        # Parameters only: buffers may hold infinities on purpose, as in `Best`.
        if any(not bool(p.isfinite().all()) for p in unwrap(module).parameters()):
            raise _diverged(name, f"a weight of {label} is not finite", step)


def _diverged(name: str, what: str, step: int) -> StageError:
    return StageError(
        f"{name}: {what} at step {step}: the training diverged",
        "lower the learning rate; scalars.jsonl shows where it began",
    )


def _short(values: Scalars) -> str:
    return "  ".join(f"{key} {value:.3g}" for key, value in values.items())


class _ScalarLog:
    """Mean losses between ticks, as JSON lines; lines after the last checkpoint are rewritten."""

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
        # Reading a value from an accelerator blocks, so it is deferred.
        self._fresh.append((step, {key: value.detach() for key, value in losses.items()}))

    def refuse_divergence(self, name: str) -> None:
        """Check the losses added since the last call.

        Raises:
            StageError: a loss is not finite; the message names the first.
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
    # JSON has no NaN; null means undefined.
    return {key: value if math.isfinite(value) else None for key, value in values.items()}


def read_scalars(path: Path) -> list[dict[str, Any]]:
    """The lines of a scalars file; a truncated line is skipped."""
    return read_lines(path)
