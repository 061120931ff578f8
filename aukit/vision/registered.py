"""The position of a face in a registered picture, and pictures without a face.

Every aligner places its template by the same rule, so that faces from different aligners have about
the same size and position.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from aukit.contracts.aligner import Aligned
from aukit.contracts.landmarker import IBUG68, Faces
from aukit.vision.warp import apply, inside, warp

NO_FACE = "no face"
NOT_FINITE = "landmarks not finite"
TOO_SMALL = "face too small"
NO_SHAPE = "not the shape of a face"
OUTSIDE = "landmarks outside the picture"

OUTER_EYES = (36, 45)
"""The outer corners of the eyes among the 68 points: their distance is the size of a face."""

EDGE = 0.03
"""Share of the picture left free above the hairline and below the chin."""


def placement(points: Tensor, size: int, margin: float, forehead: float) -> tuple[Tensor, Tensor]:
    """Scale and shift (2,) that place a template in a square picture: points * scale + shift.

    Args:
        points: (68, 2) points of the template, any unit.
        size: side of the picture in pixels.
        margin: share of the width left free on either side of the points.
        forehead: share of the height left free above them.

    Returns:
        for pixels whose (0, 0) is the centre of the first one.
    """
    low, high = points.amin(0), points.amax(0)
    scale = (1 - 2 * margin) * size / (high[0] - low[0])
    corner = points.new_tensor([margin * size, forehead * size])
    return scale, corner - 0.5 - low * scale


def within(
    points: Tensor, low: Tensor, high: Tensor, size: int, margin: float
) -> tuple[Tensor, Tensor]:
    """Scale and shift (2,) that place a whole face in a square picture, forehead included.

    Args:
        points: (68, 2) points of the template, which are scaled no larger than by `placement`.
        low, high: (2,) corners of the region to show.
        size: side of the picture in pixels.
        margin: share of the width left free on either side of the points.
    """
    wide, _ = placement(points, size, margin, 0.0)
    scale = torch.minimum(wide, (1 - 2 * EDGE) * size / (high - low).amax())
    return scale, (size - 1) / 2 - scale * (low + high) / 2


def placed(points: Tensor, size: int, margin: float, forehead: float) -> Tensor:
    """(68, 2) pixels: the template in a square picture; arguments as for `placement`."""
    scale, shift = placement(points, size, margin, forehead)
    return points * scale + shift


def blank(reasons: Sequence[str | None], size: int, device: torch.device | str) -> Aligned:
    """Rows of zeros, to be filled for rows without a reason."""
    rows = len(reasons)
    return Aligned(
        images=torch.zeros(rows, 3, size, size, dtype=torch.uint8, device=device),
        valid=torch.zeros(rows, size, size, dtype=torch.bool, device=device),
        transforms=torch.zeros(rows, 3, 3, device=device),
        landmarks=torch.zeros(rows, 68, 2, device=device),
        reasons=tuple(reasons),
        occlusion=torch.full((rows,), torch.nan, device=device),
    )


def first_reasons(
    checks: Iterable[tuple[str, Sequence[bool]]], known: Sequence[str | None]
) -> tuple[str | None, ...]:
    """For each row the known reason, else that of the first failed check.

    Args:
        checks: (reason, whether each row fails).
        known: reasons known already.
    """
    reasons = list(known)
    for reason, failed in checks:
        reasons = [
            old or (reason if bad else None) for old, bad in zip(reasons, failed, strict=True)
        ]
    return tuple(reasons)


def points_of(faces: Sequence[Faces]) -> tuple[Tensor, tuple[str | None, ...]]:
    """The 68 points of each picture's face, or the reason for their absence.

    Args:
        faces: B `Faces` of length one, or zero if no face was found.

    Returns:
        (B, 68, 2) float32 source pixels, and length B reasons; rows with a reason have placeholder
        points that are safe to compute with.
    """
    found = [
        face.landmarks[IBUG68][0, :, :2].cpu().float() if len(face) else None for face in faces
    ]
    reasons = tuple(
        NO_FACE if one is None else None if one.isfinite().all() else NOT_FINITE for one in found
    )
    anything = torch.arange(136.0).reshape(68, 2)
    usable = zip(found, reasons, strict=True)
    points = [anything if one is None or reason else one for one, reason in usable]
    return torch.stack(points) if points else torch.empty(0, 68, 2), reasons


def registered(
    images: Sequence[Tensor],
    points: Tensor,
    transforms: Tensor,
    size: int,
    reasons: Sequence[str | None],
) -> Aligned:
    """Resample each face by its transform; rows with a reason hold zeros.

    Args:
        images: B uint8 (3, H, W), any sizes.
        points: (B, 68, 2) source pixels, as of `points_of`.
        transforms: (B, 3, 3) source pixels -> aligned pixels.
        size: side of the registered faces.
        reasons: length B; None for a good row.
    """
    good = torch.tensor([reason is None for reason in reasons])
    valid = inside([(image.shape[-2], image.shape[-1]) for image in images], transforms, size)
    valid = valid & good.to(valid.device)[:, None, None]
    pictures = warp(images, transforms, size)
    kept = good.to(pictures.device)
    return Aligned(
        images=pictures * kept[:, None, None, None],
        valid=valid,
        transforms=transforms * good[:, None, None],
        landmarks=apply(transforms, points) * good[:, None, None],
        reasons=tuple(reasons),
    )
