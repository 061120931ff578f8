"""Faces of photos and their targets as input for synthesizers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from aukit.au import MAX_LEVEL
from aukit.contracts.aligner import Way
from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.errors import ConfigError

Intensities = Mapping[str, float]
"""AU column -> intensity 0..5."""


@dataclass(frozen=True)
class Portrait:
    """A registered face.

    Attributes:
        path: the file.
        face: (3, S, S) uint8.
        landmarks: (68, 2) float32 iBUG points in it; NaN if unknown.
        photo: (3, H, W) uint8, the photo it was found in; None if that is the face itself.
        transform: (3, 3) photo pixels -> face pixels.
        valid: (S, S) bool, True where a pixel comes from the photo.
        way: mapping from the photo's pixels to the face, for non-planar aligners.
    """

    path: Path
    face: Tensor
    landmarks: Tensor
    photo: Tensor | None
    transform: Tensor
    valid: Tensor
    way: Way | None = None


@dataclass(frozen=True)
class Refused:
    """A file without a face to edit, and why."""

    path: Path
    reason: str


def face_batch(portraits: Sequence[Portrait], aus: tuple[str, ...]) -> FaceBatch:
    """Registered faces of photos as a batch: every file is a person, no AU is coded."""
    names = tuple(portrait.path.as_posix() for portrait in portraits)
    shape = (len(portraits), len(aus))
    return FaceBatch(
        ids=names,
        subjects=names,
        images=torch.stack([portrait.face for portrait in portraits]),
        labels=Labels(aus, torch.zeros(shape), torch.zeros(shape, dtype=torch.bool)),
        landmarks=torch.stack([portrait.landmarks for portrait in portraits]),
    )


def wished(
    wishes: Sequence[Intensities],
    aus: tuple[str, ...],
    occurrence: frozenset[str] = frozenset(),
) -> Labels:
    """Target labels (N, A), masked where no target is given.

    Args:
        wishes: N sets of targets.
        aus: AUs of the labels.
        occurrence: AUs that can only be absent or present, 0 or 1.

    Raises:
        ConfigError: an intensity is outside 0..5, or outside 0..1 for an occurrence.
    """
    for au, level in (item for wish in wishes for item in wish.items()):
        if not 0 <= level <= MAX_LEVEL:
            raise ConfigError(f"target {au} = {level:g}: intensities range from 0 to 5")
        if au in occurrence and level > 1:
            raise ConfigError(
                f"target {au} = {level:g}: the synthesizer knows this AU only as absent or present",
                f"use {au} = 0 or 1",
            )
    values = torch.tensor([[wish.get(au, 0.0) for au in aus] for wish in wishes])
    mask = torch.tensor([[au in wish for au in aus] for wish in wishes], dtype=torch.bool)
    return Labels(aus, values.float(), mask, occurrence)
