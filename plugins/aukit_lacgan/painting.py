"""One act of painting: regions out of a face, new regions by their labels, a face out of them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from aukit.au import MAX_LEVEL
from aukit.synthesis.images import resized
from aukit_lacgan.networks import COLOURS, LocalCritics, RegionGenerators
from aukit_lacgan.plugin import LacganConfig
from aukit_lacgan.regions import composed, shared_out, summed, warped

UNCHANGED = 1e-4
"""Labels that differ by less are the same."""

FARTHEST = 0.25
"""The movement that a generator can paint, where a picture reaches from -1 to 1."""


class Change(NamedTuple):
    """How faces change, whatever their size.

    Attributes:
        movement: (B, 2, S, S), the way across and down to where each pixel comes from, on a picture
            that reaches from -1 to 1; None where nothing moves.
        colour: (B, 3, S, S), what is added to the face that has moved.
    """

    movement: Tensor | None
    colour: Tensor

    def on(self, faces: Tensor) -> Tensor:
        """Faces (B, 3, T, T) in -1..1 of any size, changed.

        What the networks' own resolution cannot hold is carried over from them.
        """
        side = faces.shape[-1]
        if self.movement is not None:
            faces = warped(faces, resized(self.movement, side))
        return (faces + resized(self.colour, side)).clamp(-1, 1)


class Painting(NamedTuple):
    """What comes of painting a batch.

    Attributes:
        image: (B, 3, S, S) in -1..1.
        painted: (B, A, 3, S, S) in -1..1, what each generator puts in place of the face.
        restored: (B, A, 3, S, S), what it makes of the label that the face shows; None where nobody
            needs it.
        latent: (B, A, Z), z.
        part: (B, A) bool, AUs that were painted.
        change: what became of the faces.
    """

    image: Tensor
    painted: Tensor
    restored: Tensor | None
    latent: Tensor
    part: Tensor
    change: Change


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
        generators: of all AUs.
        source: (B, 3, S, S) in -1..1.
        attention: (B, A, S, S) in 0..1.
        shown, wanted: (B, A) labels in -1..1.
        config: how regions are composed.
        restore: also paint what the face shows.
    """
    changing = config.composition != "replace"
    both = torch.stack([wanted, shown] if restore or changing else [wanted], 1)
    latent, made = generators(cut(source, attention), both)
    made = made.float()
    part = torch.ones_like(shown, dtype=torch.bool)
    if not config.repaint_all:
        part = (wanted - shown).abs() > UNCHANGED
    if changing:
        taking = attention * part[:, :, None, None]
        painted, change = _changed(source, made[:, 0] - made[:, 1], taking)
    else:
        painted = made[:, 0]
        image = composed(source, painted, shared_out(attention, part))
        change = Change(None, image - source)
    restored = made[:, -1, :, :COLOURS] if restore else None
    return Painting(change.on(source), painted, restored, latent.float(), part, change)


def _changed(source: Tensor, changes: Tensor, taking: Tensor) -> tuple[Tensor, Change]:
    """Each AU's picture, and the change of all together.

    What z cannot hold of a face is carried over from it.

    Args:
        source: (B, 3, S, S).
        changes: (B, A, C, S, S), what the label changes in what the generators paint.
        taking: (B, A, S, S) attention; 0 where an AU takes no part.
    """
    colours, ways = changes[:, :, :COLOURS], FARTHEST * changes[:, :, COLOURS:]
    faces = source[:, None]
    if ways.shape[2] == 0:
        return (faces + colours).clamp(-1, 1), Change(None, summed(colours, taking))
    change = Change(summed(ways, taking), summed(colours, taking))
    return (warped(faces, ways) + colours).clamp(-1, 1), change


def cut(images: Tensor, attention: Tensor) -> Tensor:
    """Regions of (B, 3, S, S) or (B, A, 3, S, S) pictures (eq. 1), (B, A, 3, S, S)."""
    whole = images if images.ndim == 5 else images[:, None]
    return attention[:, :, None] * whole


@torch.no_grad()
def estimate(critics: LocalCritics, source: Tensor, attention: Tensor) -> Tensor:
    """(B, A) intensities in 0..1 that the AU regressions see in faces that were not coded."""
    seen = critics.read(cut(source, attention)).float()
    return ((seen + 1) / 2).clamp(0, 1)
