"""The recipe of a fit: modules, optimizers, steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn
from torch.optim import Optimizer

from aukit.contracts.session import Scalars


@dataclass(frozen=True)
class Recipe:
    """What `train` needs from a component.

    Attributes:
        modules: everything with a state, by name; wrapped or not.
        optimizers: optimizers by name.
        steps: number of steps.
        step: makes step number n and returns its losses (scalars on any device).
        every: `on_tick` is called after every this many steps, and after the last.
        on_tick: for validation and pictures; returns further scalars.
    """

    modules: Mapping[str, nn.Module]
    optimizers: Mapping[str, Optimizer]
    steps: int
    step: Callable[[int], Mapping[str, Tensor]]
    every: int = 0
    on_tick: Callable[[int], Scalars] | None = None
