"""Batches of faces for a fit, and the parts of a step that do not depend on the method."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from aukit.contracts.faces import FaceBatch, FaceSource
from aukit.contracts.labels import Labels
from aukit.contracts.session import Session
from aukit.errors import DataError
from aukit.machine.processes import average_gradients, own_share
from aukit.synthesis.draws import Draw, Sampler
from aukit.synthesis.images import as_signed
from aukit.synthesis.options import FitOptions
from aukit.vision.resize import resized

BETAS = (0.5, 0.999)
"""Betas of Adam, as usual for adversarial training."""


@dataclass(frozen=True)
class Batch:
    """One step's tensors on the device.

    Attributes:
        source: (B, 3, S, S) in -1..1.
        landmarks: (B, 68, 2) of the source, in its pixels; mirrored with it, not renumbered.
        truth: (B, 3, S, S), the faces the targets come from; None without pairs.
        shown, wanted: (B, A) codes in 0..1 (`Labels.shares`) of source and target; unclamped noise
            may exceed the range. `completed` fills in what is not coded.
        shown_mask, wanted_mask: (B, A) bool, coded.
        all_shown, all_wanted: whether nothing is masked; known without a device sync.
        weight: (B,) weight of the idiosyncratic loss, mean 1 over the pairs of the whole batch.
        mix: (B,) in 0..1, for gradient penalties.
    """

    source: Tensor
    landmarks: Tensor
    truth: Tensor | None
    shown: Tensor
    shown_mask: Tensor
    wanted: Tensor
    wanted_mask: Tensor
    weight: Tensor
    mix: Tensor
    all_shown: bool
    all_wanted: bool

    def completed(self, estimate: Callable[[], Tensor]) -> Batch:
        """Fill in what is not coded.

        Uncoded AUs of the source get the estimate, (B, A) in 0..1; uncoded AUs of the target keep
        what the source shows. Neither is part of any loss.
        """
        if self.all_shown and self.all_wanted:
            return self
        shown, wanted = self.shown, self.wanted
        if not self.all_shown:
            shown = torch.where(self.shown_mask, shown, estimate())
        if not self.all_wanted:
            wanted = torch.where(self.wanted_mask, wanted, shown)
        return replace(self, shown=shown, wanted=wanted)


class Batches:
    """Makes the batches of a fit; they depend only on the session's seed and the step number.

    Args:
        faces: training faces.
        options: batch, noise, clamp, flip, pairs.
        size: side of the networks' pictures.
        session: session of the fit.

    Raises:
        DataError: nothing can be learned from the faces.
    """

    def __init__(self, faces: FaceSource, options: FitOptions, size: int, session: Session) -> None:
        refuse_useless(faces)
        self.faces, self.size, self.session = faces, size, session
        self.labels, self.shares = faces.labels, faces.labels.shares
        self.clamp = options.clamp
        self.sampler = Sampler(faces, options, session.seed)

    def __call__(self, step: int) -> Batch:
        """This process's share of a step's batch."""
        whole = self.sampler.draw(step)
        draw = whole.share(own_share(range(len(whole.same))))
        labels, moved = self.labels, self.session.moved
        shown_mask, wanted_mask = labels.mask[draw.sources], labels.mask[draw.targets]
        pairs = whole.same.float().mean().clamp_min(1e-6)
        wanted = self.shares[draw.targets] + draw.noise
        faces = self.faces.batch(draw.sources.tolist())
        truth = self.sampler.partners and self.faces.batch(draw.targets.tolist())
        return Batch(
            source=self._images(faces, draw),
            landmarks=self._landmarks(faces, draw),
            truth=self._images(truth, draw) if truth else None,
            shown=moved(self.shares[draw.sources]),
            shown_mask=moved(shown_mask),
            wanted=moved(wanted.clamp(0, 1) if self.clamp else wanted),
            wanted_mask=moved(wanted_mask),
            weight=moved(draw.same / pairs),
            mix=moved(draw.mix),
            all_shown=bool(shown_mask.all()),
            all_wanted=bool(wanted_mask.all()),
        )

    def _images(self, faces: FaceBatch, draw: Draw) -> Tensor:
        small = resized(as_signed(self.session.images(faces.images)), self.size)
        mirrored = self.session.moved(draw.mirrored).view(-1, 1, 1, 1)
        return torch.where(mirrored, small.flip(-1), small)

    def _landmarks(self, faces: FaceBatch, draw: Draw) -> Tensor:
        points = scaled(faces.landmarks, self.size / faces.images.shape[-1])
        mirrored = torch.stack([self.size - 1 - points[..., 0], points[..., 1]], -1)
        placed = torch.where(draw.mirrored.view(-1, 1, 1), mirrored, points)
        return self.session.moved(placed)


def scaled(points: Tensor, factor: float) -> Tensor:
    """(..., 2) positions after resizing a picture; pixel centres lie at integers."""
    return (points + 0.5) * factor - 0.5


def refuse_useless(faces: FaceSource) -> None:
    """Refuse faces from which nothing can be learned.

    Raises:
        DataError: fewer than two faces, an AU that is never coded, or the same codes everywhere.
    """
    labels = faces.labels
    if len(faces) < 2:
        raise DataError(f"{len(faces)} training face: a synthesizer needs many")
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
    """Values where the mask is True, else others, which are computed only if needed."""
    return values if bool(mask.all()) else torch.where(mask, values, other())


def filled(values: Tensor, other: Tensor) -> Tensor:
    """The same for an exported graph: NaN is replaced from `other`."""
    return torch.where(values.isnan(), other, values)


@contextlib.contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Disable gradients of the module's weights in the block; gradients still flow through it."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)


def adam(module: nn.Module, learning_rate: float) -> torch.optim.Adam:
    """The optimizer of an adversarially trained network."""
    return torch.optim.Adam(list(module.parameters()), lr=learning_rate, betas=BETAS, fused=True)


def schedule(optimizers: Mapping[str, Optimizer], rate: float) -> None:
    """Set the learning rate of all optimizers."""
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = rate


def learning_rate(options: FitOptions, steps: int, number: int) -> float:
    """Constant, then linearly decreasing to zero; depends only on the step number."""
    falling = steps * options.decay_epochs / (options.epochs + options.decay_epochs)
    return options.learning_rate * min(1.0, (steps - number) / max(falling, 1.0))


def descend(
    optimizer: Optimizer, module: nn.Module, losses: Mapping[str, tuple[float, Tensor]]
) -> dict[str, Tensor]:
    """One optimizer step on a weighted sum of losses; gradients are averaged over all processes.

    Args:
        optimizer: optimizer of the module.
        module: module to train.
        losses: name -> (weight, loss).

    Returns:
        the unweighted losses by name.
    """
    optimizer.zero_grad(set_to_none=True)
    total = torch.stack([weight * loss for weight, loss in losses.values()]).sum()
    total.backward()  # type: ignore[no-untyped-call]
    average_gradients(module.parameters())
    optimizer.step()
    return {name: loss for name, (_, loss) in losses.items()}
