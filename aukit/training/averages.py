"""Averaged weights, and the best weights so far."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn


class Best(nn.Module):
    """Keeps the best-scoring copy of a module; part of the checkpoint like any module.

    Args:
        module: module to keep.
    """

    score: Tensor
    step: Tensor

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = copy.deepcopy(module).requires_grad_(False)
        self.register_buffer("score", torch.tensor(-math.inf, dtype=torch.float64))
        self.register_buffer("step", torch.tensor(-1))

    def offer(self, score: float, step: int, module: nn.Module) -> bool:
        """Keep the module if it scores better; the first is kept even if its score is NaN."""
        better = score > float(self.score) or int(self.step) < 0
        if better:
            self.module.load_state_dict(module.state_dict())
            self.score.fill_(-math.inf if math.isnan(score) else score)
            self.step.fill_(step)
        return better


class Ema(nn.Module):
    """The exponential moving average of a module's state; part of the checkpoint like any module.

    Early averages decay faster, min(decay, (1 + n) / (10 + n)) after n updates, so that the initial
    weights are soon forgotten.

    Args:
        module: module to average; the average starts from its current state.
        decay: share of the average kept in an update, in [0, 1); 0 follows the module.
    """

    updates: Tensor

    def __init__(self, module: nn.Module, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.module = copy.deepcopy(module).requires_grad_(False)
        self.register_buffer("updates", torch.tensor(0))
        self._count: int | None = 0
        self.register_load_state_dict_post_hook(_forget_count)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Move the average towards the module's current state."""
        # Reading the buffer would synchronize with the device in every step.
        count = int(self.updates) if self._count is None else self._count
        weight = 1 - min(self.decay, (1 + count) / (10 + count))
        current = module.state_dict()
        for key, mean in self.module.state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(current[key], weight)
            else:
                mean.copy_(current[key])
        self.updates += 1
        self._count = count + 1


def _forget_count(module: nn.Module, _: object) -> None:
    module._count = None  # type: ignore[assignment]
