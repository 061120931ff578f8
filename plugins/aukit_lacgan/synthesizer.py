"""LAC-GAN as a synthesizer: fitted on registered faces, changes their AUs in regions."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from aukit.contracts.context import Context
from aukit.contracts.faces import FaceBatch, FaceSource
from aukit.contracts.labels import Labels
from aukit.contracts.session import Session
from aukit.errors import DataError
from aukit.machine.processes import distributed
from aukit.synthesis.batches import fill, scaled
from aukit.synthesis.images import as_bytes, as_signed
from aukit.synthesis.painter import Painter
from aukit.vision.resize import resized
from aukit_lacgan.features import Edges, Vgg
from aukit_lacgan.fit import Fit, generators_of, regions_of
from aukit_lacgan.graph import Repainting
from aukit_lacgan.networks import LocalCritics
from aukit_lacgan.painting import as_labels, estimate, repaint
from aukit_lacgan.plugin import EDGES, LacganConfig


def refuse_without_points(faces: FaceBatch) -> None:
    """Refuse faces without landmarks, since their regions are unknown.

    Raises:
        DataError: a landmark is NaN.
    """
    known = faces.landmarks.isfinite().flatten(1).all(1).tolist()
    if not all(known):
        raise DataError(
            f"{faces.ids[known.index(False)]}: lacgan needs landmarks, and those of "
            "this face are unknown",
            "let aukit register the photo, without --aligned",
        )


class Lacgan(Painter[LacganConfig]):
    """Synthesizes each AU with its own generator, inside the AU's region.

    Outside the regions of changed AUs, the result equals the input byte for byte.

    Args:
        config: options.
        context: the device, and weights of the identity loss.
    """

    options = LacganConfig

    def __init__(self, config: LacganConfig, context: Context) -> None:
        super().__init__(config, context)
        self.features = ""

    def fit(self, faces: FaceSource, session: Session) -> None:
        """Fit, continuing from the session's checkpoint if there is one.

        Raises:
            DataError: one face, an AU that is never coded, codes that never change, weights that do
                not fit, or, with the pair loss, no person with two different expressions.
            ConfigError: an AU whose region the table does not have.
            StageError: the training diverged.
        """
        with distributed(session.device):
            features = self._features()
            fit = Fit(self.config, faces, session, features.to(session.device))
            self.aus, self.features = faces.aus, features.name
            self.occurrence = faces.labels.occurrence
            self.networks = nn.ModuleDict(
                {"generators": fit.ema.module, "local": fit.local, "regions": fit.regions}
            )
            fit.run(self.paint)

    def _features(self) -> Edges | Vgg:
        if self.config.features in (EDGES, ""):  # empty in models of earlier versions
            return Edges()
        return Vgg(self.context.weights(self.config.features), self.config.features_order)

    def build(self, config: LacganConfig, aus: tuple[str, ...]) -> nn.ModuleDict:
        """Region generators, the local critics for faces without codes, and the regions."""
        count, size, width = len(aus), config.size, config.width
        return nn.ModuleDict(
            {
                "generators": generators_of(config, count),
                "local": LocalCritics(count, size, width, config.latent, config.blur),
                "regions": regions_of(config, aus),
            }
        )

    def card(self) -> dict[str, Any]:
        """The content of every card, and the features of the identity loss."""
        return {**super().card(), "identity loss": self.features}

    def repainting(self, networks: nn.ModuleDict) -> nn.Module:
        """The networks as one module."""
        return Repainting(networks, self.config, self._only())

    def paint_batch(self, networks: nn.ModuleDict, faces: FaceBatch, targets: Labels) -> Tensor:
        """Synthesize a few faces; only regions of AUs that change are touched.

        Raises:
            DataError: the 68 points of a face are not known.
        """
        refuse_without_points(faces)
        device, size = self.context.device, self.config.size
        whole = as_signed(faces.images.to(device))
        small, side = resized(whole, size), whole.shape[-1]
        landmarks = faces.landmarks.to(device)
        attention = networks["regions"](scaled(landmarks, size / side), size)
        shown, wanted = self._levels(networks, small, attention, faces.labels, targets)
        painting = repaint(
            networks["generators"],
            small,
            attention,
            as_labels(shown, self.config),
            as_labels(wanted, self.config),
            self.config,
            restore=False,
        )
        changed = painting.change.on(whole)
        touched = networks["regions"](landmarks, side) * painting.part[:, :, None, None]
        inside = (touched > 0).any(1, keepdim=True).cpu()
        original = faces.images if faces.images.dtype == torch.uint8 else as_bytes(whole)
        return torch.where(inside, as_bytes(changed), original.cpu())

    def _levels(
        self,
        networks: nn.ModuleDict,
        images: Tensor,
        attention: Tensor,
        labels: Labels,
        targets: Labels,
    ) -> tuple[Tensor, Tensor]:
        """(B, A) codes in 0..1 that faces show and shall show; what is unknown is seen, and of an
        AU that is present or absent the nearer is taken."""
        labels, targets = labels.to(self.context.device), targets.to(self.context.device)
        critics = cast(LocalCritics, networks["local"])
        only = self._only().to(images.device)
        shown = fill(labels.shares, labels.mask, lambda: estimate(critics, images, attention))
        shown = torch.where(only, shown.round(), shown)
        return shown, fill(targets.shares, targets.mask, lambda: shown)

    def _only(self) -> Tensor:
        """(A,) bool, AUs that are present or absent."""
        return torch.tensor([au in self.occurrence for au in self.aus])

    def read_batch(self, networks: nn.ModuleDict, faces: FaceBatch) -> Tensor:
        """AUs estimated by the regressions."""
        size = self.config.size
        whole = as_signed(faces.images.to(self.context.device))
        landmarks = scaled(faces.landmarks.to(self.context.device), size / whole.shape[-1])
        critics = cast(LocalCritics, networks["local"])
        return estimate(critics, resized(whole, size), networks["regions"](landmarks, size))

    def regions(self, faces: FaceBatch) -> Tensor:
        """(B, A, S, S) attention in 0..1 on the CPU.

        Raises:
            DataError: not fitted.
        """
        landmarks = faces.landmarks.to(self.context.device)
        attention: Tensor = self._placed()["regions"](landmarks, faces.images.shape[-1])
        return attention.cpu()
