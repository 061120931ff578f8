"""Synthesis of a face: extract regions, generate new ones for their labels, compose them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from aukit.au import MAX_LEVEL
from aukit.synthesis.motion import Change, moved
from aukit_lacgan.networks import COLOURS, LocalCritics, RegionGenerators
from aukit_lacgan.plugin import LacganConfig
from aukit_lacgan.regions import composed, shared_out, summed

UNCHANGED = 1e-4
"""Labels that differ by less are the same."""

FARTHEST = 2.5
"""The largest motion that a generator can ask for, in the units of `moved`."""


class Painting(NamedTuple):
    """The result of synthesizing a batch.

    Attributes:
        image: (B, 3, S, S) in -1..1.
        painted: (B, A, 3, S, S) in -1..1, what each generator puts in place of the face.
        restored: (B, A, 3, S, S), what it makes of the label that the face shows; None if not
            needed.
        latent: (B, A, Z), z.
        part: (B, A) bool, AUs that were changed.
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

    Only AUs whose label changes take part, unless `repaint_all`, so other regions are untouched.

    Args:
        generators: of all AUs.
        source: (B, 3, S, S) in -1..1.
        attention: (B, A, S, S) in 0..1.
        shown, wanted: (B, A) labels in -1..1.
        config: how regions are composed.
        restore: also regenerate what the face shows.
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
    return Painting(change.on(source).clamp(-1, 1), painted, restored, latent.float(), part, change)


def _changed(source: Tensor, changes: Tensor, taking: Tensor) -> tuple[Tensor, Change]:
    """Each AU's picture, and the change of all together.

    What z cannot hold of a face is carried over from it.

    Args:
        source: (B, 3, S, S).
        changes: (B, A, C, S, S), what the label changes in what the generators make.
        taking: (B, A, S, S) attention; 0 where an AU takes no part.
    """
    colours, motions = changes[:, :, :COLOURS], FARTHEST * changes[:, :, COLOURS:]
    faces = source[:, None].expand_as(colours)
    if motions.shape[2] == 0:
        return (faces + colours).clamp(-1, 1), Change(None, summed(colours, taking))
    faces = moved(faces.flatten(0, 1), motions.flatten(0, 1)).view_as(colours)
    change = Change(summed(motions, taking), summed(colours, taking))
    return (faces + colours).clamp(-1, 1), change


def cut(images: Tensor, attention: Tensor) -> Tensor:
    """Regions of (B, 3, S, S) or (B, A, 3, S, S) pictures (eq. 1), (B, A, 3, S, S)."""
    whole = images if images.ndim == 5 else images[:, None]
    return attention[:, :, None] * whole


@torch.no_grad()
def estimate(critics: LocalCritics, source: Tensor, attention: Tensor) -> Tensor:
    """(B, A) intensities in 0..1 estimated by the AU regressions for uncoded faces."""
    seen = critics.read(cut(source, attention)).float()
    return ((seen + 1) / 2).clamp(0, 1)
