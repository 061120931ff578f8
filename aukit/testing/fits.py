"""Checks of fits on the training layer: a kill must not show in what they learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aukit.contracts.session import Session
from aukit.progress import SilentBar
from aukit.testing.subject import CheckFailed, require
from aukit.training.loop import SCALARS, read_scalars


class Kill(Exception):
    """Stands for a kill between two steps."""


class Killing:
    """A listener (`Progress`) that kills what it listens to.

    Args:
        steps: after so many steps, those of earlier attempts included.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def start(self, name: str, total: int | None = None) -> SilentBar:
        """A piece of work begins."""
        return _Fuse(self.steps)


class _Fuse(SilentBar):
    def __init__(self, steps: int) -> None:
        self._left = steps

    def advance(self, n: int = 1) -> None:
        self._left -= n
        if self._left <= 0:
            raise Kill


def require_exact_resume(
    fit: Callable[[Session], Mapping[str, Tensor]],
    folder: Path,
    kills: Sequence[int],
    seed: int = 3,
) -> None:
    """A fit that is killed ends bit for bit as one that is not, in weights and scalars.

    Args:
        fit: fits a fresh component with `aukit.training.loop.train`; returns all that it learned.
        folder: an empty one, for both fits.
        kills: it is killed after so many steps, goes on, is killed after so many, and so on.
        seed: of both fits.
    """
    (folder / "whole").mkdir()
    (folder / "killed").mkdir()
    whole = Session(folder / "whole", seed=seed)
    killed = replace(whole, folder=folder / "killed", checkpoint_every=0.0)
    expected = fit(whole)
    for steps in kills:
        try:
            fit(replace(killed, progress=Killing(steps)))
        except Kill:
            continue
        raise CheckFailed(f"the fit ends in fewer than {steps} steps: it cannot be killed there")
    learned = fit(killed)
    require(set(learned) == set(expected), f"a killed fit learned {set(learned) ^ set(expected)}")
    for name, value in expected.items():
        require(torch.equal(learned[name], value), f"{name} is another in a fit that was killed")
    require(_scalars(whole) == _scalars(killed), "a fit that was killed tells other scalars")


def _scalars(session: Session) -> dict[Path, Any]:
    found = session.folder.rglob(SCALARS)
    return {path.relative_to(session.folder): read_scalars(path) for path in found}
