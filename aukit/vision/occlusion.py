"""Visibility of mesh points in a picture, from a z-buffer of the mesh in that picture.

This is the shadow map of Williams, "Casting curved shadows on curved surfaces", SIGGRAPH 1978, with
the picture's camera in place of the light: a point is hidden where the buffer holds a surface in
front of it. Surfaces that face away are hidden too; the buffer alone cannot tell at silhouettes,
where both sides have the same depth.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from aukit.vision.compiled import loops_for
from aukit.vision.raster import depth_buffer

LEAST_COSINE = 0.12
"""A surface seen at more than 83 degrees is smeared beyond use, and counts as hidden."""

_SIDE = 224
"""Pixels along the side of the buffer; the mesh fills it."""

_BIAS, _SLOPE = 2.0, 2.0
"""Depth by which a surface must be in front to hide a point, in pixels of the buffer: a share for
all, and a share for how much depth changes between neighbours (the usual slope-scaled bias)."""


class Normals:
    """Unit normals of the vertices of meshes that share their triangles.

    Args:
        triangles: (T, 3) int64.
        vertices: (V, 3) of a mesh in frontal view, which determines the outside.
    """

    def __init__(self, triangles: Tensor, vertices: Tensor) -> None:
        self._triangles = triangles
        self._around = _triangles_around(triangles, len(vertices))
        outwards = -self._areas(vertices[None])[0, :, 2].sum().sign()
        self._outwards = float(outwards)

    def __call__(self, vertices: Tensor) -> Tensor:
        """(B, V, 3) vertices to normals; negative z faces the camera. Zero where degenerate."""
        areas = functional.pad(self._areas(vertices), (0, 0, 0, 1)) * self._outwards
        first = torch.arange(len(vertices), device=vertices.device) * areas.shape[1]
        rows = (self._around + first[:, None, None]).flatten(0, 1)
        sums = functional.embedding_bag(rows, areas.flatten(0, 1), mode="sum")
        normals: Tensor = functional.normalize(sums, dim=-1).view(vertices.shape)
        return normals

    def _areas(self, vertices: Tensor) -> Tensor:
        """(B, T, 3) normals of the triangles, as long as twice their areas."""
        a, b, c = (vertices.index_select(1, corner) for corner in self._triangles.unbind(1))
        areas: Tensor = torch.linalg.cross(b - a, c - a)
        return areas


def _triangles_around(triangles: Tensor, count: int) -> Tensor:
    """(V, K) triangles of each vertex; T, which stands for none, where there are fewer."""
    vertex, order = triangles.flatten().sort(stable=True)
    counts = torch.bincount(vertex, minlength=count)
    place = torch.arange(len(vertex), device=vertex.device) - (counts.cumsum(0) - counts)[vertex]
    around = triangles.new_full((count, max(1, int(counts.max()))), len(triangles))
    around[vertex, place] = torch.div(order, 3, rounding_mode="trunc")
    return around


@dataclass(frozen=True)
class Shadow:
    """The z-buffers of a batch of meshes.

    Attributes:
        depth: (B, S, S) nearest depth, infinite where there is none.
        scale: (B,) buffer pixels per picture pixel.
        shift: (B, 2) added after scaling; pixel centres at integers.
    """

    depth: Tensor
    scale: Tensor
    shift: Tensor

    @classmethod
    def of(cls, vertices: Tensor, triangles: Tensor) -> Shadow:
        """The z-buffers of (B, V, 3) meshes in the pixels of their pictures."""
        low, high = vertices[..., :2].amin(1), vertices[..., :2].amax(1)
        scale = (_SIDE - 2) / (high - low).amax(-1).clamp_min(1e-6)
        shift = (_SIDE - 1) / 2 - scale[:, None] * (low + high) / 2
        moved = vertices * scale[:, None, None]
        moved = torch.cat([moved[..., :2] + shift[:, None] + 0.5, moved[..., 2:]], dim=-1)
        return cls(depth_buffer(moved, triangles, (_SIDE, _SIDE)), scale, shift)

    def sees(
        self, points: Tensor, normals: Tensor, sample: Tensor, least: Tensor | float = LEAST_COSINE
    ) -> Tensor:
        """Visibility of points on the surfaces.

        Args:
            points: (N, 3) in the pixels of the picture.
            normals: (N, 3) of the surface there.
            sample: (N,) int64, mesh of each point.
            least: (N,) or single smallest cosine of the viewing angle.

        Returns:
            (N,) bool.
        """
        scale = self.scale.index_select(0, sample)
        place = points[:, :2] * scale[:, None] + self.shift.index_select(0, sample)
        cosine = -normals[:, 2] / normals.norm(dim=-1).clamp_min(1e-9)
        slope = (1 - cosine.square()).clamp_min(0).sqrt() / cosine.clamp_min(LEAST_COSINE)
        depth = points[:, 2] * scale - _BIAS - _SLOPE * slope
        behind = self._share_behind(place, depth, sample)
        seen: Tensor = (cosine > least) & (behind > 0.5)
        return seen

    def _share_behind(self, place: Tensor, depth: Tensor, sample: Tensor) -> Tensor:
        """(N,) share, weighted bilinearly, of the four pixels around that hide nothing there.

        Comparing before interpolating keeps the border of what is hidden smooth: Reeves, Salesin
        and Cook, "Rendering antialiased shadows with depth maps", SIGGRAPH 1987.
        """
        compiled = loops_for("lookups", depth)
        if compiled is not None:
            found: Tensor = compiled.shares(self.depth, place, depth, sample)
            return found
        corner = place.T.floor()
        right, down = place.T - corner
        column, line = corner.int()
        first = sample.int() * _SIDE
        columns = [(column + x).clamp_(0, _SIDE - 1) for x in (0, 1)]
        lines = [(line + y).clamp_(0, _SIDE - 1).add_(first).mul_(_SIDE) for y in (0, 1)]
        share = torch.zeros_like(depth)
        for x, y, weight in (
            (0, 0, (1 - right) * (1 - down)),
            (1, 0, right * (1 - down)),
            (0, 1, (1 - right) * down),
            (1, 1, right * down),
        ):
            front = self.depth.view(-1).index_select(0, lines[y] + columns[x])
            share += weight * (depth <= front)
        return share
