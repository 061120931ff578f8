"""How a fit is to be done: steps, rates, precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn
from torch.optim import Optimizer

from aukit.contracts.session import Scalars


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
