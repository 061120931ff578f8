"""Light to colour at the covered pixels: skin, eyes, cloth, lashes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from aukit_avatars.scene import Scenes

IRIS_ANGLE, PUPIL_ANGLE = 0.435, 0.17
"""Seen from the middle of the eyeball, radians off its axis."""

EYE_UV = {"eye_left": (0.94, 0.06), "eye_right": (0.06, 0.06)}
EYE_UV_RADIUS = 0.06


@dataclass(frozen=True)
class Points:
    """N shaded points.

    Attributes:
        sample: (N,) int64, row of the scene and person.
        normal: (N, 3) unit vectors, camera axes.
        light: (N, 3) light that arrives, linear.
        albedo: (N, 3) reflectance, linear.
        gloss: (N, 1) strength of the highlight.
    """

    sample: Tensor
    normal: Tensor
    light: Tensor
    albedo: Tensor
    gloss: Tensor


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


def highlights(points: Points, scenes: Scenes, opened: Tensor) -> Tensor:
    """(N, 3) light mirrored by the oil on skin: a broad and a narrow lobe.

    The lobes are spherical Gaussians around the half vector, with Schlick's Fresnel term.
    """
    total = torch.zeros_like(points.light)
    view = points.normal.new_tensor([0.0, 0.0, 1.0])
    for lamp in range(2):
        half = functional.normalize(scenes.direction[:, lamp] + view, dim=1)
        fresnel = 0.04 + 0.96 * (1 - half[:, 2]) ** 5
        cosine = (points.normal * half[points.sample]).sum(1, keepdim=True) - 1
        width = (1 - 0.6 * scenes.softness[:, lamp])[points.sample, None]
        lobes = 0.55 * torch.exp(14 * cosine) + 0.9 * width * torch.exp(70 * width * cosine)
        strength = (fresnel[:, None] * scenes.colour[:, lamp])[points.sample]
        total = total + lobes * strength
    facing = (1 - points.normal[:, 2:].clamp(0, 1)) ** 4
    sheen = 0.10 * facing * scenes.above[points.sample]
    return (total * 3.2 + sheen) * points.gloss * opened


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
    tone = tone + (0.006 - tone) * (1 - _step(angle, PUPIL_ANGLE - 0.02, PUPIL_ANGLE + 0.025))[:, None]
    edge = _step(angle, IRIS_ANGLE - 0.03, IRIS_ANGLE + 0.04)[:, None]
    return tone + (sclera - tone) * edge


def eye_angles(uv: Tensor) -> tuple[Tensor, Tensor]:
    """Radians off and round the optical axis of whichever eye the (N, 2) texture point is on."""
    left = (uv[:, :1] > 0.5).float()
    centre = uv.new_tensor(EYE_UV["eye_left"]) * left + uv.new_tensor(EYE_UV["eye_right"]) * (1 - left)
    offset = uv - centre
    return offset.norm(dim=1) * (math.pi / EYE_UV_RADIUS), torch.atan2(offset[:, 1], offset[:, 0])


def eye_glints(normal: Tensor, sample: Tensor, angle: Tensor, scenes: Scenes) -> Tensor:
    """(N, 3) reflections of the lights on the wet eyeball; the cornea bulges and mirrors more."""
    total = normal.new_zeros(len(normal), 3)
    view = normal.new_tensor([0.0, 0.0, 1.0])
    cornea = 1 - _step(angle, IRIS_ANGLE - 0.05, IRIS_ANGLE + 0.15)
    for lamp in range(2):
        half = functional.normalize(scenes.direction[:, lamp] + view, dim=1)[sample]
        cosine = (normal * half).sum(1) - 1
        sharp = 90 + 220 * (1 - scenes.softness[sample, lamp])
        glint = torch.exp(sharp * cosine) * (0.25 + 0.75 * cornea)
        total = total + glint[:, None] * scenes.colour[sample, lamp] * (0.55 if lamp == 0 else 0.35)
    return total


def _step(value: Tensor, low: float, high: float) -> Tensor:
    share = ((value - low) / (high - low)).clamp(0, 1)
    return share * share * (3 - 2 * share)
