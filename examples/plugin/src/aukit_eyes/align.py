"""The method: a similarity from two points, and one batched warp."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from aukit.contracts.aligner import Aligned
from aukit.contracts.context import Context
from aukit.contracts.landmarker import IBUG68, Faces
from aukit.vision.warp import apply, inside, similarity, warp
from aukit_eyes.plugin import Options

# Stands for the face of a picture without one; its row is emptied and has a reason.
NOBODY = torch.arange(136.0).reshape(68, 2)


class EyesAligner:
    """Puts the centres of the eyes on a horizontal line, two fifths down."""

    def __init__(self, config: Options, context: Context) -> None:
        self.config = config

    def align(self, images: Sequence[Tensor], faces: Sequence[Faces]) -> Aligned:
        """Register one face an image; see `aukit.contracts.aligner.Aligner`."""
        size, marks = self.config.size, [points_of(face) for face in faces]
        found = torch.tensor([points is not None for points in marks])
        points = torch.stack([NOBODY if p is None else p for p in marks]).float()
        eyes = torch.stack([points[:, 36:42].mean(1), points[:, 42:48].mean(1)], 1)
        half = self.config.distance / 2
        target = (size - 1) * torch.tensor([[0.5 - half, 0.4], [0.5 + half, 0.4]])
        transforms = similarity(eyes, target)
        valid = inside([(i.shape[1], i.shape[2]) for i in images], transforms, size)
        return Aligned(
            images=warp(images, transforms, size) * found[:, None, None, None],
            valid=valid & found[:, None, None],
            transforms=transforms,
            landmarks=apply(transforms, points),
            reasons=tuple(None if seen else "no face" for seen in found),
        )

    def describe(self) -> dict[str, Any]:
        """What a model must know to refuse faces that were aligned otherwise."""
        return asdict(self.config)


def points_of(face: Faces) -> Tensor | None:
    """The 68 points of a face, None where there is none that can be used."""
    points = face.landmarks[IBUG68].cpu() if len(face) else torch.empty(0)
    return points[0] if len(points) and points.isfinite().all() else None
