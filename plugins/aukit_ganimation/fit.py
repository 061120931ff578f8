"""The training of GANimation."""

from __future__ import annotations

import logging
from dataclasses import replace

import torch
from torch import Tensor, nn

from aukit.contracts.faces import FaceSource
from aukit.contracts.session import Paint, Session
from aukit.seeds import seed_of
from aukit.synthesis.batches import (
    Batch,
    Batches,
    adam,
    descend,
    frozen,
    learning_rate,
    schedule,
)
from aukit.synthesis.losses import expression, idiosyncratic, total_variation
from aukit.training.averages import Ema
from aukit.training.loop import train
from aukit.training.recipe import Recipe
from aukit_ganimation import losses
from aukit_ganimation.networks import Critic, Generator, Painting, repaint
from aukit_ganimation.plugin import GanimationConfig

SATURATED = (0.02, 0.98)
"""A mean attention mask outside of this copies or ignores the input."""

_log = logging.getLogger(__name__)


class Fit:
    """Fits a generator against a critic.

    Args:
        config: options.
        faces: training faces.
        session: session of the fit.

    Raises:
        DataError: nothing can be learned from the faces.
    """

    def __init__(self, config: GanimationConfig, faces: FaceSource, session: Session) -> None:
        self.config = config
        self.session = replace(session, compile=config.compile)
        self.batches = Batches(faces, config, config.size, session)
        torch.manual_seed(seed_of(session.seed, "initialize"))
        networks = build(config, len(faces.aus))
        self.ema = Ema(networks["generator"], config.ema).to(session.device)
        self.generator = self.session.place(networks["generator"])
        self.critic = self.session.place(networks["critic"])
        self.adams = {
            "generator": adam(self.generator, config.learning_rate),
            "critic": adam(self.critic, config.learning_rate),
        }
        images = len(faces) * (config.epochs + config.decay_epochs)
        self.steps = max(config.critic_steps, images // config.batch)
        self._keep: Tensor | None = None

    def run(self, paint: Paint) -> None:
        """Train to the end, with previews of the averaged generator."""

        def tick(number: int) -> dict[str, float]:
            self._warn_of_saturation()
            self.session.show(number, paint)
            return {}

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
        """One critic step and, at intervals, one generator step on the same faces."""
        schedule(self.adams, learning_rate(self.config, self.steps, number))
        batch = self.batches(number)
        batch = batch.completed(lambda: estimate(self.critic, batch.source))
        turn = (number + 1) % self.config.critic_steps == 0
        with torch.set_grad_enabled(turn), self.session.autocast():
            painting = self.repaint(batch.source, batch.shown, batch.wanted)
        found = self.improve_critic(batch, painting.image.detach())
        return found | self.improve_generator(batch, painting) if turn else found

    def repaint(self, images: Tensor, shown: Tensor, wanted: Tensor) -> Painting:
        """Images with other AUs, composed as configured."""
        config = self.config
        return repaint(self.generator, images, shown, wanted, config.composition, config.size)

    def improve_critic(self, batch: Batch, fake: Tensor) -> dict[str, Tensor]:
        """Minimise the critic's losses: adversarial, gradient penalty, expression of real faces."""
        config, count = self.config, len(fake)
        with self.session.autocast():
            verdict = self.critic(torch.cat([batch.source, fake.to(batch.source.dtype)]))
        real, painted = verdict.realism.float().split(count)
        estimated = verdict.intensity[:count].float()
        # In float32, and through the plain forward: compiled code cannot be derived twice.
        penalty = losses.gradient_penalty(
            lambda images: self.critic.forward(images).realism,
            batch.source,
            fake.float(),
            batch.mix,
        )
        found = {
            "critic": (config.l_adv, losses.adversarial(real, painted)),
            "penalty": (config.l_gp, penalty),
            "expression of real": (
                config.l_exp,
                expression(estimated, batch.shown, batch.shown_mask),
            ),
        }
        return descend(self.adams["critic"], self.critic, found)

    def improve_generator(self, batch: Batch, painting: Painting) -> dict[str, Tensor]:
        """Minimise the generator's losses: all of eq. 5, and those of the attention mask."""
        config = self.config
        with frozen(self.critic):
            with self.session.autocast():
                verdict = self.critic(painting.image)
                # Half of the work of a step; not done for nothing.
                back = (
                    self.repaint(painting.image, batch.wanted, batch.shown)
                    if config.l_idt
                    else None
                )
            estimated = verdict.intensity.float()
            found = {
                "adversarial": (config.l_adv, -verdict.realism.float().mean()),
                "expression": (
                    config.l_exp,
                    expression(estimated, batch.wanted, batch.wanted_mask),
                ),
            }
            if back is not None:
                restored = losses.cycle(back.image.float(), batch.source)
                found["cycle"] = (config.l_idt, restored)
            if batch.truth is not None:
                pairs = idiosyncratic(painting.image.float(), batch.truth, batch.weight)
                found["pairs"] = (config.l_ids, pairs)
            masks = [painted.keep for painted in (painting, back) if painted is not None]
            found |= self._mask_losses([keep.float() for keep in masks if keep is not None])
            told = descend(self.adams["generator"], self.generator, found)
        self.ema.update(self.generator)
        return told

    def _mask_losses(self, keeps: list[Tensor]) -> dict[str, tuple[float, Tensor]]:
        """GANimation's losses of all masks, and the first one's mean to be watched."""
        if not keeps:
            return {}
        self._keep = keeps[0].detach().mean()
        mean = torch.stack([keep.mean() for keep in keeps]).sum()
        edges = torch.stack([total_variation(keep) for keep in keeps]).sum()
        return {
            "mask": (self.config.l_mask, mean),
            "smooth": (self.config.l_smooth, edges),
            "mask mean": (0.0, self._keep),
        }

    def _warn_of_saturation(self) -> None:
        mean = 0.5 if self._keep is None else float(self._keep)
        if not SATURATED[0] <= mean <= SATURATED[1]:
            effect = "copies" if mean > 0.5 else "ignores"
            _log.warning(
                "the attention mask is saturated (mean %.3f): the generator %s its input; "
                "change l_mask or switch attention off",
                mean,
                effect,
            )


def build(config: GanimationConfig, aus: int) -> dict[str, nn.Module]:
    """A new generator and critic for the options."""
    moves = config.composition == "motion"
    return {
        "generator": Generator(
            aus, config.width, config.blocks, config.attention, moves, config.affine
        ),
        "critic": Critic(aus, config.size, config.critic_width, config.depth),
    }


@torch.no_grad()
def estimate(critic: nn.Module, images: Tensor) -> Tensor:
    """(B, A) intensities in 0..1 estimated by the critic for images in -1..1."""
    seen: Tensor = critic.forward(images).intensity.float()
    return seen.clamp(0, 1)
