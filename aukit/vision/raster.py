"""Batched z-buffer rasterizer for triangle meshes, on whatever device the vertices are on.

Conventions
    * Image coordinates are continuous: x grows to the right, y grows down, the image covers
      ``[0, width] x [0, height]`` and the pixel in row r and column c has its centre at
      ``(c + 0.5, r + 0.5)``.
    * A pixel belongs to a triangle when its centre is inside it or on its border. Edges are
      evaluated in one orientation for both of the triangles that share them, so a closed mesh has
      no cracks.
    * The smaller depth is in front. Equal depths go to the triangle with the lower number, so the
      result depends only on the arguments (no order-dependent atomics).

The method is in `aukit.vision.scan`. On CPUs without gradients, a compiled loop in
`aukit.vision.zbuffer` gives the same results several times faster.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from aukit.vision.compiled import loops_for
from aukit.vision.scan import Fragments, scan, scan_depth

__all__ = [
    "Fragments",
    "Raster",
    "covered",
    "dense",
    "depth_buffer",
    "interpolate",
    "rasterize",
    "rasterize_fragments",
    "visible_vertices",
]


@dataclass(frozen=True)
class Raster:
    """The camera's view of a batch of meshes.

    Attributes:
        triangle: (B, H, W) int64, index of the nearest triangle, -1 where there is none.
        barycentric: (B, H, W, 3) float32, weights of its corners at the pixel centre, with sum 1
            (0 where there is no triangle); perspective-correct in perspective mode.
        depth: (B, H, W) float32, depth of the surface there, infinity where there is none.
    """

    triangle: Tensor
    barycentric: Tensor
    depth: Tensor

    @property
    def mask(self) -> Tensor:
        """(B, H, W) bool, where a triangle is visible."""
        return self.triangle >= 0


def rasterize(
    vertices: Tensor,
    triangles: Tensor,
    size: tuple[int, int],
    *,
    perspective: bool = False,
    cull_back: bool = False,
) -> Raster:
    """Find the nearest triangle at every pixel.

    Args:
        vertices: (B, V, 3) floats: x, y in pixels and depth. Non-finite vertices drop their
            triangles.
        triangles: (T, 3) int64 vertex numbers, shared by the batch.
        size: (height, width) in pixels, both at least 1.
        perspective: the depth is the distance along the optical axis of a perspective camera:
            depth and weights are interpolated perspective-correctly.
            Triangles that reach behind the camera (depth <= 0) are dropped.
        cull_back: drop the triangles whose corners run clockwise on the screen.

    Raises:
        ValueError: a shape, the size or a vertex index is invalid.
    """
    fragments = rasterize_fragments(
        vertices, triangles, size, perspective=perspective, cull_back=cull_back
    )
    return dense(fragments, (len(vertices), *size))


def rasterize_fragments(
    vertices: Tensor,
    triangles: Tensor,
    size: tuple[int, int],
    *,
    perspective: bool = False,
    cull_back: bool = False,
) -> Fragments:
    """Like `rasterize`, but returns the covered pixels only."""
    _check(vertices, triangles, size)
    compiled = loops_for("zbuffer", vertices)
    search = scan if compiled is None else compiled.fragments
    found: Fragments = search(vertices, triangles, size, perspective, cull_back)
    return found


def depth_buffer(vertices: Tensor, triangles: Tensor, size: tuple[int, int]) -> Tensor:
    """The depth as from `rasterize`, up to rounding, without perspective and in half the time.

    Returns:
        (B, H, W) float32, infinite where there is no triangle.

    Raises:
        ValueError: as `rasterize`.
    """
    _check(vertices, triangles, size)
    compiled = loops_for("zbuffer", vertices)
    search = scan_depth if compiled is None else compiled.depths
    found: Tensor = search(vertices, triangles, size)
    return found


def dense(fragments: Fragments, shape: tuple[int, int, int]) -> Raster:
    """Fragments as images of shape (batch, height, width)."""
    count = shape[0] * shape[1] * shape[2]
    triangle = fragments.triangle.new_full((count,), -1)
    weights = fragments.weights.new_zeros(count, 3)
    depth = fragments.depth.new_full((count,), torch.inf)
    triangle[fragments.pixel] = fragments.triangle
    weights[fragments.pixel] = fragments.weights
    depth[fragments.pixel] = fragments.depth
    return Raster(triangle.view(shape), weights.view(*shape, 3), depth.view(shape))


def interpolate(raster: Raster, triangles: Tensor, attributes: Tensor) -> Tensor:
    """Attributes at every pixel, 0 where no triangle is visible.

    Args:
        raster: B images.
        triangles: (T, 3) int64, the ones that were rasterized.
        attributes: (V, C) shared by the batch, or (B, V, C) floats.

    Returns:
        (B, H, W, C), dtype of the attributes.
    """
    seen = covered(raster)
    values = seen.interpolate(triangles, attributes)
    images = values.new_zeros(raster.triangle.numel(), values.shape[-1])
    images[seen.pixel] = values
    return images.view(*raster.triangle.shape, -1)


def covered(raster: Raster) -> Fragments:
    """The covered pixels of a raster, in image order."""
    pixel = raster.triangle.reshape(-1).ge(0).nonzero().squeeze(1)
    return Fragments(
        pixel=pixel,
        sample=pixel // raster.triangle[0].numel(),
        triangle=raster.triangle.reshape(-1)[pixel],
        weights=raster.barycentric.reshape(-1, 3)[pixel],
        depth=raster.depth.reshape(-1)[pixel],
    )


def visible_vertices(
    vertices: Tensor, triangles: Tensor, raster: Raster, *, tolerance: float
) -> Tensor:
    """Which vertices are visible to the camera.

    A vertex is visible if it is inside the image and the nearest triangle at its pixel is one of
    its own or not in front of it by more than the tolerance. At a silhouette, where the pixel
    centre may show the background, a vertex counts as visible.

    Args:
        vertices: (B, V, 3) as given to `rasterize`.
        triangles: (T, 3) int64.
        raster: the result of `rasterize`.
        tolerance: in units of depth; a tenth of a mesh edge is a good value.

    Returns:
        (B, V) bool.
    """
    batch, height, width = raster.triangle.shape
    column, row = vertices[..., 0].floor(), vertices[..., 1].floor()
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    pixel = (row * width + column).where(inside, 0.0).long()
    winner = raster.triangle.view(batch, -1).gather(1, pixel)
    surface = raster.depth.view(batch, -1).gather(1, pixel)
    own = (triangles[winner] == _vertex_numbers(vertices)).any(-1) & (winner >= 0)
    return inside & (own | (vertices[..., 2] <= surface + tolerance))


def _vertex_numbers(vertices: Tensor) -> Tensor:
    return torch.arange(vertices.shape[1], device=vertices.device)[None, :, None]


def _check(vertices: Tensor, triangles: Tensor, size: tuple[int, int]) -> None:
    if vertices.dim() != 3 or vertices.shape[-1] != 3:
        raise ValueError(f"vertices must be (B, V, 3), not {tuple(vertices.shape)}")
    if triangles.dim() != 2 or triangles.shape[-1] != 3 or triangles.dtype != torch.int64:
        raise ValueError(f"triangles must be (T, 3) int64, not {tuple(triangles.shape)}")
    if min(size) < 1:
        raise ValueError(f"size must be at least 1 x 1 pixels, not {size[0]} x {size[1]}")
