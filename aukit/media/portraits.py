"""Faces of photos, and what is wished of them, as synthesizers take both."""

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
        landmarks: (68, 2) float32 iBUG points in it; NaN where they are not known.
        photo: (3, H, W) uint8, the picture that it was found in; None if that is the face itself.
        transform: (3, 3) photo pixels -> face pixels.
        valid: (S, S) bool, pixels that show the photo.
        way: from the photo's pixels to those of the face, where it was turned in space.
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
    """Registered faces of photos as components take them: every file a person, nothing coded."""
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
    """Wishes as targets: (N, A), masked where a wish says nothing.

    Args:
        wishes: what is to be shown.
        aus: the AUs of the targets.
        occurrence: those that can be absent or present only, 0 or 1.

    Raises:
        ConfigError: an intensity outside 0..5, or of an occurrence outside 0..1.
    """
    for au, level in (item for wish in wishes for item in wish.items()):
        if not 0 <= level <= MAX_LEVEL:
            raise ConfigError(f"{au} is to be {level:g}: intensities are 0..5")
        if au in occurrence and level > 1:
            raise ConfigError(
                f"{au} is to be {level:g}: the synthesizer knows it as absent or present only",
                f"ask for {au} = 0 or 1",
            )
    values = torch.tensor([[wish.get(au, 0.0) for au in aus] for wish in wishes])
    mask = torch.tensor([[au in wish for au in aus] for wish in wishes], dtype=torch.bool)
    return Labels(aus, values.float(), mask, occurrence)
