"""What the checks of fitted components share."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aukit.contracts.labels import Labels
from aukit.contracts.session import Session
from aukit.testing.drawn import DrawnFaces
from aukit.testing.subject import Subject, require

STORED = {".safetensors", ".json", ".npz", ".npy", ".parquet", ".txt", ".toml"}
"""Kinds of files that can be read without running code in them."""


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """An empty folder that disappears afterwards."""
    with tempfile.TemporaryDirectory(prefix="aukit-check-") as name:
        yield Path(name)


@contextlib.contextmanager
def session(subject: Subject) -> Iterator[Session]:
    """A fit in a folder that disappears afterwards."""
    with folder() as path:
        yield Session(path, device=subject.context.device, seed=subject.context.seed)


class Disguised(DrawnFaces):
    """Drawn faces whose masked labels hold intensities, which must not be read."""

    def __init__(self, plain: DrawnFaces, value: float) -> None:
        self.__dict__.update(plain.__dict__)
        hidden = torch.where(plain.labels.mask, plain.labels.values, value)
        self.labels = Labels(plain.aus, hidden, plain.labels.mask)


def require_batch_independence(
    run: Callable[[list[int]], Tensor], count: int, tolerance: float, what: str
) -> None:
    """Rows are the same in one batch, in reverse order, and alone.

    Args:
        run: result rows for some of the faces.
        count: number of faces.
        tolerance: largest difference.
        what: named in the failure.
    """
    whole = run(list(range(count)))
    backwards = run(list(range(count))[::-1]).flip(0)
    alone = torch.cat([run([row]) for row in range(count)])
    for other, how in ((backwards, "in reverse order"), (alone, "one by one")):
        require_close(whole, other, tolerance, f"{what} {how}")


def require_close(first: Tensor, second: Tensor, tolerance: float, what: str) -> None:
    """Two results are the same, up to a tolerance."""
    require(first.shape == second.shape, f"{what}: shape {tuple(second.shape)}, {first.shape}")
    gap = float((first.double() - second.double()).abs().max())
    require(gap <= tolerance, f"{what}: results differ by {gap:.3g}")


def require_saves_and_loads(subject: Subject, fitted: Any, run: Callable[[Any], Tensor]) -> None:
    """A fresh instance that loads what was saved gives the same results, from harmless files.

    Args:
        subject: makes the fresh instance.
        fitted: what is saved.
        run: a result of an instance.
    """
    with folder() as path:
        fitted.save(path)
        written = [file for file in path.rglob("*") if file.is_file()]
        require(written, "nothing was saved")
        strange = sorted({file.suffix for file in written} - STORED)
        require(not strange, f"saved files of kind {strange}: use safetensors and JSON")
        fresh = subject.make()
        fresh.load(path)
        require_close(run(fitted), run(fresh), 0, "after saving and loading")
