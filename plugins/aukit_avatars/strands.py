"""Hair as many thin strokes: what eyebrows are made of."""

from __future__ import annotations

import torch
from torch import Tensor

from aukit_avatars.appearance import Looks
from aukit_avatars.randomness import uniform

STRANDS = 260
"""Strokes of one brow at full density."""

STROKE = 0.045
"""Half the width of a stroke, centimetres; several real hairs."""


def brow_cover(looks: Looks, position: Tensor) -> Tensor:
    """How much of each point both eyebrows hide.

    Args:
        looks: density, thickness and arch of the brows.
        position: (N, 3) on the mean head, centimetres.

    Returns:
        (N,) float32 in 0..1.
    """
    cover = position.new_zeros(len(position))
    for side, name in ((1.0, "left brow"), (-1.0, "right brow")):
        flat = position[:, :2] * position.new_tensor([side, 1.0])
        near = ((flat - flat.new_tensor([3.8, 3.9])).abs() < flat.new_tensor([3.2, 1.7])).all(1)
        near &= position[:, 2] > 4
        cover[near] = _one_brow(looks, flat[near], name)
    return cover


def _one_brow(looks: Looks, points: Tensor, name: str) -> Tensor:
    chance = uniform(torch.tensor([looks.seed]), name, 5 * STRANDS).view(5, STRANDS)
    chance = chance.to(points.device)
    along, across = chance[0], chance[1] * 2 - 1
    root = _centre_line(looks, along) + _half_width(looks, along)[:, None] * torch.stack(
        [0.2 * across, across], dim=1
    )
    angle = _growth(along, across) + (chance[2] - 0.5) * 0.5
    length = (0.38 + 0.3 * chance[3]) * (1 - 0.35 * along)
    tip = root + length[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    kept = chance[4] < 0.35 + 0.65 * looks.brow_density
    stroke = _stroke_cover(points, root[kept], tip[kept])
    return 1 - (1 - 0.9 * stroke) * (1 - _undertone(looks, points))


def _centre_line(looks: Looks, along: Tensor) -> Tensor:
    """(S, 2) points of a quadratic curve from beside the nose over the arch to the temple."""
    arch = 0.95 * looks.brow_arch
    knots = along.new_tensor([[1.15, 3.3], [4.0, 4.25 + arch], [6.25, 2.95]])
    t = along[:, None]
    return (1 - t) ** 2 * knots[0] + 2 * t * (1 - t) * knots[1] + t**2 * knots[2]


def _half_width(looks: Looks, along: Tensor) -> Tensor:
    """Broad near the nose, thin at the temple, centimetres."""
    return (0.20 + 0.26 * looks.brow_thickness) * (1 - along**2).clamp_min(0).sqrt().mul(0.85).add(
        0.15
    )


def _growth(along: Tensor, across: Tensor) -> Tensor:
    """Direction of growth in radians: up beside the nose, outwards on the arch, then down."""
    return 1.25 - 2.1 * along.sqrt() - 0.35 * across


def _stroke_cover(points: Tensor, root: Tensor, tip: Tensor) -> Tensor:
    """(N,) one minus the share of light that all strokes let through."""
    line = tip - root
    x, y = points[:, :1] - root[:, 0], points[:, 1:] - root[:, 1]
    share = (x * line[:, 0] + y * line[:, 1]).div_(line.square().sum(-1)).clamp_(0, 1)
    distance = torch.hypot(x - share * line[:, 0], y - share * line[:, 1])
    cover = (1.6 - distance / STROKE).clamp(0, 1) * (1 - 0.6 * share)
    return 1 - (1 - 0.62 * cover).prod(1)


def _undertone(looks: Looks, points: Tensor) -> Tensor:
    """Soft shade of the hair that is too fine to draw."""
    along = ((points[:, 0] - 1.3) / 4.8).clamp(0, 1)
    centre = _centre_line(looks, _parameter(along))
    width = _half_width(looks, along) * 1.1
    across = (points[:, 1] - centre[:, 1]) / width
    ends = ((points[:, 0] - 1.0) / 0.5).clamp(0, 1) * ((6.5 - points[:, 0]) / 0.9).clamp(0, 1)
    return 0.38 * looks.brow_density * torch.exp(-across.square() * 1.2) * ends


def _parameter(share: Tensor) -> Tensor:
    """Curve parameter at a share of the way in x (the curve is nearly uniform in x)."""
    return share * (0.88 + 0.12 * share)
