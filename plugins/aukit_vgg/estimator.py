"""Fits VGG16 networks on a planned training set and predicts AU intensities.

Niinuma et al. 2021, section 4.2.2: six levels an AU (0, A..E), last layer replaced, fine-tuned
from the third convolution with dropout 0.5 and Adam at 5e-5, one network an AU. The shared trunk
with one head an AU is ours: the same training sets, in one pass for all AUs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from aukit.contracts.context import Context
from aukit.contracts.estimator import Prediction, TrainingSet
from aukit.contracts.faces import FaceBatch, FaceSource
from aukit.errors import DataError
from aukit.models import load_card, load_tensors, save_model
from aukit.seeds import seed_of
from aukit.statistics.agreement import agreement_terms, icc
from aukit.training import Best, Recipe, Session, distributed, own_share, train, unwrap
from aukit_vgg.augment import augment
from aukit_vgg.network import LEVELS, Vgg16
from aukit_vgg.plugin import VggConfig

PREDICT_BATCH = 64


class VggEstimator:
    """AU intensity by classification into six levels.

    Args:
        config: options.
        context: device and weights.
    """

    def __init__(self, config: VggConfig, context: Context) -> None:
        self.config = config
        self.context = context
        self.aus: tuple[str, ...] = ()
        self.networks: list[Vgg16] = []

    def fit(self, train: TrainingSet, valid: FaceSource | None, session: Session) -> None:
        """Fit one network for each AU, or one for all.

        Raises:
            DataError: an AU has no planned training frame.
        """
        self.aus = train.faces.aus
        for au, uses in zip(self.aus, train.counts.sum(0), strict=True):
            if uses == 0:
                raise DataError(f"the plan has no training frame for {au}", "leave it out of --aus")
        self.networks = []
        with distributed(session.device):
            for columns in self._groups():
                name = "+".join(self.aus[c] for c in columns) if len(columns) == 1 else "shared"
                part = session.part(name)
                fit = _Fit(self.config, self._fresh(len(columns), part), columns)
                self.networks.append(fit.run(name, train, valid, part))

    def _groups(self) -> list[list[int]]:
        """The AU columns of each network."""
        columns = list(range(len(self.aus)))
        return [columns] if self.config.networks == "shared" else [[c] for c in columns]

    def _fresh(self, aus: int, session: Session) -> Vgg16:
        config = self.config
        torch.manual_seed(seed_of(session.seed, "initialize"))
        network = Vgg16(aus, config.size, config.width, config.dropout, config.batch_norm)
        if config.weights != "none":
            network.load_pretrained(self.context.weights(config.weights))
            # Freezing random convolutions would only cripple the network.
            network.freeze(config.frozen)
        return network

    def predict(self, faces: FaceBatch) -> Prediction:
        """Expected intensity and most likely level of a batch.

        Raises:
            DataError: the estimator was not fitted.
        """
        if not self.networks:
            raise DataError("the estimator has not been fitted or loaded")
        chunks = torch.split(faces.images, PREDICT_BATCH)
        probabilities = torch.cat([self._probabilities(chunk) for chunk in chunks])
        levels = torch.arange(LEVELS, dtype=probabilities.dtype)
        return Prediction(probabilities @ levels, probabilities.argmax(-1))

    @torch.inference_mode()
    def features(self, faces: FaceBatch) -> Tensor:
        """(B, channels) means over the picture of what the last convolution shows.

        Where every AU has a network of its own, that of the first.

        Raises:
            DataError: the estimator was not fitted.
        """
        if not self.networks:
            raise DataError("the estimator has not been fitted or loaded")
        network = self.networks[0].to(self.context.device).eval()
        prepared = resize(as_float(faces.images.to(self.context.device)), self.config.size)
        prepared = prepared.contiguous(memory_format=torch.channels_last)
        return network.seen(prepared).mean((2, 3)).float().cpu()

    @torch.inference_mode()
    def _probabilities(self, images: Tensor) -> Tensor:
        prepared = resize(as_float(images.to(self.context.device)), self.config.size)
        prepared = prepared.contiguous(memory_format=torch.channels_last)
        parts = [network.to(self.context.device).eval()(prepared) for network in self.networks]
        return torch.cat(parts, 1).float().softmax(-1).cpu()

    def save(self, folder: Path) -> None:
        """Write all networks into one file, and the card."""
        tensors = {
            f"{number}/{key}": value
            for number, network in enumerate(self.networks)
            for key, value in network.state_dict().items()
        }
        save_model(folder, tensors, {"aus": list(self.aus), "options": asdict(self.config)})

    def load(self, folder: Path) -> None:
        """Become what was saved.

        Raises:
            DataError: the model was saved with other options, or is damaged.
        """
        card, tensors = load_card(folder), load_tensors(folder)
        config = VggConfig(**card["options"])
        self.config, self.aus, self.networks = config, tuple(card["aus"]), []
        for number, columns in enumerate(self._groups()):
            network = Vgg16(
                len(columns), config.size, config.width, config.dropout, config.batch_norm
            )
            prefix = f"{number}/"
            own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            try:
                network.load_state_dict(own)
            except RuntimeError as error:
                raise DataError(f"{folder} does not hold the network of its card") from error
            self.networks.append(network)


class _Fit:
    """One network's fit.

    Args:
        config: options.
        network: fresh or pretrained.
        columns: the AUs that it predicts.
    """

    def __init__(self, config: VggConfig, network: Vgg16, columns: list[int]) -> None:
        self.config = config
        self.network = network
        self.columns = columns

    def run(
        self, name: str, train_set: TrainingSet, valid: FaceSource | None, session: Session
    ) -> Vgg16:
        self.session = session
        self.faces, self.valid = train_set.faces, valid
        counts = train_set.counts[:, self.columns]
        # A frame is shown as often as the AU that needs it most asks for; the weights make every
        # AU see exactly its own planned training set. With one AU the weights are all one.
        self.shown = counts.amax(1).long()
        self.weights = counts / counts.amax(1, keepdim=True).clamp_min(1)
        self.model = session.prepare(self.network)
        parameters = [p for p in self.network.parameters() if p.requires_grad]
        config = self.config
        self.optimizer = torch.optim.Adam(
            parameters,
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.best = Best(self.network)
        per_epoch = max(1, int(self.shown.sum()) // config.batch)
        steps = per_epoch * config.epochs
        self._steps, self._per_epoch = steps, per_epoch
        self._epoch, self._order = -1, torch.empty(0)
        recipe = Recipe(
            modules={"network": self.model, "best": self.best},
            optimizers={"adam": self.optimizer},
            steps=steps,
            step=self.step,
            every=max(1, steps // config.ticks),
            on_tick=self.validate,
        )
        train(f"fit {name}", recipe, session)
        kept = self.best.module
        assert isinstance(kept, Vgg16)
        return kept.eval()

    def order(self, epoch: int) -> Tensor:
        """The frames of an epoch in their random order."""
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(seed_of(self.session.seed, "order", epoch))
            drawn = torch.repeat_interleave(torch.arange(len(self.shown)), self.shown)
            self._order = drawn[torch.randperm(len(drawn), generator=generator)]
            self._epoch = epoch
        return self._order

    def learning_rate(self, number: int) -> float:
        """The learning rate of a step, a function of its number alone so that resuming is exact."""
        if self.config.decay == "none":
            return self.config.learning_rate
        return self.config.learning_rate * (1 + math.cos(math.pi * number / self._steps)) / 2

    def step(self, number: int) -> dict[str, Tensor]:
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(number)
        epoch, position = divmod(number, self._per_epoch)
        size = self.config.batch
        chosen = self.order(epoch)[position * size : (position + 1) * size].tolist()
        mine: Sequence[int] = own_share(chosen) if len(chosen) == size else chosen
        batch = self.faces.batch(mine)
        images = resize(as_float(self.session.images(batch.images)), self.config.size)
        if self.config.augment:
            images = augment(images)
        target = batch.labels.values[:, self.columns].round().long().to(images.device)
        weight = self.weights[list(mine)] * batch.labels.mask[:, self.columns]
        self.model.train()
        with self.session.autocast():
            logits = self.model(images)
        loss = weighted_cross_entropy(logits.float(), target, weight.to(images.device))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return {"loss": loss}

    def validate(self, number: int) -> dict[str, float]:
        """Mean ICC on the validation people; keeps the best network. Without them, the last."""
        network = unwrap(self.model)
        if self.valid is None:
            self.best.offer(float(number), number, network)
            return {}
        predicted = self._predict_valid(network)
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
        levels = torch.arange(LEVELS, dtype=torch.float32)
        rows = []
        for start in range(0, len(self.valid), PREDICT_BATCH):
            chosen = range(start, min(start + PREDICT_BATCH, len(self.valid)))
            images = as_float(self.session.images(self.valid.batch(chosen).images))
            logits = network(resize(images, self.config.size)).float().cpu()
            rows.append(logits.softmax(-1) @ levels)
        return torch.cat(rows)


def weighted_cross_entropy(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean cross entropy of (B, A, 6) logits over (B, A); 0 without any weight."""
    losses = functional.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none")
    return (losses * weight.flatten()).sum() / weight.sum().clamp_min(1e-6)


def as_float(images: Tensor) -> Tensor:
    """Images as float in 0..1; a normalizer's floats pass unchanged."""
    return images if images.is_floating_point() else images.float() / 255


def resize(images: Tensor, size: int) -> Tensor:
    """Square images at another size, without aliasing."""
    if images.shape[-1] == size:
        return images
    return functional.interpolate(
        images, (size, size), mode="bilinear", antialias=True, align_corners=False
    )
