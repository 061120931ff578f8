"""The part of synthesizers that does not depend on their networks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor, nn

from aukit.au import MAX_LEVEL
from aukit.config.values import from_json
from aukit.contracts.context import Context
from aukit.contracts.faces import FaceBatch
from aukit.contracts.graph import Graph, Tensors
from aukit.contracts.labels import Labels
from aukit.data.kinds import INTENSITY, OCCURRENCE, occurrences
from aukit.errors import DataError
from aukit.store.models import load_card, load_network, load_tensors, save_model
from aukit.synthesis.images import as_signed
from aukit.synthesis.options import FitOptions

PAINT_BATCH = 32

IMAGES, LANDMARKS, SHOWN, WANTED, IMAGE = "images", "landmarks", "shown", "wanted", "image"
"""Inputs and the output of a synthesizer as a graph."""

ABOUT = {
    IMAGES: "registered faces, RGB, 0..1",
    LANDMARKS: "the 68 iBUG points of each, x y, in its pixels",
    SHOWN: "code of each AU shown by the face; NaN to let the networks estimate it",
    WANTED: "target code of each AU; NaN to keep it",
    IMAGE: "the faces with the target AUs, RGB, 0..1",
}

Options = TypeVar("Options", bound=FitOptions)


class Painter(ABC, Generic[Options]):
    """Checks, batches, saves and loads for synthesizers that are neural networks.

    Args:
        config: options.
        context: the device.

    Attributes:
        aus: AUs it was fitted for.
        occurrence: AUs labelled with presence only.
        networks: the networks; None before `fit` or `load`.
    """

    options: ClassVar[type[FitOptions]]
    """Class of the options, to read them from a card."""

    def __init__(self, config: Options, context: Context) -> None:
        self.config = config
        self.context = context
        self.aus: tuple[str, ...] = ()
        self.occurrence: frozenset[str] = frozenset()
        self.networks: nn.ModuleDict | None = None

    @abstractmethod
    def build(self, config: Options, aus: tuple[str, ...]) -> nn.ModuleDict:
        """New networks for these AUs, into which a state is loaded next."""

    @abstractmethod
    def paint_batch(self, networks: nn.ModuleDict, faces: FaceBatch, targets: Labels) -> Tensor:
        """Synthesize one batch of faces.

        Args:
            networks: networks on the device, in evaluation mode.
            faces: faces with labels for `self.aus`.
            targets: targets for `self.aus`.

        Returns:
            (B, 3, S, S) uint8 on the CPU.
        """

    @abstractmethod
    def read_batch(self, networks: nn.ModuleDict, faces: FaceBatch) -> Tensor:
        """(B, A) intensities in 0..1 estimated by the networks, on the device.

        Args:
            networks: networks on the device, in evaluation mode.
            faces: one batch of faces; labels are ignored.
        """

    @abstractmethod
    def repainting(self, networks: nn.ModuleDict) -> nn.Module:
        """The same as `paint_batch`, as a module (`aukit.contracts.graph`).

        It takes images (B, 3, S, S) in -1..1, landmarks (B, 68, 2), and shown and target AUs, both
        (B, A) in 0..1 with NaN if unknown; it returns images in -1..1.
        """

    def graph(self, faces: FaceBatch) -> Graph:
        """A graph from faces and targets to synthesized faces.

        Raises:
            DataError: the synthesizer is not fitted.
        """
        networks = deepcopy(self._ready()).cpu().eval()
        labels = faces.labels.select(self.aus)
        inputs = {
            IMAGES: (as_signed(faces.images) + 1) / 2,
            LANDMARKS: faces.landmarks.float(),
            SHOWN: labels.values.masked_fill(~labels.mask, torch.nan),
            WANTED: labels.values.roll(1, 0).masked_fill(~labels.mask.roll(1, 0), torch.nan),
        }
        module = _Painting(self.repainting(networks), self._tops())
        return Graph(module.eval(), inputs, (IMAGE,), ABOUT)

    def card(self) -> dict[str, Any]:
        """The content of the saved model's card."""
        kinds = {au: OCCURRENCE if au in self.occurrence else INTENSITY for au in self.aus}
        return {"aus": list(self.aus), "kinds": kinds, "options": asdict(self.config)}

    def synthesize(self, faces: FaceBatch, targets: Labels, seeds: Tensor) -> Tensor:
        """Synthesize the faces with target codes; nothing is random, so seeds are ignored.

        AUs without a target keep what the face shows: its code, or if not coded, the networks'
        estimate.

        Returns:
            (B, 3, S, S) uint8 on the CPU.

        Raises:
            DataError: not fitted, an unknown AU, or a target off its scale.
        """
        return self.paint(faces, targets)

    @torch.inference_mode()
    def paint(self, faces: FaceBatch, targets: Labels) -> Tensor:
        """The same as `synthesize`, with the signature for `Session.show`."""
        networks = self._placed()
        refuse_targets(targets, self.aus)
        wanted = targets.select(self.aus)
        known = replace(faces, labels=faces.labels.select(self.aus))
        parts = [
            self.paint_batch(networks, known.take(rows), wanted.take(rows))
            for rows in batches(len(faces))
        ]
        return torch.cat(parts) if parts else faces.images.clone()

    @torch.inference_mode()
    def read(self, faces: FaceBatch) -> Tensor:
        """Intensities estimated by the network the generator was trained against.

        Returns:
            (B, A) float32 in 0..5, for an occurrence in 0..1, on the CPU.

        Raises:
            DataError: the synthesizer is not fitted.
        """
        networks = self._placed()
        parts = [self.read_batch(networks, faces.take(rows)) for rows in batches(len(faces))]
        return self._tops() * torch.cat(parts).float().cpu()

    def _tops(self) -> Tensor:
        """(A,) the highest code of each AU."""
        return torch.tensor([1 if au in self.occurrence else MAX_LEVEL for au in self.aus])

    def _placed(self) -> nn.ModuleDict:
        return self._ready().to(self.context.device).eval()

    def _ready(self) -> nn.ModuleDict:
        if self.networks is None:
            raise DataError("the synthesizer has not been fitted or loaded")
        return self.networks

    def save(self, folder: Path) -> None:
        """Write the networks and the card.

        Raises:
            DataError: the synthesizer is not fitted.
        """
        save_model(folder, self._ready().state_dict(), self.card())

    def load(self, folder: Path) -> None:
        """Load what `save` wrote.

        Raises:
            DataError: the model is damaged or of another method.
        """
        card, tensors = load_card(folder), load_tensors(folder)
        try:
            config: Any = self.options(**from_json(card["options"]))
            aus = tuple(card["aus"])
            networks = self.build(config, aus)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise DataError(f"{folder} does not hold the networks described by its card") from error
        load_network(networks, tensors, folder)
        self.config, self.aus, self.networks = config, aus, networks
        self.occurrence = occurrences(card.get("kinds", {}))


def batches(count: int) -> list[range]:
    """Rows of each batch."""
    starts = range(0, count, PAINT_BATCH)
    return [range(start, min(start + PAINT_BATCH, count)) for start in starts]


class _Painting(nn.Module):
    """A `repainting` that takes pictures in 0..1 and unscaled codes."""

    def __init__(self, repainting: nn.Module, tops: Tensor) -> None:
        super().__init__()
        self.repainting, self.tops = repainting, tops

    def forward(self, given: Tensors) -> tuple[Tensor]:
        levels = given[SHOWN] / self.tops, given[WANTED] / self.tops
        painted: Tensor = self.repainting(given[IMAGES] * 2 - 1, given[LANDMARKS], *levels)
        return ((painted.clamp(-1, 1) + 1) / 2,)


def refuse_targets(targets: Labels, aus: tuple[str, ...]) -> None:
    """Refuse targets that cannot be synthesized.

    Raises:
        DataError: a target AU is unknown, or a value is off its scale.
    """
    asked = [au for au, used in zip(targets.aus, targets.mask.any(0), strict=True) if used]
    if unknown := [au for au in asked if au not in aus]:
        raise DataError(
            f"the model cannot synthesize {', '.join(unknown)}: it knows {', '.join(aus)}",
            "fit one with these AUs (--aus), or choose other targets",
        )
    shares = targets.shares
    outside = targets.mask & ~((shares >= 0) & (shares <= 1))  # also true for NaN
    if bool(outside.any()):
        row, column = outside.nonzero()[0].tolist()
        raise DataError(
            f"a target of {targets.aus[column]} is {targets.values[row, column]:g}: its codes are "
            f"0..{targets.tops[column]}"
        )
