"""What a frontal view samples: the source pictures around the meshes in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from aukit.vision.boxes import majority, smooth, spread
from aukit.vision.mesh import MeshTemplate
from aukit.vision.occlusion import Normals, Shadow
from aukit.vision.raster import Fragments
from aukit.vision.rotation import carry


def middle_of(points: Tensor) -> Tensor:
    """(3,) the middle of the box around (N, 3) points."""
    return (points.amin(0) + points.amax(0)) / 2


@dataclass(frozen=True)
class Texels:
    """Where each pixel of the registered pictures takes its colour from.

    Attributes:
        places: (B, S, S, 2) source pixels.
        covered: (B, S, S) bool, the mesh is there.
        seen: (B, S, S) bool, the source picture shows that point of the mesh.
        painted: (B, S, S) bool, seen or mirrored.
    """

    places: Tensor
    covered: Tensor
    seen: Tensor
    painted: Tensor


@dataclass(frozen=True)
class Scene:
    """Faces that are fit to be shown.

    Attributes:
        images: B uint8 pictures.
        extent: (B, 2) their width and height.
        vertices: (B, V, 3) source pixels.
        meshes: (B, V, 3) the same, aligned pixels, seen from the front.
        attributes: (B, V, 6) source position and normal; (B, V, 12) with those of the mirrored
            vertex.
        shadow: z-buffers of the source.
        shrink: (B,) source pixels an aligned pixel.
        triangles: (T, 3).
    """

    images: Sequence[Tensor]
    extent: Tensor
    vertices: Tensor
    meshes: Tensor
    attributes: Tensor
    shadow: Shadow
    shrink: Tensor
    triangles: Tensor

    @classmethod
    def of(
        cls,
        images: Sequence[Tensor],
        vertices: Tensor,
        fits: Tensor,
        normals: Normals,
        template: MeshTemplate,
        mirror: Tensor | None,
    ) -> Scene:
        """Prepare faces for any number of views."""
        attributes = torch.cat([vertices, normals(vertices)], dim=-1)
        if mirror is not None:
            attributes = torch.cat([attributes, attributes[:, mirror]], dim=-1)
        return cls(
            images=images,
            extent=vertices.new_tensor([(i.shape[-1], i.shape[-2]) for i in images]),
            vertices=vertices,
            meshes=carry(vertices, fits),
            attributes=attributes,
            shadow=Shadow.of(vertices, template.triangles),
            shrink=torch.linalg.det(fits[:, :3, :3].double()).abs().pow(-1 / 3),
            triangles=template.triangles,
        )

    def look(self, fragments: Fragments, shape: tuple[int, int, int]) -> Texels:
        """Find each covered pixel in the source picture."""
        values = fragments.interpolate(self.triangles, self.attributes)
        own = self._seen(values[:, :6], fragments, shape)
        points, painted = values[:, :2], own
        if values.shape[1] > 6:
            other = self._seen(values[:, 6:], fragments, shape) & ~own
            instead = other.flatten()[fragments.pixel]
            points = torch.where(instead[:, None], values[:, 6:8], points)
            painted = own | other
        covered = spread(torch.ones_like(fragments.pixel, dtype=torch.bool), fragments, shape)
        return Texels(spread(points, fragments, shape), covered, own, painted)

    def _seen(self, values: Tensor, fragments: Fragments, shape: tuple[int, int, int]) -> Tensor:
        """(B, S, S) bool from source positions and normals of the covered pixels."""
        place = values[:, :2]
        inside = ((place >= -0.5) & (place <= self.extent[fragments.sample] - 0.5)).all(-1)
        normals = smooth(spread(values[:, 3:], fragments, shape)).flatten(0, 2)[fragments.pixel]
        visible = self.shadow.sees(values[:, :3], normals, fragments.sample)
        return spread(inside, fragments, shape) & majority(spread(visible, fragments, shape))
