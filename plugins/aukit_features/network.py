"""The head `network`: one hidden layer, fitted with Adam to the same inputs as a ridge.

A ridge gives every fold and edge the same meaning on every face. A hidden layer can tell, for
example, the fold of a smile from that of an old face.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from aukit.contracts.session import Session
from aukit.seeds import seed_of
from aukit.training.loop import train
from aukit.training.recipe import Recipe
from aukit_features.regression import Regression
from aukit_features.ridge import Linear, Problem

HIDDEN, DROPOUT = 128, 0.05
EPOCHS, BATCH = 8, 128
LEAST_STEPS = 1000
"""Steps of the fit to few faces, for which that many epochs are too short."""

LEARNING_RATE, WEIGHT_DECAY = 1e-3, 1e-2


def fit_network(problem: Problem, session: Session) -> Regression:
    """Fit a network with one hidden layer, by the weighted squared error.

    Args:
        problem: (N, K) inputs, and one target for each of A outputs.
        session: session of this network alone.

    Raises:
        StageError: the training diverged.
    """
    return _NetworkFit(problem, session).run()


class _NetworkFit:
    """The fit of one network."""

    def __init__(self, problem: Problem, session: Session) -> None:
        used = (problem.weights > 0).any(1)
        # One factor for all inputs keeps their proportions, by which the first components lead.
        self.scale = 1 / problem.rows[used].std().clamp_min(1e-12)
        self.rows = session.moved(problem.rows[used] * self.scale)
        weights, targets = problem.weights[used], problem.targets[used].squeeze(-1)
        # Nothing that is unknown may spread: NaN times 0 is NaN.
        self.targets = session.moved(torch.where(weights > 0, targets, 0.0))
        self.weights = session.moved(weights)
        self.session = session
        self.batch = min(BATCH, len(self.rows))
        self.per_epoch = len(self.rows) // self.batch
        self.steps = max(self.per_epoch * EPOCHS, LEAST_STEPS)
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))

    def run(self) -> Regression:
        """Fit, and fold the scale of the inputs into the first map."""
        self.network = self._fresh()
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY
        )
        train(
            f"fit {self.session.folder.name}",
            Recipe(
                modules={"network": self.network},
                optimizers={"adam": self.optimizer},
                steps=self.steps,
                step=self.step,
                every=self.per_epoch,
            ),
            self.session,
        )
        _, hidden, _, _, out = self.network.cpu()
        first, second = _linear(hidden), _linear(out)
        return Regression(Linear(first.weight * self.scale, first.bias), second)

    def _fresh(self) -> nn.Sequential:
        torch.manual_seed(seed_of(self.session.seed, "initialize"))
        inputs, outputs = self.rows.shape[1], self.targets.shape[1]
        network = nn.Sequential(
            nn.Dropout(DROPOUT / 2),
            nn.Linear(inputs, HIDDEN),
            nn.GELU(),
            nn.Dropout(DROPOUT),
            nn.Linear(HIDDEN, outputs),
        )
        return network.to(self.session.device)

    def step(self, number: int) -> dict[str, Tensor]:
        """Train on one batch; the learning rate falls along half a cosine."""
        for group in self.optimizer.param_groups:
            group["lr"] = LEARNING_RATE * (1 + math.cos(math.pi * number / self.steps)) / 2
        epoch, place = divmod(number, self.per_epoch)
        chosen = self.order(epoch)[place * self.batch : (place + 1) * self.batch]
        self.network.train()
        errors = (self.network(self.rows[chosen]) - self.targets[chosen]).square()
        weights = self.weights[chosen]
        loss = (errors * weights).sum() / weights.sum().clamp_min(1e-6)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return {"loss": loss}

    def order(self, epoch: int) -> Tensor:
        """The rows of an epoch in random order."""
        if epoch != self._order[0]:
            generator = torch.Generator().manual_seed(seed_of(self.session.seed, "order", epoch))
            drawn = torch.randperm(len(self.rows), generator=generator)
            self._order = (epoch, drawn.to(self.session.device))
        return self._order[1]


def _linear(layer: nn.Module) -> Linear:
    """A layer of the network as a map on rows."""
    assert isinstance(layer, nn.Linear)
    return Linear(layer.weight.detach().T.contiguous(), layer.bias.detach())
