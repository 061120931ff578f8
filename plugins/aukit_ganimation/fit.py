"""The training of GANimation on the training layer: one readable step."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from aukit.au import MAX_LEVEL
from aukit.contracts.faces import FaceSource
from aukit.contracts.labels import Labels
from aukit.errors import DataError
from aukit.seeds import seed_of
from aukit.training import Ema, Paint, Recipe, Session, average_gradients, own_share, train
from aukit_ganimation import losses
from aukit_ganimation.networks import Critic, Generator, Painting
from aukit_ganimation.pairs import Draw, Sampler
from aukit_ganimation.plugin import GanimationConfig

BETAS = (0.5, 0.999)
SATURATED = (0.02, 0.98)
"""A mean attention mask outside of this copies or ignores the input."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Batch:
    """One step's tensors on the device.

    Attributes:
        source: (B, 3, S, S) in -1..1.
        truth: (B, 3, S, S), the faces that the targets come from; None without pairs.
        shown, wanted: (B, A) intensities in 0..1 of source and target; what is not coded is
            filled in by `Fit.complete`.
        shown_mask, wanted_mask: (B, A) bool, coded.
        weight: (B,) of the idiosyncratic loss, mean 1 over the pairs of the whole batch.
        mix: (B,) for the gradient penalty.
    """

    source: Tensor
    truth: Tensor | None
    shown: Tensor
    shown_mask: Tensor
    wanted: Tensor
    wanted_mask: Tensor
    weight: Tensor
    mix: Tensor


class Fit:
    """Fits a generator against a critic.

    Args:
        config: options.
        faces: training faces.
        session: where.

    Raises:
        DataError: faces that nothing can be learned from.
    """

    def __init__(self, config: GanimationConfig, faces: FaceSource, session: Session) -> None:
        refuse_useless(faces)
        self.config, self.faces = config, faces
        self.session = replace(session, compile=config.compile)
        self.sampler = Sampler(faces, config, session.seed)
        torch.manual_seed(seed_of(session.seed, "initialize"))
        generator = Generator(len(faces.aus), config.width, config.blocks, config.attention)
        critic = Critic(len(faces.aus), config.size, config.critic_width, config.depth)
        self.ema = Ema(generator, config.ema).to(session.device)
        self.generator = self.session.place(generator)
        self.critic = self.session.place(critic)
        self.adams = {
            "generator": _adam(self.generator, config),
            "critic": _adam(self.critic, config),
        }
        images = len(faces) * (config.epochs + config.decay_epochs)
        self.steps = max(config.critic_steps, images // config.batch)
        self._keep: Tensor | None = None

    def run(self, paint: Paint) -> None:
        """Train to the end; `paint` shows what the averaged generator paints by now."""

        def tick(number: int) -> dict[str, float]:
            self.session.show(number, paint)
            return self._watch_mask()

        recipe = Recipe(
            modules={"generator": self.generator, "critic": self.critic, "ema": self.ema},
            optimizers=self.adams,
            steps=self.steps,
            step=self.step,
            every=max(1, self.steps // self.config.ticks),
            on_tick=tick,
        )
        train("fit ganimation", recipe, self.session)

    def step(self, number: int) -> dict[str, Tensor]:
        """One critic step and, every so often, one generator step on the same faces."""
        for adam in self.adams.values():
            for group in adam.param_groups:
                group["lr"] = self.learning_rate(number)
        batch = self.complete(self.batch(number))
        turn = (number + 1) % self.config.critic_steps == 0
        with torch.set_grad_enabled(turn), self.session.autocast():
            painting = self.generator(batch.source, batch.wanted)
        found = self.improve_critic(batch, painting.image.detach())
        if turn:
            found |= self.improve_generator(batch, painting)
        return found

    def learning_rate(self, number: int) -> float:
        """Constant, then falling linearly to zero; a function of the step's number alone."""
        config = self.config
        falling = self.steps * config.decay_epochs / (config.epochs + config.decay_epochs)
        return config.learning_rate * min(1.0, (self.steps - number) / max(falling, 1.0))

    def improve_critic(self, batch: Batch, fake: Tensor) -> dict[str, Tensor]:
        """Minimise the critic's losses: adversarial, gradient penalty, expression of real faces."""
        config, count = self.config, len(fake)
        with self.session.autocast():
            verdict = self.critic(torch.cat([batch.source, fake.to(batch.source.dtype)]))
        real, painted = verdict.realism.float().split(count)
        estimated = verdict.intensity[:count].float()
        found = {
            "critic": losses.adversarial(real, painted),
            # In float32, and through the plain forward: compiled code cannot be derived twice.
            "penalty": losses.gradient_penalty(
                lambda images: self.critic.forward(images).realism,
                batch.source,
                fake.float(),
                batch.mix,
            ),
            "expression of real": losses.expression(estimated, batch.shown, batch.shown_mask),
        }
        weights = (config.l_adv, config.l_gp, config.l_exp)
        self._descend("critic", self.critic, found, weights)
        return found

    def improve_generator(self, batch: Batch, painting: Painting) -> dict[str, Tensor]:
        """Minimise the generator's losses: all of eq. 5, and those of the attention mask."""
        config = self.config
        with frozen(self.critic):
            with self.session.autocast():
                verdict = self.critic(painting.image)
                back = self.generator(painting.image, batch.shown)
            estimated = verdict.intensity.float()
            found = {
                "adversarial": -verdict.realism.float().mean(),
                "expression": losses.expression(estimated, batch.wanted, batch.wanted_mask),
                "cycle": losses.cycle(back.image.float(), batch.source),
            }
            weights = [config.l_adv, config.l_exp, config.l_idt]
            if batch.truth is not None:
                found["pairs"] = losses.idiosyncratic(
                    painting.image.float(), batch.truth, batch.weight
                )
                weights.append(config.l_ids)
            if painting.keep is not None and back.keep is not None:
                keeps = (painting.keep.float(), back.keep.float())
                found["mask"] = keeps[0].mean() + keeps[1].mean()
                found["smooth"] = sum(map(losses.total_variation, keeps), torch.zeros(()))
                weights += [config.l_mask, config.l_smooth]
                self._keep = keeps[0].detach().mean()
            self._descend("generator", self.generator, found, weights)
        self.ema.update(self.generator)
        return found

    def _descend(
        self,
        name: str,
        module: nn.Module,
        found: dict[str, Tensor],
        weights: tuple[float, ...] | list[float],
    ) -> None:
        total = sum(
            (weight * loss for weight, loss in zip(weights, found.values(), strict=True)),
            torch.zeros((), device=self.session.device),
        )
        self.adams[name].zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        average_gradients(module.parameters())
        self.adams[name].step()

    def batch(self, number: int) -> Batch:
        """This process's share of a step's batch."""
        whole = self.sampler.draw(number)
        draw = whole.share(own_share(range(len(whole.same))))
        labels, device = self.faces.labels, self.session.device
        pairs = whole.same.float().mean().clamp_min(1e-6)
        wanted = labels.values[draw.targets] / MAX_LEVEL + draw.noise
        return Batch(
            source=self._images(draw.sources, draw),
            truth=self._images(draw.targets, draw) if self.sampler.partners else None,
            shown=(labels.values[draw.sources] / MAX_LEVEL).to(device),
            shown_mask=labels.mask[draw.sources].to(device),
            wanted=wanted.clamp(0, 1).to(device),
            wanted_mask=labels.mask[draw.targets].to(device),
            weight=(draw.same / pairs).to(device),
            mix=draw.mix.to(device),
        )

    def _images(self, rows: Tensor, draw: Draw) -> Tensor:
        images = self.session.images(self.faces.batch(rows.tolist()).images)
        small = resized(as_signed(images), self.config.size)
        mirrored = draw.mirrored.to(small.device).view(-1, 1, 1, 1)
        return torch.where(mirrored, small.flip(-1), small)

    def complete(self, batch: Batch) -> Batch:
        """Fill in what was not coded.

        The critic's own estimate stands for an AU of the source that nobody coded; an AU that is
        not coded in the target stays as the source shows it. Neither is part of any loss.
        """
        if bool(batch.shown_mask.all()) and bool(batch.wanted_mask.all()):
            return batch
        shown = fill(batch.shown, batch.shown_mask, lambda: estimate(self.critic, batch.source))
        wanted = torch.where(batch.wanted_mask, batch.wanted, shown)
        return replace(batch, shown=shown, wanted=wanted)

    def _watch_mask(self) -> dict[str, float]:
        if self._keep is None:
            return {}
        mean = float(self._keep)
        if not SATURATED[0] <= mean <= SATURATED[1]:
            effect = "copies" if mean > 0.5 else "ignores"
            _log.warning(
                "the attention mask is saturated (mean %.3f): the generator %s its input; "
                "change l_mask, or switch attention off",
                mean,
                effect,
            )
        return {"mask mean": mean}


def refuse_useless(faces: FaceSource) -> None:
    """Stop where there is nothing to learn.

    Raises:
        DataError: fewer than two faces, an AU that is never coded, or the same codes everywhere.
    """
    labels = faces.labels
    if len(faces) < 2:
        raise DataError(f"{len(faces)} training face: a synthesizer learns from many")
    for column, au in enumerate(faces.aus):
        if not bool(labels.mask[:, column].any()):
            raise DataError(f"{au} is coded in no training face", "leave it out of --aus")
    if not any(_varies(labels, column) for column in range(len(faces.aus))):
        raise DataError(
            f"all {len(faces)} training faces have the same AU codes: there is nothing to learn",
            "use data with several expressions",
        )


def _varies(labels: Labels, column: int) -> bool:
    values = labels.values[labels.mask[:, column], column]
    return bool((values != values[0]).any())


def fill(values: Tensor, mask: Tensor, other: Callable[[], Tensor]) -> Tensor:
    """Values where the mask is True, others elsewhere; the others are only made if needed."""
    return values if bool(mask.all()) else torch.where(mask, values, other())


@torch.no_grad()
def estimate(critic: Critic | nn.Module, images: Tensor) -> Tensor:
    """(B, A) intensities in 0..1 that the critic sees in images in -1..1."""
    seen: Tensor = critic.forward(images).intensity.float()
    return seen.clamp(0, 1)


def as_signed(images: Tensor) -> Tensor:
    """uint8, or a normalizer's float in 0..1, as float in -1..1."""
    return images * 2 - 1 if images.is_floating_point() else images.float() / 127.5 - 1


def resized(images: Tensor, size: int) -> Tensor:
    """Square float images at another size, without aliasing."""
    if images.shape[-1] == size:
        return images
    return functional.interpolate(
        images, (size, size), mode="bilinear", antialias=True, align_corners=False
    )


@contextlib.contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """No gradients of the module's own weights within the block; they flow through it."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)


def _adam(module: nn.Module, config: GanimationConfig) -> torch.optim.Adam:
    parameters = list(module.parameters())
    return torch.optim.Adam(parameters, lr=config.learning_rate, betas=BETAS, fused=True)
