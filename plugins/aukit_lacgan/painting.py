"""One act of painting: regions out of a face, new regions by their labels, a face out of them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from aukit.au import MAX_LEVEL
from aukit_lacgan.networks import LocalCritics, RegionGenerators
from aukit_lacgan.plugin import LacganConfig
from aukit_lacgan.regions import added, composed, shared_out

UNCHANGED = 1e-4
"""Labels that differ by less are the same."""


class Painting(NamedTuple):
    """What comes of painting a batch.

    Attributes:
        image: (B, 3, S, S) in -1..1.
        painted: (B, A, 3, S, S) in -1..1, what each generator puts in place of the face.
        restored: (B, A, 3, S, S), what it makes of the label that the face shows; None where nobody
            needs it.
        latent: (B, A, Z), z.
        part: (B, A) bool, AUs that were painted.
    """

    image: Tensor
    painted: Tensor
    restored: Tensor | None
    latent: Tensor
    part: Tensor


def as_labels(intensity: Tensor, config: LacganConfig) -> Tensor:
    """Intensities in 0..1 as labels in -1..1: on that scale, or -1 absent and 1 present."""
    if config.labels == "presence":
        present = intensity * MAX_LEVEL >= config.present - UNCHANGED
        return 2 * present.to(intensity.dtype) - 1
    return 2 * intensity - 1


def repaint(
    generators: RegionGenerators | nn.Module,
    source: Tensor,
    attention: Tensor,
    shown: Tensor,
    wanted: Tensor,
    config: LacganConfig,
    restore: bool,
) -> Painting:
    """Give faces other labels.

    Only AUs whose label changes take part, unless `repaint_all`; so where nothing is asked for,
    nothing is touched.

    Args:
        generators: one for each AU.
        source: (B, 3, S, S) in -1..1.
        attention: (B, A, S, S) in 0..1.
        shown, wanted: (B, A) labels in -1..1.
        config: how regions are composed.
        restore: also paint what the face shows.
    """
    changing = config.composition == "difference"
    both = torch.stack([wanted, shown] if restore or changing else [wanted], 1)
    latent, pictures = generators(cut(source, attention), both)
    pictures = pictures.float()
    painted, restored = pictures[:, 0], pictures[:, -1] if restore else None
    part = torch.ones_like(shown, dtype=torch.bool)
    if not config.repaint_all:
        part = (wanted - shown).abs() > UNCHANGED
    if changing:
        # What z cannot hold of a face is carried over from it.
        changes = painted - pictures[:, 1]
        painted = (source[:, None] + changes).clamp(-1, 1)
        image = added(source, changes, attention * part[:, :, None, None])
    else:
        image = composed(source, painted, shared_out(attention, part))
    return Painting(image, painted, restored, latent.float(), part)


def cut(images: Tensor, attention: Tensor) -> Tensor:
    """Regions of (B, 3, S, S) or (B, A, 3, S, S) pictures (eq. 1), (B, A, 3, S, S)."""
    whole = images if images.ndim == 5 else images[:, None]
    return attention[:, :, None] * whole


@torch.no_grad()
def estimate(critics: LocalCritics, source: Tensor, attention: Tensor) -> Tensor:
    """(B, A) intensities in 0..1 that the AU regressions see in faces that were not coded."""
    seen = critics.read(cut(source, attention)).float()
    return ((seen + 1) / 2).clamp(0, 1)
