"""GANimation as a synthesizer of aukit: fitted on registered faces, paints them with other AUs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from aukit.au import MAX_LEVEL
from aukit.contracts.context import Context
from aukit.contracts.faces import FaceBatch, FaceSource
from aukit.contracts.labels import Labels
from aukit.errors import DataError
from aukit.models import load_card, load_tensors, save_model
from aukit.training import Session, distributed
from aukit_ganimation.fit import Fit, as_signed, estimate, fill, resized
from aukit_ganimation.networks import Critic, Generator
from aukit_ganimation.plugin import GanimationConfig

PAINT_BATCH = 32


class Ganimation:
    """Paints faces with a generator that was trained against a critic.

    Args:
        config: options.
        context: the device.
    """

    def __init__(self, config: GanimationConfig, context: Context) -> None:
        self.config = config
        self.context = context
        self.aus: tuple[str, ...] = ()
        self.networks: nn.ModuleDict | None = None

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

    def synthesize(self, faces: FaceBatch, targets: Labels, seeds: Tensor) -> Tensor:
        """The given faces with the target intensities; nothing is random, so seeds play no part.

        An AU that no target is given for stays as the face shows it: as coded, or, where the face
        is not coded, as the critic estimates it.

        Returns:
            (B, 3, S, S) uint8 on the CPU.

        Raises:
            DataError: not fitted, an AU that the model does not know, or a target outside 0..5.
        """
        return self.paint(faces, targets)

    def paint(self, faces: FaceBatch, targets: Labels) -> Tensor:
        """What `synthesize` does, as `Session.show` wants it."""
        self._refuse(targets)
        wanted, shown = targets.select(self.aus), faces.labels.select(self.aus)
        parts = []
        for start in range(0, len(faces), PAINT_BATCH):
            rows = slice(start, start + PAINT_BATCH)
            parts.append(self._paint(faces.images[rows], _rows(wanted, rows), _rows(shown, rows)))
        return torch.cat(parts) if parts else faces.images.clone()

    def _refuse(self, targets: Labels) -> None:
        if self.networks is None:
            raise DataError("the synthesizer has not been fitted or loaded")
        asked = [au for au, used in zip(targets.aus, targets.mask.any(0), strict=True) if used]
        if unknown := [au for au in asked if au not in self.aus]:
            raise DataError(
                f"the model cannot paint {', '.join(unknown)}: it knows {', '.join(self.aus)}",
                "fit one with these AUs (--aus), or ask for others",
            )
        values = targets.values[targets.mask]
        outside = ~((values >= 0) & (values <= MAX_LEVEL))  # NaN as well
        if bool(outside.any()):
            raise DataError(f"a target intensity is {values[outside][0]:g}: intensities are 0..5")

    @torch.inference_mode()
    def _paint(self, images: Tensor, targets: Labels, labels: Labels) -> Tensor:
        assert self.networks is not None
        networks, device = self.networks.to(self.context.device).eval(), self.context.device
        whole = as_signed(images.to(device, memory_format=torch.channels_last))
        small = resized(whole, self.config.size)
        targets, labels = targets.to(device), labels.to(device)
        seen = lambda: estimate(networks["critic"], small)  # noqa: E731
        keep = lambda: fill(labels.values / MAX_LEVEL, labels.mask, seen)  # noqa: E731
        wanted = fill(targets.values / MAX_LEVEL, targets.mask, keep)
        painted = networks["generator"](small, wanted).image
        # What the networks' own resolution cannot hold is carried over from the face.
        changed = whole + resized(painted - small, whole.shape[-1])
        return ((changed.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).cpu()

    def save(self, folder: Path) -> None:
        """Write the averaged generator, the critic and the card.

        Raises:
            DataError: not fitted.
        """
        if self.networks is None:
            raise DataError("the synthesizer has not been fitted or loaded")
        card = {"aus": list(self.aus), "scale": [0, MAX_LEVEL], "options": asdict(self.config)}
        save_model(folder, self.networks.state_dict(), card)

    def load(self, folder: Path) -> None:
        """Become what was saved.

        Raises:
            DataError: it is damaged, or not of this method.
        """
        card, tensors = load_card(folder), load_tensors(folder)
        try:
            config, aus = GanimationConfig(**card["options"]), tuple(card["aus"])
            networks = _networks(config, len(aus))
            networks.load_state_dict(tensors)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise DataError(f"{folder} does not hold the networks of its card") from error
        self.config, self.aus, self.networks = config, aus, networks


def _networks(config: GanimationConfig, aus: int) -> nn.ModuleDict:
    generator = Generator(aus, config.width, config.blocks, config.attention)
    critic = Critic(aus, config.size, config.critic_width, config.depth)
    return nn.ModuleDict({"generator": generator, "critic": critic})


def _rows(labels: Labels, rows: slice) -> Labels:
    return Labels(labels.aus, labels.values[rows], labels.mask[rows])
