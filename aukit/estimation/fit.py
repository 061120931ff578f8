"""The fit of one network: random order of the planned training set, best step by validation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from aukit.contracts.estimator import TrainingSet
from aukit.contracts.faces import FaceSource
from aukit.contracts.session import Session
from aukit.errors import StageError
from aukit.estimation.augment import augment
from aukit.estimation.images import as_float
from aukit.estimation.network import Network
from aukit.estimation.options import FitOptions
from aukit.estimation.uses import planned
from aukit.machine.processes import own_share, unwrap
from aukit.seeds import seed_of
from aukit.statistics.agreement import agreement_terms, icc
from aukit.training.averages import Best
from aukit.training.loop import train
from aukit.training.recipe import Recipe
from aukit.vision.resize import resized

PREDICT_BATCH = 64


class Fit:
    """One network's fit.

    Args:
        options: options of the fit.
        network: fresh or pretrained network.
        columns: the AUs that it predicts, as columns of the training set.
        train_set: the planned training set.
        valid: faces of other people, to select the best step; if None, the last step is kept.
        session: session of the fit.
    """

    def __init__(
        self,
        options: FitOptions,
        network: Network,
        columns: list[int],
        train_set: TrainingSet,
        valid: FaceSource | None,
        session: Session,
    ) -> None:
        self.options, self.network, self.columns = options, network, columns
        self.session = replace(session, compile=options.compile)
        self.faces, self.valid = train_set.faces, valid
        self.uses = planned(train_set, columns, options)
        self.per_epoch = max(1, int(self.uses.shown.sum()) // options.batch)
        self.steps = self.per_epoch * options.epochs
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))

    def run(self, name: str) -> Network:
        """Fit and return the best network.

        Args:
            name: shown beside the progress.
        """
        options = self.options
        self.model = self.session.prepare(self.network)
        learning = [p for p in self.network.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(
            learning, lr=options.learning_rate, weight_decay=options.weight_decay, fused=True
        )
        self.best = Best(self.network)
        recipe = Recipe(
            modules={"network": self.model, "best": self.best},
            optimizers={"adam": self.optimizer},
            steps=self.steps,
            step=self.step,
            every=max(1, self.steps // options.ticks),
            on_tick=self.validate,
        )
        train(f"fit {name}", recipe, self.session)
        kept = self.best.module
        assert isinstance(kept, Network)
        if any(not bool(tensor.isfinite().all()) for tensor in kept.state_dict().values()):
            raise _ruined("the state of the network is not finite", int(self.best.step))
        return kept.eval()

    def order(self, epoch: int) -> Tensor:
        """The frames of an epoch in random order."""
        if epoch != self._order[0]:
            generator = torch.Generator().manual_seed(seed_of(self.session.seed, "order", epoch))
            drawn = torch.repeat_interleave(self.uses.shown)
            self._order = (epoch, drawn[torch.randperm(len(drawn), generator=generator)])
        return self._order[1]

    def step(self, number: int) -> dict[str, Tensor]:
        """Train on one batch."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.options, self.steps, number)
        epoch, position = divmod(number, self.per_epoch)
        size = self.options.batch
        chosen = self.order(epoch)[position * size : (position + 1) * size].tolist()
        mine: Sequence[int] = own_share(chosen) if len(chosen) == size else chosen
        batch = self.faces.batch(mine)
        images = self._sized(batch.images)
        if self.options.augment:
            images = augment(images)
        self.model.train()
        with self.session.autocast():
            readings = self.model(images)
        target = self.session.moved(batch.labels.values[:, self.columns])
        each = self.network.head.loss(readings.float(), target)
        leading = number < self.options.lead_in * self.steps
        weights = self.uses.coded if leading else self.uses.weights
        # The weight of the whole batch: the mean over the processes is then its weighted mean.
        whole = float(weights[chosen].sum()) * len(mine) / len(chosen)
        loss = weighted_mean(each, self.session.moved(weights[list(mine)]), whole)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return {"loss": loss}

    def validate(self, number: int) -> dict[str, float]:
        """Mean ICC on the validation people; keeps the best network, or the last without them.

        Raises:
            StageError: the network's estimates are not finite.
        """
        network = unwrap(self.model)
        if self.valid is None:
            self.best.offer(float(number), number, network)
            return {}
        predicted = self._predict_valid(network)
        if not bool(predicted.isfinite().all()):
            raise _ruined("estimates of the validation faces are not finite", number)
        labels = self.valid.labels
        truth, mask = labels.values[:, self.columns], labels.mask[:, self.columns]
        sums = agreement_terms(truth.double(), predicted.double(), mask).sum(0)
        score = float(icc(sums).nanmean())
        self.best.offer(score, number, network)
        return {"valid icc": score}

    @torch.inference_mode()
    def _predict_valid(self, network: nn.Module) -> Tensor:
        assert self.valid is not None
        network.eval()
        rows = []
        for start in range(0, len(self.valid), PREDICT_BATCH):
            chosen = range(start, min(start + PREDICT_BATCH, len(self.valid)))
            with self.session.autocast():
                readings = network(self._sized(self.valid.batch(chosen).images))
            rows.append(self.network.head.intensity(readings.float().cpu()))
        return torch.cat(rows)

    def _sized(self, images: Tensor) -> Tensor:
        return resized(as_float(self.session.images(images)), self.options.size)


def _ruined(what: str, step: int) -> StageError:
    return StageError(f"{what} at step {step}: the training diverged", "lower the learning rate")


def learning_rate(options: FitOptions, steps: int, number: int) -> float:
    """The learning rate of a step, a function of its number alone so that resuming is exact."""
    rate = options.learning_rate
    if number < options.warmup:
        rate *= (number + 1) / (options.warmup + 1)
    if options.decay == "none":
        return rate
    return rate * (1 + math.cos(math.pi * number / steps)) / 2


def weighted_mean(losses: Tensor, weight: Tensor, whole: float) -> Tensor:
    """Weighted sum of (B, A) losses over faces and AUs, divided by a total weight; 0 without any.

    Args:
        losses, weight: (B, A).
        whole: the total weight.
    """
    return (losses * weight).sum() / max(whole, 1e-6)
