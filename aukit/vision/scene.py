"""The source pictures and meshes that a frontal view samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from aukit.vision.boxes import majority, small_holes, smooth, spread
from aukit.vision.mesh import MeshTemplate
from aukit.vision.occlusion import LEAST_COSINE, Normals, Shadow
from aukit.vision.raster import Fragments
from aukit.vision.rotation import carry

RIM, RIM_COSINE = 0.15, 0.35
"""How broad the rim of a face is, in widths of it, and the least cosine at its very end."""

_INSET, _OTHER = 6, 7
"""Where the attributes say how far inside the outline, and where those of the mirror begin."""


def middle_of(points: Tensor) -> Tensor:
    """(3,) the middle of the box around (N, 3) points."""
    return (points.amin(0) + points.amax(0)) / 2


@dataclass(frozen=True)
class Texels:
    """The source of the colour of each registered pixel.

    Attributes:
        places: (B, S, S, 2) source pixels.
        covered: (B, S, S) bool, covered by the mesh within the outline.
        seen: (B, S, S) bool, the point of the mesh is visible in the source picture.
        painted: (B, S, S) bool, visible, mirrored, or in a small hole between such pixels.
    """

    places: Tensor
    covered: Tensor
    seen: Tensor
    painted: Tensor


@dataclass(frozen=True)
class Scene:
    """Faces prepared for rendering.

    Attributes:
        images: B uint8 pictures.
        extent: (B, 2) their width and height.
        vertices: (B, V, 3) source pixels.
        meshes: (B, V, 3) the same in aligned pixels, frontal view.
        attributes: (B, V, 7) source position, normal and how far inside the outline; (B, V, 13)
            with position and normal of the mirrored vertex.
        shadow: z-buffers of the source.
        shrink: (B,) source pixels per aligned pixel.
        triangles: (T, 3) triangles to render.
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
        inset: Tensor,
        mirror: Tensor | None,
    ) -> Scene:
        """Prepare faces for any number of views.

        Args:
            images, vertices: faces in their pictures.
            fits: (B, 4, 4) source pixels -> aligned pixels.
            normals: normals of the mesh.
            template: template of the mesh.
            inset: (V,) distance of each vertex inside the outline, in face widths, negative
                outside.
            mirror: vertices on the other side of the face that replace hidden ones.
        """
        own = torch.cat([vertices, normals(vertices)], dim=-1)
        parts = [own, inset.expand(len(own), -1)[..., None]]
        attributes = torch.cat(parts if mirror is None else [*parts, own[:, mirror]], dim=-1)
        return cls(
            images=images,
            extent=vertices.new_tensor([(i.shape[-1], i.shape[-2]) for i in images]),
            vertices=vertices,
            meshes=carry(vertices, fits),
            attributes=attributes,
            shadow=Shadow.of(vertices, template.triangles),
            shrink=torch.linalg.det(fits[:, :3, :3].double()).abs().pow(-1 / 3),
            triangles=template.triangles[(inset[template.triangles] > 0).any(1)],
        )

    def look(self, fragments: Fragments, shape: tuple[int, int, int]) -> Texels:
        """Find each covered pixel within the outline in the source picture."""
        values = fragments.interpolate(self.triangles, self.attributes)
        rows = (values[:, _INSET] > 0).nonzero().squeeze(1)
        values, fragments = values.index_select(0, rows), fragments[rows]
        covered = spread(torch.ones_like(fragments.pixel, dtype=torch.bool), fragments, shape)
        least = least_cosine(values[:, _INSET])
        own = self._seen(values[:, :_INSET], least, fragments, shape)
        points, painted = values[:, :2], own
        if values.shape[1] > _OTHER:
            other = self._seen(values[:, _OTHER:], least, fragments, shape) & ~own
            instead = other.flatten().index_select(0, fragments.pixel)
            points = torch.where(instead[:, None], values[:, _OTHER : _OTHER + 2], points)
            painted = own | other
        # What a fold of the face hides lies beside it in the picture, and looks alike.
        holes = small_holes(painted, hole_width(shape[1])) & covered
        return Texels(spread(points, fragments, shape), covered, own, painted | holes)

    def _seen(
        self, values: Tensor, least: Tensor, fragments: Fragments, shape: tuple[int, int, int]
    ) -> Tensor:
        """(B, S, S) bool from source positions and normals of the covered pixels."""
        place = values[:, :2]
        extent = self.extent.index_select(0, fragments.sample)
        inside = ((place >= -0.5) & (place <= extent - 0.5)).all(-1)
        smoothed = smooth(spread(values[:, 3:], fragments, shape)).flatten(0, 2)
        normals = smoothed.index_select(0, fragments.pixel)
        visible = self.shadow.sees(values[:, :3], normals, fragments.sample, least)
        return spread(inside, fragments, shape) & majority(spread(visible, fragments, shape))


def least_cosine(inset: Tensor) -> Tensor:
    """(N,) smallest viewing cosines for surfaces at (N,) face widths inside the outline.

    At the rim of a turned face, a mesh that is slightly too large would show the background.
    """
    share = (1 - inset / RIM).clamp(0, 1)
    return LEAST_COSINE + (RIM_COSINE - LEAST_COSINE) * share


def hole_width(size: int) -> int:
    """Width, an odd number of pixels, below which holes count as small, for pictures of a size."""
    return min(size // 40 * 2 + 1, 255)
