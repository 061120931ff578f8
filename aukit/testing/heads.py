"""Drawn heads: meshes of known pose and colour, and pictures of them, for 3D aligners.

The colour of a point depends on nothing but the point, so that whatever an aligner shows can be
compared with what is really there.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from aukit.contracts.landmarker import IBUG68, Faces
from aukit.testing.drawn import neutral
from aukit.vision.mesh import MeshTemplate
from aukit.vision.raster import interpolate, rasterize
from aukit.vision.registered import OUTER_EYES
from aukit.vision.rotation import rotate, rotations

EGG = "egg"
"""Landmark scheme of the vertices of `egg`."""


def egg(side: int = 33) -> MeshTemplate:
    """An egg with a nose: a simple symmetric head of side x side vertices, two wide."""
    across = torch.linspace(-1, 1, side)
    y, x = torch.meshgrid(across, across, indexing="ij")
    # From the square to the disk, so that the mesh has no corners.
    right, down = x * (1 - y.square() / 2).sqrt(), y * (1 - x.square() / 2).sqrt()
    depth = -1.2 * (1 - (right.square() + down.square()).clamp(max=1)).sqrt()
    depth = depth - 0.35 * torch.exp(-((right / 0.14) ** 2) - ((down - 0.05) / 0.3) ** 2)
    vertices = torch.stack([right, 1.2 * down, depth], -1).view(-1, 3)
    number = torch.arange(side * side).view(side, side)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]
    triangles = torch.cat([torch.stack([a, b, c], -1), torch.stack([b, d, c], -1)]).view(-1, 3)
    points = (neutral() - torch.tensor([0.5, 0.55])) * 2.1
    nearest = torch.cdist(points, vertices[:, :2]).argmin(1)
    return MeshTemplate(
        vertices=vertices,
        triangles=triangles,
        landmarks=nearest[:, None],
        landmark_weights=torch.ones(68, 1),
        stable=(vertices[:, 1].abs() < 0.5).float(),
        mirror=number.flip(1).flatten(),
    )


def colours(template: MeshTemplate) -> Tensor:
    """(V, 3) in 0..1: smooth, unlike on the two sides, and never black."""
    low, high = template.vertices.amin(0), template.vertices.amax(0)
    place = (template.vertices - low) / (high - low)
    wave = torch.tensor([[1.0, 0.3, 0.2], [-0.4, 1.1, 0.3], [0.7, -0.8, 0.5]])
    phase = 2 * math.pi * place @ wave.T + torch.tensor([0.0, 1.0, 2.0])
    shades: Tensor = 0.55 + 0.35 * phase.sin()
    return shades


def meshes(template: MeshTemplate, angles: Tensor, eyes: Tensor, centres: Tensor) -> Tensor:
    """The template in some poses.

    Args:
        template: the head.
        angles: (B, 3) pitch, yaw and roll in degrees.
        eyes: (B,) pixels between the outer corners of the eyes.
        centres: (B, 2) pixels, where the middle of the 68 points lies.

    Returns:
        (B, V, 3) pixels.
    """
    points = template.landmarks_of(template.vertices)
    left, right = OUTER_EYES
    scale: Tensor = eyes / (points[left] - points[right]).norm()
    axes = torch.tensor([1.0, -1.0, -1.0])  # views look along the other z, with y up
    turn = rotations(angles) * axes * axes[:, None]
    placed = rotate((template.vertices - points.mean(0)).expand(len(angles), -1, -1), turn)
    placed = placed * scale[:, None, None]
    return placed + torch.nn.functional.pad(centres, (0, 1))[:, None]


def picture(template: MeshTemplate, mesh: Tensor, size: tuple[int, int], ground: Tensor) -> Tensor:
    """(3, H, W) uint8 of one (V, 3) mesh before a ground (3, H, W) in 0..1."""
    corner = mesh + mesh.new_tensor([0.5, 0.5, 0.0])  # the rasterizer's centres lie at + 0.5
    raster = rasterize(corner[None], template.triangles, size)
    painted = interpolate(raster, template.triangles, colours(template))[0].permute(2, 0, 1)
    return torch.where(raster.triangle[0] >= 0, painted, ground).mul(255).round().to(torch.uint8)


def turned_heads(
    template: MeshTemplate | None = None,
    scheme: str = EGG,
    extra: int = 0,
    count: int = 6,
    seed: int = 0,
) -> tuple[list[Tensor], list[Faces]]:
    """Pictures of different sizes, each with one turned head in it.

    Args:
        template: the head; `egg` if None.
        scheme: name of the landmark scheme that its vertices are.
        extra: points of the scheme after the vertices (they lie at the first vertex).
        count: of pictures.
        seed: of poses, sizes and backgrounds.

    Returns:
        uint8 (3, H, W) pictures, and for each its face with 68 points and those of `scheme`.
    """
    template = template or egg()
    random = np.random.default_rng(seed)
    images, faces = [], []
    for _ in range(count):
        angles, eyes = random.uniform([-15, -30, -15], [15, 30, 15]), random.uniform(60, 100)
        size = (int(random.integers(260, 340)), int(random.integers(260, 340)))
        centre = np.array([size[1] / 2, size[0] / 2]) + random.uniform(-15, 15, 2)
        pose = (torch.tensor(value, dtype=torch.float32) for value in (angles, eyes, centre))
        mesh = meshes(template, *(value[None] for value in pose))
        ground = torch.tensor(random.uniform(0, 0.4, 3), dtype=torch.float32)[:, None, None]
        images.append(picture(template, mesh[0], size, ground.expand(3, *size)))
        faces.append(face_of_mesh(template, mesh, scheme, extra))
    return images, faces


def face_of_mesh(template: MeshTemplate, mesh: Tensor, scheme: str, extra: int = 0) -> Faces:
    """One face from a (1, V, 3) mesh; arguments as for `turned_heads`."""
    points = template.landmarks_of(mesh)[..., :2]
    dense = torch.cat([mesh, mesh[:, :1].expand(-1, extra, -1)], 1)
    box = torch.cat([points.amin(1), points.amax(1)], 1)
    return Faces(box, torch.ones(1), {IBUG68: points, scheme: dense})
