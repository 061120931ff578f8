"""The UV layout of a network's weights: the meaning of the texels of a position map.

Ours is made from the avatars' head by `scripts/build_layout.py`; the public one is read from the
user's copy of the data files that come with the public weights.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aukit.vision.mesh import MeshTemplate
from aukit_prnet import layout_data, regions
from aukit_prnet.network import PAPER_RESOLUTION


@dataclass(frozen=True, eq=False)
class Layout:
    """A face as one surface without holes, spread over a square map.

    The surface reaches from the hairline to below the jaw and from ear to ear. Membranes from lid
    to lid and from lip to lip carry what is seen in the eyes and in the mouth.

    Attributes:
        name: of the layout; weights know theirs.
        resolution: side R of the map in texels.
        texels: (V,) int64, row * R + column of the texel of each vertex.
        canonical: (V, 3) float32, a mean face from the front: x to the right of the picture, y
            down, z away from the camera, any unit.
        landmarks: (68, K) int64 vertices whose weighted sum is each iBUG point.
        landmark_weights: (68, K) float32, rows sum to 1.
        mesh: name of the mesh that the texels can be filled from, or None.
        sources: (V, 3) int64 vertices of that mesh whose weighted sum is each texel, or None.
        shares: (V, 3) float32 their weights, rows sum to 1, or None.
        depth: 1 where the z of a map grows away from the camera, -1 where it grows towards it.
    """

    name: str
    resolution: int
    texels: Tensor
    canonical: Tensor
    landmarks: Tensor
    landmark_weights: Tensor
    mesh: str | None = None
    sources: Tensor | None = None
    shares: Tensor | None = None
    depth: int = 1

    @classmethod
    def load(cls, resolution: int = PAPER_RESOLUTION) -> Layout:
        """Our layout at a resolution.

        Raises:
            DataError: the packaged file is missing or damaged.
        """
        return _ours(resolution)

    @classmethod
    def public(cls, folder: str | Path) -> Layout:
        """The layout of the public weights, from the user's copy of its `Data/uv-data`.

        Raises:
            DataError: a file is missing, or does not hold what it should.
        """
        return cls(**layout_data.public(Path(folder)))

    @cached_property
    def valid(self) -> Tensor:
        """(R, R) bool: the texels that are face."""
        mask = torch.zeros(self.resolution**2, dtype=torch.bool, device=self.texels.device)
        mask[self.texels] = True
        return mask.view(self.resolution, self.resolution)

    @cached_property
    def triangles(self) -> Tensor:
        """(T, 3) int64: squares of four texels of face, split in two, counter-clockwise."""
        number = self._numbers.view(self.resolution, self.resolution)
        corners = (number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:])
        cells = torch.stack([corner.flatten() for corner in corners], 1)
        cells = cells[(cells >= 0).all(1)]
        return torch.cat([cells[:, [0, 2, 1]], cells[:, [1, 2, 3]]])

    @cached_property
    def keypoints(self) -> Tensor:
        """(68,) int64: row * R + column of the texel next to each iBUG point."""
        nearest = self.landmark_weights.argmax(1, keepdim=True)
        return self.texels[self.landmarks.gather(1, nearest)[:, 0]]

    @cached_property
    def weights(self) -> Tensor:
        """(R, R) float32, weight of errors in training.

        16 at the 68 points, 4 at eyes, nose and mouth, 3 elsewhere on the face, 0 outside, divided
        by 3: Feng et al. 2018, section 3.1.
        """
        weights = torch.zeros(self.resolution**2, device=self.texels.device)
        weights[self.texels] = torch.where(regions.features(self.canonical, self._points), 4.0, 3.0)
        weights[self.keypoints] = 16.0
        return weights.view(self.resolution, self.resolution) / 3

    @cached_property
    def mirror(self) -> Tensor:
        """(V,) int64: the vertex on the other side of the face."""
        side = self.resolution
        row, column = self.texels // side, self.texels % side
        other = self._numbers[row * side + side - 1 - column]
        lone = (other < 0).nonzero()[:, 0]
        if len(lone):
            wanted = torch.stack([row[lone], side - 1 - column[lone]], 1).float()
            places = torch.stack([row, column], 1).float()
            other[lone] = torch.cdist(wanted, places).argmin(1)
        return other

    @cached_property
    def template(self) -> MeshTemplate:
        """The layout's mesh for a frontal view."""
        return MeshTemplate(
            vertices=self.canonical,
            triangles=self.triangles,
            landmarks=self.landmarks,
            landmark_weights=self.landmark_weights,
            stable=regions.stable(self.canonical, self._points),
            mirror=self.mirror,
        )

    def position_maps(self, vertices: Tensor) -> Tensor:
        """Spread meshes over the map.

        Args:
            vertices: (B, N, 3) float, meshes of the kind that `mesh` names, any coordinates.

        Returns:
            (B, 3, R, R), the same coordinates at every texel of face, 0 elsewhere.

        Raises:
            ValueError: the layout was not made from a mesh.
        """
        if self.sources is None or self.shares is None:
            raise ValueError(f"layout '{self.name}' was not made from a mesh")
        maps = vertices.new_zeros(len(vertices), 3, self.resolution**2)
        for source, share in zip(self.sources.unbind(1), self.shares.unbind(1), strict=True):
            maps[..., self.texels] += (vertices[:, source] * share[:, None]).transpose(1, 2)
        return maps.view(len(vertices), 3, self.resolution, self.resolution)

    def vertices_of(self, maps: Tensor) -> Tensor:
        """(B, 3, R, R) maps to (B, V, 3) vertices, in the coordinates of the maps."""
        return maps.flatten(2)[..., self.texels].transpose(1, 2)

    def to(self, device: str | torch.device) -> Layout:
        """The layout with its tensors on a device."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        moved: dict[str, Any] = {
            name: value.to(device) if isinstance(value, Tensor) else value
            for name, value in values.items()
        }
        return Layout(**moved)

    @cached_property
    def _numbers(self) -> Tensor:
        """(R * R,) int64: the vertex at each texel, -1 outside the face."""
        numbers = torch.full_like(self.valid.flatten(), -1, dtype=torch.int64)
        numbers[self.texels] = torch.arange(len(self.texels), device=self.texels.device)
        return numbers

    @property
    def _points(self) -> Tensor:
        """(68, 3) iBUG points of the canonical face."""
        return (self.canonical[self.landmarks] * self.landmark_weights[..., None]).sum(1)


@cache
def _ours(resolution: int) -> Layout:
    return Layout(**layout_data.ours(resolution))
