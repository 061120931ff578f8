"""The light at every vertex: soft light, coloured shadow edges, ambient occlusion."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from aukit.vision.raster import rasterize, visible_vertices
from aukit_avatars.head import Head
from aukit_avatars.regions import belonging
from aukit_avatars.scene import Scenes

DIRECTIONS = 96
"""Directions from which it is known which vertices light reaches."""

NEIGHBOURS = 10
"""Of those, the ones that a light is blended from."""

SCATTER = (0.34, 0.17, 0.12)
"""How far red, green and blue light creep round the edge of a shadow inside skin (as the wrap of
the cosine: Green, "Real-time approximations to subsurface scattering", GPU Gems, 2004)."""


class Shade:
    """Visibility of light directions from each vertex of the mean head.

    Args:
        head: the mesh; its mean shape casts the shadows for all people.
        hidden: (T,) bool, triangles that cast none.
    """

    def __init__(self, head: Head, hidden: Tensor) -> None:
        self.directions = _sphere(DIRECTIONS).to(head.vertices.device)
        floor = _floor(head)
        self.reached = _reached(head, ~hidden, self.directions).clamp_min(floor)
        normals = vertex_normals(
            head.vertices[None], *incidence(head.triangles, len(head.vertices))
        )[0]
        cosine = self.directions @ normals.T
        weight = cosine.clamp_min(0) + 1e-4
        self.open = ((self.reached * weight).sum(0) / weight.sum(0)).maximum(floor)[:, None]

    def of(self, direction: Tensor, softness: Tensor) -> Tensor:
        """(B, V) share of a light that arrives, for (B, 3) directions in the head's axes."""
        cosine = (direction[:, None] * self.directions).sum(-1)
        nearest, rows = cosine.topk(NEIGHBOURS, dim=1)
        sharp = (40 - 30 * softness)[:, None]
        weight = torch.softmax(sharp * nearest, dim=1)
        return functional.embedding_bag(rows, self.reached, per_sample_weights=weight, mode="sum")


INSIDE = {"teeth": 0.42, "tongue": 0.3, "inner_mouth": 0.12}
"""Light that reaches the inside of the mouth at least; the mean head keeps it shut."""


def _floor(head: Head) -> Tensor:
    """(V,) the least share of light, from `INSIDE`, less towards the cheeks; 0 elsewhere."""
    middle = (1.6 - head.vertices[:, 0].abs() / 1.8).clamp(0.1, 1)
    floor = head.vertices.new_zeros(len(head.vertices))
    for part, share in INSIDE.items():
        inner = belonging(head, part)
        floor[inner] = share * middle[inner]
    return floor


def _sphere(count: int) -> Tensor:
    """(count, 3) unit vectors, evenly spread (a Fibonacci lattice)."""
    place = torch.arange(count) + 0.5
    up = 1 - 2 * place / count
    around = place * math.pi * (3 - 5**0.5)
    ring = (1 - up.square()).sqrt()
    return torch.stack([ring * around.cos(), up, ring * around.sin()], dim=1)


def _reached(head: Head, casting: Tensor, directions: Tensor, size: int = 224) -> Tensor:
    """(D, V) float32: 1 where light from that direction arrives."""
    forward = directions
    helper = torch.where(forward[:, 1:2].abs() > 0.9, forward.new_tensor([[1.0, 0, 0]]), 0.0)
    helper = helper + torch.where(
        forward[:, 1:2].abs() > 0.9, 0.0, forward.new_tensor([[0, 1.0, 0]])
    )
    right = functional.normalize(torch.linalg.cross(helper, forward), dim=1)
    up = torch.linalg.cross(forward, right)
    axes = torch.stack([right, -up, -forward], dim=1)
    seen = head.vertices @ axes.transpose(1, 2)
    seen = seen * (size / 44) + seen.new_tensor([size / 2, size / 2, 0])
    triangles = head.triangles[casting]
    return torch.cat(
        [
            visible_vertices(
                part, triangles, rasterize(part, triangles, (size, size)), tolerance=0.3
            ).float()
            for part in torch.split(seen, 16)
        ]
    )


def incidence(triangles: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """What `vertex_normals` needs to know about a mesh of `count` vertices.

    Returns:
        The triangles (T, 3); for each vertex the triangles around it (V, K); which of those are
        real (V, K), 1.0 or 0.0.
    """
    corner = triangles.reshape(-1)
    order = torch.argsort(corner, stable=True)
    degree = torch.bincount(corner, minlength=count)
    place = torch.arange(int(degree.max()), device=corner.device)
    real = place < degree[:, None]
    start = (degree.cumsum(0) - degree)[:, None]
    around = order[(start + place).clamp_max(len(order) - 1)] // 3
    return triangles, around.where(real, 0), real.float()


def vertex_normals(vertices: Tensor, triangles: Tensor, around: Tensor, real: Tensor) -> Tensor:
    """(B, V, 3) unit normals, the mean of the triangles around weighted by their areas.

    Sums run over lists in a fixed order, not by atomics, so the result is always the same.

    Args:
        vertices: (B, V, 3).
        triangles, around, real: from `incidence`.
    """
    batch, count = vertices.shape[:2]
    a, b, c = (vertices.index_select(1, triangles[:, corner]) for corner in range(3))
    faces = torch.linalg.cross(b - a, c - a)
    shift = torch.arange(batch, device=around.device)[:, None, None] * len(triangles)
    total = functional.embedding_bag(
        (around + shift).view(-1, around.shape[1]),
        faces.view(-1, 3),
        per_sample_weights=real.expand(batch, -1, -1).reshape(-1, around.shape[1]),
        mode="sum",
    )
    return functional.normalize(total, dim=1).view(batch, count, 3)


def wrapped(cosine: Tensor) -> Tensor:
    """(..., 3) diffuse light of red, green, blue for a (...) cosine between normal and light."""
    wrap = cosine.new_tensor(SCATTER)
    return ((cosine[..., None] + wrap) / (1 + wrap)).clamp_min(0)


def irradiance(normals: Tensor, shadow: Tensor, opened: Tensor, scenes: Scenes) -> Tensor:
    """Light that arrives at the vertices, per unit of reflectance.

    Args:
        normals: (B, V, 3) camera axes.
        shadow: (B, L, V) share of each light that arrives.
        opened: (V, 1) or (B, V, 1) share of the surroundings that a vertex sees.
        scenes: B scenes with L lights.

    Returns:
        (B, V, 3) linear red, green, blue.
    """
    up = (normals[..., 1:2] + 1) / 2
    sky = scenes.below[:, None] + (scenes.above - scenes.below)[:, None] * up
    tinted = opened ** opened.new_tensor([1.25, 1.6, 1.7])
    light = sky * tinted
    for lamp in range(scenes.direction.shape[1]):
        cosine = (normals * scenes.direction[:, lamp, None]).sum(-1)
        arriving = wrapped(cosine) * shadow[:, lamp, :, None]
        light = light + arriving * scenes.colour[:, lamp, None]
    return light


def halfway(scenes: Scenes) -> list[Tensor]:
    """(B, 3) unit vectors halfway between the camera and the key light, and the fill light."""
    view = scenes.direction.new_tensor([0.0, 0.0, 1.0])
    return [functional.normalize(scenes.direction[:, lamp] + view, dim=1) for lamp in range(2)]
