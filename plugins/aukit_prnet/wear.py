"""Draws what avatars lack on crops: glasses, beards, a fringe, fingers and hard shadows.

A network that has never seen them mistakes their edges for those of the face. They are drawn flat
at the true landmarks, which suffices at the size of a crop. Everything is drawn from torch's global
generator, on batches, on their device.
"""

from __future__ import annotations

import torch
from torch import Tensor

from aukit_prnet.augment import happens

GLASSES, SHADED, BEARD, FRINGE, FINGERS, SHADOW = 0.25, 0.15, 0.2, 0.25, 0.12, 0.2
"""Chance of each; `SHADED` is that of dark glasses among glasses."""

_LEFT, _RIGHT = slice(36, 42), slice(42, 48)
_BEARD = tuple(range(2, 15))
_MOUSTACHE = ((48, 33), (50, 33), (51, 33), (52, 33), (54, 33))


def wear(images: Tensor, points: Tensor) -> Tensor:
    """Draw occluders on the faces of a batch.

    Args:
        images: (B, 3, R, R) in 0..1.
        points: (B, 68, 2) true landmarks in their pixels.

    Returns:
        (B, 3, R, R) in 0..1.
    """
    grid = _grid(images)
    for draw, chance in ((beard, BEARD), (fringe, FRINGE), (glasses, GLASSES), (fingers, FINGERS)):
        worn = draw(images, points, grid)
        images = torch.where(happens(len(images), chance, images), worn, images)
    return torch.where(happens(len(images), SHADOW, images), shadow(images, points, grid), images)


def glasses(images: Tensor, points: Tensor, grid: Tensor) -> Tensor:
    """Two rims with a bridge and arms; dark lenses, or reflections in clear ones."""
    left, right = points[:, _LEFT].mean(1), points[:, _RIGHT].mean(1)
    across = right - left
    eyes = across.norm(dim=-1).clamp_min(1e-3)
    axis = across / eyes[:, None]
    down = torch.stack([-axis[:, 1], axis[:, 0]], -1)
    wide, high = eyes * _even(eyes, 0.36, 0.47), eyes * _even(eyes, 0.22, 0.42)
    power = _even(eyes, 2.0, 5.0)
    thick = (eyes * _even(eyes, 0.02, 0.08))[:, None, None]
    lens = torch.full_like(grid[None, ..., 0].expand(len(images), -1, -1), torch.inf)
    for eye in (left, right):
        middle = eye + down * (eyes * 0.06)[:, None]
        offset = grid - middle[:, None, None]
        x = (offset * axis[:, None, None]).sum(-1).abs() / wide[:, None, None]
        y = (offset * down[:, None, None]).sum(-1).abs() / high[:, None, None]
        exponent = power[:, None, None]
        lens = torch.minimum(lens, (x**exponent + y**exponent) ** (1 / exponent))
    from_rim = (lens - 1).abs() * torch.minimum(wide, high)[:, None, None]
    bridge = _from_line(grid, left + axis * wide[:, None], right - axis * wide[:, None])
    arms = torch.minimum(
        _from_line(grid, left - axis * wide[:, None], points[:, 0]),
        _from_line(grid, right + axis * wide[:, None], points[:, 16]),
    )
    frame = _soft(torch.minimum(torch.minimum(from_rim, bridge), arms), thick / 2)
    inside = (lens < 1).float()
    dark = happens(len(images), SHADED, images)[:, 0]
    tint = torch.where(dark, _even(eyes, 0.75, 1.0)[:, None, None], 0.25 * _ramp(grid))
    shade = torch.where(dark, 0.08, 0.9)[:, None]
    images = torch.lerp(images, shade.expand_as(images), (inside * tint)[:, None])
    return torch.lerp(images, _colour(images, dark_share=0.8), frame[:, None])


def beard(images: Tensor, points: Tensor, grid: Tensor) -> Tensor:
    """Hair along the jaw, on the chin and below the nose; the lips stay free."""
    face = (points[:, 8] - points[:, 27]).norm(dim=-1).clamp_min(1e-3)
    inner = torch.lerp(points[:, _BEARD], points[:, 57:58], 0.25)
    jaw = torch.stack([_from_line(grid, a, b) for a, b in _pairs(inner)]).amin(0)
    lip = torch.stack([torch.lerp(points[:, a], points[:, b], 0.45) for a, b in _MOUSTACHE], 1)
    moustache = torch.stack([_from_line(grid, a, b) for a, b in _pairs(lip)]).amin(0)
    reach = (face * _even(face, 0.12, 0.3))[:, None, None]
    mass = torch.maximum(_soft(jaw, reach), _soft(moustache, 0.35 * reach))
    mouth = torch.stack([_from_line(grid, a, b) for a, b in _pairs(points[:, 48:55])]).amin(0)
    free = 1 - _soft(mouth, 0.05 * face[:, None, None])
    below = (grid[None, ..., 1] > points[:, 33, 1, None, None]).float()
    alpha = mass * free * below * _even(face, 0.3, 0.95)[:, None, None]
    hair = _colour(images, dark_share=0.75) * (0.6 + 0.8 * torch.rand_like(images[:, :1]))
    return torch.lerp(images, hair.clamp(0, 1), alpha[:, None])


def fringe(images: Tensor, points: Tensor, grid: Tensor) -> Tensor:
    """Hair that hangs over the forehead, in places down to the brows."""
    brows, chin = points[:, 17:27].mean(1), points[:, 8]
    up = brows - chin
    face = up.norm(dim=-1).clamp_min(1e-3)
    offset = grid - brows[:, None, None]
    height = (offset * (up / face[:, None])[:, None, None]).sum(-1) / face[:, None, None]
    along = (offset[..., 0] - offset[..., 1]) / face[:, None, None]
    wave = 0.05 * torch.sin(along * _even(face, 6, 30)[:, None, None] + 9 * grid[..., 0].mean())
    edge = _even(face, 0.02, 0.28)[:, None, None] + wave
    slope = _even(face, -0.25, 0.25)[:, None, None] * along
    alpha = ((height - edge - slope) * 20).clamp(0, 1)
    hair = _colour(images, dark_share=0.7) * (0.7 + 0.6 * torch.rand_like(images[:, :1]))
    return torch.lerp(images, hair.clamp(0, 1), alpha[:, None])


def fingers(images: Tensor, points: Tensor, grid: Tensor) -> Tensor:
    """Four fingers of the face's own colour, from below or from the side."""
    face = (points[:, 8] - points[:, 27]).norm(dim=-1).clamp_min(1e-3)
    skin = images[..., images.shape[-2] // 3 :, images.shape[-1] // 3 :].mean((2, 3), keepdim=True)
    tip = points[:, torch.randint(0, 17, ())] + face[:, None] * 0.3 * torch.randn_like(points[:, 0])
    away = torch.nn.functional.normalize(tip - points[:, 30], dim=-1)
    beside = torch.stack([-away[:, 1], away[:, 0]], -1)
    wide = face * _even(face, 0.07, 0.12)
    for number in range(4):
        start = tip + beside * (2.1 * wide * (number - 1.5))[:, None]
        end = start + away * (face * 1.5)[:, None]
        line = _from_line(grid, start, end) / wide[:, None, None]
        lit = skin * (1.15 - 0.5 * line[:, None].clamp(0, 1).square())
        alpha = ((1 - line) * 4).clamp(0, 1)
        images = torch.lerp(images, lit.clamp(0, 1), alpha[:, None])
    return images


def shadow(images: Tensor, points: Tensor, grid: Tensor) -> Tensor:
    """The edge of a shadow that falls across the face."""
    middle = points[:, 30] + 8 * torch.randn_like(points[:, 0])
    ahead = torch.nn.functional.normalize(torch.randn_like(middle), dim=-1)
    side = ((grid - middle[:, None, None]) * ahead[:, None, None]).sum(-1)
    soft = _even(middle[:, 0], 0.5, 6.0)[:, None, None]
    depth = _even(middle[:, 0], 0.3, 0.75)[:, None, None]
    return images * (1 - depth * (side / soft).sigmoid())[:, None]


def _grid(images: Tensor) -> Tensor:
    """(R, R, 2) x and y of each pixel."""
    axis = torch.arange(images.shape[-1], device=images.device, dtype=images.dtype)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([x, y], -1)


def _pairs(points: Tensor) -> list[tuple[Tensor, Tensor]]:
    return list(zip(points[:, :-1].unbind(1), points[:, 1:].unbind(1), strict=True))


def _from_line(grid: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """(B, R, R) distance of each pixel from B segments."""
    along = (end - start)[:, None, None]
    offset = grid - start[:, None, None]
    share = (offset * along).sum(-1) / along.square().sum(-1).clamp_min(1e-6)
    nearest: Tensor = (offset - along * share.clamp(0, 1)[..., None]).norm(dim=-1)
    return nearest


def _soft(distance: Tensor, reach: Tensor) -> Tensor:
    """1 within a reach, 0 from one pixel beyond it."""
    return (reach + 0.5 - distance).clamp(0, 1)


def _ramp(grid: Tensor) -> Tensor:
    return (grid.sum(-1) / grid.sum(-1).max())[None]


def _colour(images: Tensor, dark_share: float) -> Tensor:
    """(B, 3, 1, 1) one colour a picture, mostly dark."""
    light = torch.rand(len(images), 1, 1, 1, device=images.device)
    dark = happens(len(images), dark_share, images)
    tint = 0.7 + 0.6 * torch.rand(len(images), 3, 1, 1, device=images.device)
    return (torch.where(dark, 0.2 * light, light) * tint).clamp(0, 1)


def _even(like: Tensor, low: float, high: float) -> Tensor:
    return low + (high - low) * torch.rand_like(like)
