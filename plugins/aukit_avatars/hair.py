"""Hair of the head: where it grows, its thickness, and curtains of long hair.

Short hair is the scalp itself, displaced outwards and painted; long hair adds a curtain behind and
beside the face.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from aukit_avatars.appearance import Looks
from aukit_avatars.noise import layered_noise
from aukit_avatars.randomness import uniform

# The hairline in profile: hair grows where z lies behind the curve at that height (centimetres on
# the mean head): nape, behind the ear, sideburn, temple, corner of the forehead, crown.
_HEIGHT = (-9.0, -6.5, -3.0, -0.8, 0.6, 2.0, 3.5, 5.5, 7.2, 8.4, 9.3, 10.2, 11.5, 14.5)
_FRONT = (-9.5, -5.5, -2.4, -1.6, 1.2, 3.2, 3.9, 4.3, 4.8, 5.9, 7.4, 9.0, 12.0, 14.0)

# How far hair stands off the scalp: at the top, at the sides (centimetres).
_VOLUME = {
    "bald": (0.0, 0.0),
    "shaven": (0.12, 0.08),
    "short": (1.3, 0.55),
    "full": (2.3, 1.5),
    "afro": (3.9, 3.3),
    "tied": (0.8, 0.45),
    "bob": (1.5, 1.2),
    "long": (1.5, 1.1),
}

_CURTAIN_END = {"bob": -7.5, "long": -17.0}
"""Height at which the curtain of these styles ends, centimetres."""

CURTAIN_COLUMNS, CURTAIN_ROWS = 45, 15
_OPENING = 1.0
"""Half the angle, in radians from straight ahead, that the curtain leaves open for the face; more
below the ears."""


def hair_depth(looks: Looks, position: Tensor) -> Tensor:
    """(N,) centimetres behind the hairline, negative on the face, for (N, 3) on the mean head."""
    x, y, z = position.unbind(1)
    front = _profile(y)
    above = _ease(((y - 4.5) / 2.5).clamp(0, 1))
    temple = torch.exp(-((x.abs() - 4.6) / 2.0).square())
    peak = torch.exp(-(x / 1.5).square())
    front = front - above * looks.recession * (1.6 + 3.2 * temple)
    front = front + above * (0.8 * _person(looks, 0) + 0.5 * peak * _person(looks, 1))
    if looks.style == "bald":
        front = front - 40.0 * ((y - 3.5) / 3.0).clamp(0, 1)
    return front - z


def hair_cover(looks: Looks, position: Tensor, strand: Tensor) -> Tensor:
    """(N,) in 0..1: how much of the skin the hair hides; `strand` (N,) frays its border."""
    depth = hair_depth(looks, position)
    ragged = depth + 0.45 * strand
    density = {"bald": 0.45, "shaven": 0.75}.get(looks.style, 1.0)
    return density * (ragged / 0.7 + 0.35).clamp(0, 1)


def strand_noise(position: Tensor, seed: int) -> Tensor:
    """(N,) in about -1..1: streaks that run away from the crown."""
    offset = position - position.new_tensor([0.0, 10.5, -3.0])
    around = torch.atan2(offset[:, 0], offset[:, 2])
    stretched = torch.stack(
        [around * 9, torch.linalg.vector_norm(offset, dim=1) * 0.25, around.cos()], dim=1
    )
    return layered_noise(stretched, 0.9, 3, seed % 1000 + 17)


def hair_thickness(looks: Looks, position: Tensor) -> Tensor:
    """(V,) centimetres that the scalp is pushed outwards, 0 off the scalp."""
    top, side = _VOLUME[looks.style]
    if top == 0:
        return position.new_zeros(len(position))
    high = ((position[:, 1] - 3.5) / 6.0).clamp(0, 1)
    ramp = _ease(((hair_depth(looks, position) - 0.25) / (1.0 + 0.6 * top)).clamp(0, 1))
    wave = layered_noise(position, 3.5, 2, looks.seed % 1000 + 91)
    volume = (0.75 + 0.5 * _chance(looks, 2)) * (side + (top - side) * high)
    return ramp * volume * (1 + 0.22 * wave)


def curtain_triangles() -> Tensor:
    """(T, 3) int64: the grid of the curtain, visible from outside and from inside."""
    number = torch.arange(CURTAIN_ROWS * CURTAIN_COLUMNS).view(CURTAIN_ROWS, CURTAIN_COLUMNS)
    a, b = number[:-1, :-1].flatten(), number[:-1, 1:].flatten()
    c, d = number[1:, :-1].flatten(), number[1:, 1:].flatten()
    outside = torch.cat([torch.stack([a, c, b], 1), torch.stack([b, c, d], 1)])
    return torch.cat([outside, outside.flip(1)])


def curtain(looks: Looks) -> Tensor:
    """(CURTAIN_ROWS * CURTAIN_COLUMNS, 3) on the mean head; NaN for styles without a curtain."""
    if looks.style not in _CURTAIN_END:
        return torch.full((CURTAIN_ROWS * CURTAIN_COLUMNS, 3), torch.nan)
    around, down = torch.meshgrid(
        torch.linspace(0, 1, CURTAIN_COLUMNS), torch.linspace(0, 1, CURTAIN_ROWS), indexing="xy"
    )
    end = _CURTAIN_END[looks.style] - 2.0 * _chance(looks, 3)
    return curtain_points(around, down, end).view(-1, 3)


def curtain_uv(strip: tuple[float, float, float, float]) -> Tensor:
    """(CURTAIN_ROWS * CURTAIN_COLUMNS, 2) places of the curtain in a strip of the texture.

    Args:
        strip: left, top, right, bottom.
    """
    left, top, right, bottom = strip
    across = torch.linspace(left, right, CURTAIN_COLUMNS).repeat(CURTAIN_ROWS)
    down = torch.linspace(top, bottom, CURTAIN_ROWS).repeat_interleave(CURTAIN_COLUMNS)
    return torch.stack([across, down], dim=1)


def curtain_points(around: Tensor, down: Tensor, end: float) -> Tensor:
    """(..., 3) where hair hangs on the mean head.

    Args:
        around: (...) 0 beside the left cheek, 1 beside the right.
        down: (...) 0 on the crown, 1 at the tips.
        end: height of the tips, centimetres.
    """
    height = 8.5 + (end - 8.5) * down
    opening = _OPENING + 0.32 * ((1 - height) / 8).clamp(0, 1)
    angle = opening + around * (2 * math.pi - 2 * opening)
    flat = torch.stack([angle.flatten() * 4, height.flatten() / 9], 1)
    wave = layered_noise(flat, 1.0, 2, 7).view_as(angle)
    radius = (1 + 0.05 * wave) * _swell(height)
    tuck = _tuck(angle, height)
    x = (8.7 - tuck) * radius * angle.sin()
    z = -0.6 + (9.2 - tuck) * radius * angle.cos()
    return torch.stack([x, height, z], dim=-1)


def _swell(height: Tensor) -> Tensor:
    """Radius along the curtain, as a share: closing over the skull, widest at the ears."""
    above = ((height - 3.0) / 6.5).clamp_min(0)
    return (1 - above.square() * 0.55).clamp_min(0.2) * (1 + 0.006 * (-height).clamp_min(0))


def _tuck(angle: Tensor, height: Tensor) -> Tensor:
    """Centimetres that the hair beside the neck falls inwards."""
    return 0.5 * torch.sin(angle).abs() * ((-2 - height) / 6).clamp(0, 1)


def _profile(height: Tensor) -> Tensor:
    """Piecewise linear z of the hairline at each height."""
    knots, values = height.new_tensor(_HEIGHT), height.new_tensor(_FRONT)
    place = torch.searchsorted(knots, height.contiguous()).clamp(1, len(knots) - 1)
    share = (height - knots[place - 1]) / (knots[place] - knots[place - 1])
    return values[place - 1] + share * (values[place] - values[place - 1])


def _ease(value: Tensor) -> Tensor:
    return value * (2 - value)


def _person(looks: Looks, which: int) -> float:
    """A number in -1..1 that belongs to the person."""
    return 2 * _chance(looks, which) - 1


def _chance(looks: Looks, which: int) -> float:
    return float(uniform(torch.tensor([looks.seed]), "hair", 4)[0, which])
