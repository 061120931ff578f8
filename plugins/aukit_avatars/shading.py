"""Light to colour at the covered pixels: skin, eyes, cloth, lashes."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from aukit_avatars.lighting import halfway
from aukit_avatars.scene import Scenes

IRIS_ANGLE, PUPIL_ANGLE = 0.435, 0.17
"""Seen from the middle of the eyeball, radians off its axis."""

EYE_UV = {"eye_left": (0.94, 0.06), "eye_right": (0.06, 0.06)}
EYE_UV_RADIUS = 0.06


def bilinear(table: Tensor, first: Tensor, uv: Tensor, size: int) -> Tensor:
    """Read textures at points.

    Args:
        table: (R * size * size, C) R textures, row by row.
        first: (N,) int64, which texture.
        uv: (N, 2) in 0..1.
        size: texels along an edge.

    Returns:
        (N, C).
    """
    place = (uv * size - 0.5).clamp(0, size - 1.001)
    corner = place.floor()
    share = place - corner
    column, row = corner.long().unbind(1)
    start = first * (size * size) + row * size + column
    rows = torch.stack([start, start + 1, start + size, start + size + 1], dim=1)
    x, y = share.unbind(1)
    weights = torch.stack([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y], dim=1)
    return functional.embedding_bag(rows, table, per_sample_weights=weights, mode="sum")


def mirrored(cosines: Tensor, sample: Tensor, scenes: Scenes) -> Tensor:
    """Light mirrored by the oil on skin: a broad and a narrow lobe, and a sheen at grazing angles.

    The lobes are spherical Gaussians around the half vectors, with Schlick's Fresnel term.

    Args:
        cosines: (N, 3) of the normal to the half vectors of two lights and to the camera.
        sample: (N,) int64 rows of the scenes.
        scenes: B scenes.

    Returns:
        (N, 3) linear, for a gloss of 1.
    """
    lobes = [(1 - cosines[:, 2].clamp(0, 1)) ** 4]
    colours = [0.1 * scenes.above]
    for lamp, half in enumerate(halfway(scenes)):
        fresnel = 0.04 + 0.96 * (1 - half[:, 2]) ** 5
        sharp = 70 * (1 - 0.6 * scenes.softness[:, lamp])[sample]
        offset = cosines[:, lamp] - 1
        lobes.append(0.55 * torch.exp(14 * offset) + sharp / 78 * torch.exp(sharp * offset))
        colours.append(3.2 * fresnel[:, None] * scenes.colour[:, lamp])
    rows = sample[:, None] * 3 + torch.arange(3, device=sample.device)
    return functional.embedding_bag(
        rows,
        torch.stack(colours, dim=1).flatten(0, 1),
        per_sample_weights=torch.stack(lobes, dim=1),
        mode="sum",
    )


def tilted(normal: Tensor, slopes: Tensor, turned: Tensor) -> Tensor:
    """Normals on folded skin.

    Args:
        normal: (N, 3) of the smooth skin, camera axes.
        slopes: (N, 2 or more): rise to the right of the face and upwards.
        turned: (N, 3, 3) axes of the skull in camera axes.

    Returns:
        (N, 3) unit vectors.
    """
    right, up = turned[:, :, 0], turned[:, :, 1]
    tilt = slopes[:, :1] * _tangent(right, normal) + slopes[:, 1:2] * _tangent(up, normal)
    return functional.normalize(normal - tilt, dim=1)


def _tangent(axis: Tensor, normal: Tensor) -> Tensor:
    along = axis - (axis * normal).sum(1, keepdim=True) * normal
    length: Tensor = torch.linalg.vector_norm(along, dim=1, keepdim=True)
    return along / length.clamp_min(0.3)


def relit(plain: Tensor, normal: Tensor, scenes: Scenes, sample: Tensor) -> Tensor:
    """(N, 3) change of the light when the `plain` (N, 3) normals tilt: key light and ceiling."""
    key = scenes.direction[sample, 0]
    change = ((normal - plain) * key).sum(1, keepdim=True)
    facing = (plain * key).sum(1, keepdim=True).clamp(0, 1).sqrt()
    sky = (normal - plain)[:, 1:2] * (scenes.above - scenes.below)[sample]
    return change * facing * scenes.colour[sample, 0] + 0.75 * sky


def eye_albedo(angle: Tensor, around: Tensor, iris: Tensor, seed: Tensor) -> Tensor:
    """Reflectance of the eyeball.

    Args:
        angle: (N,) radians off the optical axis.
        around: (N,) radians round it.
        iris: (N, 3) colour.
        seed: (N,) in 0..1, shifts the pattern of the fibres.

    Returns:
        (N, 3).
    """
    white = iris.new_tensor([0.60, 0.545, 0.50])
    veins = iris.new_tensor([0.60, 0.42, 0.37])
    sclera = white + (veins - white) * ((angle - 0.6) / 0.7).clamp(0, 1)[:, None] * 0.7
    fibres = torch.sin(around * 23 + seed * 40) * torch.sin(around * 41 + angle * 30 + seed * 90)
    ring = _step(angle, PUPIL_ANGLE, IRIS_ANGLE)
    tone = iris * (1.25 + 0.3 * fibres - 0.35 * ring)[:, None]
    limbus = _step(angle, IRIS_ANGLE - 0.10, IRIS_ANGLE - 0.01)
    tone = tone * (1 - 0.72 * limbus)[:, None]
    tone = (
        tone + (0.006 - tone) * (1 - _step(angle, PUPIL_ANGLE - 0.02, PUPIL_ANGLE + 0.025))[:, None]
    )
    edge = _step(angle, IRIS_ANGLE - 0.03, IRIS_ANGLE + 0.04)[:, None]
    return tone + (sclera - tone) * edge


def eye_angles(uv: Tensor) -> tuple[Tensor, Tensor]:
    """Radians off and round the optical axis of whichever eye the (N, 2) texture point is on."""
    left = (uv[:, :1] > 0.5).float()
    centre = uv.new_tensor(EYE_UV["eye_left"]) * left + uv.new_tensor(EYE_UV["eye_right"]) * (
        1 - left
    )
    offset = uv - centre
    return torch.linalg.vector_norm(offset, dim=1) * (math.pi / EYE_UV_RADIUS), torch.atan2(
        offset[:, 1], offset[:, 0]
    )


def eye_glints(normal: Tensor, sample: Tensor, angle: Tensor, scenes: Scenes) -> Tensor:
    """(N, 3) reflections of the lights on the wet eyeball; the cornea bulges and mirrors more."""
    total = normal.new_zeros(len(normal), 3)
    cornea = 1 - _step(angle, IRIS_ANGLE - 0.05, IRIS_ANGLE + 0.15)
    for lamp, half in enumerate(halfway(scenes)):
        cosine = (normal * half[sample]).sum(1) - 1
        sharp = 90 + 220 * (1 - scenes.softness[sample, lamp])
        glint = torch.exp(sharp * cosine) * (0.25 + 0.75 * cornea)
        total = total + glint[:, None] * scenes.colour[sample, lamp] * (0.55 if lamp == 0 else 0.35)
    return total


def _step(value: Tensor, low: float, high: float) -> Tensor:
    share = ((value - low) / (high - low)).clamp(0, 1)
    return share * share * (3 - 2 * share)
