"""GANimation as a synthesizer: fitted on registered faces, changes their AUs."""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn

from aukit.contracts.faces import FaceBatch, FaceSource
from aukit.contracts.labels import Labels
from aukit.contracts.session import Session
from aukit.machine.processes import distributed
from aukit.synthesis.batches import fill
from aukit.synthesis.images import as_bytes, as_signed
from aukit.synthesis.painter import Painter
from aukit.vision.resize import resized
from aukit_ganimation.fit import Fit, build, estimate
from aukit_ganimation.graph import Repainting
from aukit_ganimation.networks import repaint
from aukit_ganimation.plugin import GanimationConfig


class Ganimation(Painter[GanimationConfig]):
    """Synthesizes faces with a generator that was trained against a critic.

    Uncoded AUs of a face are estimated by the critic.
    """

    options = GanimationConfig

    def fit(self, faces: FaceSource, session: Session) -> None:
        """Fit, continuing from the session's checkpoint if there is one.

        Raises:
            DataError: one face, an AU that is never coded, codes that never change, or, with the
                idiosyncratic loss, no person with two different expressions.
            StageError: the training diverged.
        """
        with distributed(session.device):
            fit = Fit(self.config, faces, session)
            self.aus, self.occurrence = faces.aus, faces.labels.occurrence
            self.networks = nn.ModuleDict({"generator": fit.ema.module, "critic": fit.critic})
            fit.run(self.paint)

    def build(self, config: GanimationConfig, aus: tuple[str, ...]) -> nn.ModuleDict:
        """The averaged generator, and the critic for faces without codes."""
        return nn.ModuleDict(build(config, len(aus)))

    def repainting(self, networks: nn.ModuleDict) -> nn.Module:
        """The networks as one module."""
        return Repainting(networks, self.config)

    def paint_batch(self, networks: nn.ModuleDict, faces: FaceBatch, targets: Labels) -> Tensor:
        """Synthesize a few faces."""
        device, size = self.context.device, self.config.size
        whole = as_signed(faces.images.to(device)).contiguous(memory_format=torch.channels_last)
        targets, labels = targets.to(device), faces.labels.to(device)
        seen = functools.partial(self.read_batch, networks, faces)
        shown = fill(labels.shares, labels.mask, seen)
        wanted = fill(targets.shares, targets.mask, lambda: shown)
        composition = self.config.composition
        painting = repaint(networks["generator"], whole, shown, wanted, composition, size)
        return as_bytes(painting.image)

    def read_batch(self, networks: nn.ModuleDict, faces: FaceBatch) -> Tensor:
        """AUs estimated by the critic."""
        whole = as_signed(faces.images.to(self.context.device))
        return estimate(networks["critic"], resized(whole, self.config.size))
