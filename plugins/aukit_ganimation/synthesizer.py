"""GANimation as a synthesizer of aukit: fitted on registered faces, paints them with other AUs."""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn

from aukit.au import MAX_LEVEL
from aukit.contracts.faces import FaceBatch, FaceSource
from aukit.contracts.labels import Labels
from aukit.synthesis.batches import fill
from aukit.synthesis.images import as_bytes, as_signed, resized
from aukit.synthesis.painter import Painter
from aukit.training import Session, distributed
from aukit_ganimation.fit import Fit, estimate
from aukit_ganimation.networks import Critic, Generator, repaint
from aukit_ganimation.plugin import GanimationConfig


class Ganimation(Painter[GanimationConfig]):
    """Paints faces with a generator that was trained against a critic.

    Where a face is not coded, the critic's estimate says what it shows.
    """

    options = GanimationConfig

    def fit(self, faces: FaceSource, session: Session) -> None:
        """Learn; continues from the session's checkpoint if there is one.

        Raises:
            DataError: one face, an AU that is never coded, codes that never change, or, with the
                idiosyncratic loss, nobody with two different expressions.
            StageError: the training diverged.
        """
        with distributed(session.device):
            fit = Fit(self.config, faces, session)
            self.aus = faces.aus
            self.networks = nn.ModuleDict({"generator": fit.ema.module, "critic": fit.critic})
            fit.run(self.paint)

    def build(self, config: GanimationConfig, aus: tuple[str, ...]) -> nn.ModuleDict:
        """The averaged generator, and the critic for faces without codes."""
        generator = Generator(len(aus), config.width, config.blocks, config.attention)
        critic = Critic(len(aus), config.size, config.critic_width, config.depth)
        return nn.ModuleDict({"generator": generator, "critic": critic})

    def paint_batch(self, networks: nn.ModuleDict, faces: FaceBatch, targets: Labels) -> Tensor:
        """Paint a few faces."""
        device, size = self.context.device, self.config.size
        whole = as_signed(faces.images.to(device)).contiguous(memory_format=torch.channels_last)
        small = resized(whole, size)
        targets, labels = targets.to(device), faces.labels.to(device)
        seen = functools.partial(estimate, networks["critic"], small)
        shown = fill(labels.values / MAX_LEVEL, labels.mask, seen)
        wanted = fill(targets.values / MAX_LEVEL, targets.mask, lambda: shown)
        composition = self.config.composition
        painted = repaint(networks["generator"], small, shown, wanted, composition).image
        # What the networks' own resolution cannot hold is carried over from the face.
        return as_bytes(whole + resized(painted - small, whole.shape[-1]))
