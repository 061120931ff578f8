"""Batched z-buffer rasterizer for triangle meshes, on whatever device the vertices are on.

Conventions
    * Image coordinates are continuous: x grows to the right, y grows down, the image covers
      ``[0, width] x [0, height]`` and the pixel in row r and column c has its centre at
      ``(c + 0.5, r + 0.5)``.
    * A pixel belongs to a triangle when its centre is inside it or on its border. Edges are
      evaluated in one orientation for both of the triangles that share them, so a closed mesh has
      no cracks.
    * The smaller depth is in front. Equal depths go to the triangle with the lower number, so the
      result depends on nothing but the arguments (no atomics whose order matters).

There is no loop over triangles or pixels. The pixels in the bounding boxes of the triangles are
listed as (triangle, pixel) pairs, tested all at once, and reduced to the nearest by a scatter-min
over one 64-bit key that holds the depth above the triangle number: the parallel form of the edge
functions of Pineda, "A parallel algorithm for polygon rasterization", SIGGRAPH 1988.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

EMPTY = torch.iinfo(torch.int64).max
"""Key of a pixel that no triangle covers."""

PAIRS_AT_ONCE = 1 << 19
"""(triangle, pixel) pairs tested in one go; bounds the memory to some 100 MB."""


@dataclass(frozen=True)
class Raster:
    """What a camera sees of a batch of meshes.

    Attributes:
        triangle: (B, H, W) int64, number of the nearest triangle, -1 where there is none.
        barycentric: (B, H, W, 3) float32, weights of its corners at the pixel centre, which sum to
            1 (to 0 where there is no triangle); perspective-correct in perspective mode.
        depth: (B, H, W) float32, depth of the surface there, infinity where there is none.
    """

    triangle: Tensor
    barycentric: Tensor
    depth: Tensor

    @property
    def mask(self) -> Tensor:
        """(B, H, W) bool, where a triangle is seen."""
        return self.triangle >= 0


@dataclass(frozen=True)
class Fragments:
    """The covered pixels only, as flat lists: shading them is cheaper than shading whole images.

    Attributes:
        pixel: (N,) int64, ascending, position in the flattened (B, H, W) images.
        sample: (N,) int64, which image of the batch.
        triangle: (N,) int64.
        weights: (N, 3) float32, barycentric.
        depth: (N,) float32.
    """

    pixel: Tensor
    sample: Tensor
    triangle: Tensor
    weights: Tensor
    depth: Tensor

    def __getitem__(self, rows: Tensor) -> Fragments:
        """Some of the pixels, by (M,) int64 rows."""
        return Fragments(
            self.pixel.index_select(0, rows),
            self.sample.index_select(0, rows),
            self.triangle.index_select(0, rows),
            self.weights.index_select(0, rows),
            self.depth.index_select(0, rows),
        )

    def interpolate(self, triangles: Tensor, attributes: Tensor) -> Tensor:
        """Attributes at the covered pixels.

        Args:
            triangles: (T, 3) int64 vertex numbers.
            attributes: (V, C) shared by the batch, or (B, V, C) floats.

        Returns:
            (N, C), dtype of the attributes.
        """
        corners = triangles.index_select(0, self.triangle)
        if attributes.dim() == 3:
            corners = corners + (self.sample * attributes.shape[1])[:, None]
        table = attributes.reshape(-1, attributes.shape[-1])
        return functional.embedding_bag(
            corners, table, per_sample_weights=self.weights.to(table.dtype), mode="sum"
        )


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
            depth and weights are interpolated so that they are right in space, not on the screen.
            Triangles that reach behind the camera (depth <= 0) are dropped.
        cull_back: drop the triangles whose corners run clockwise on the screen.

    Raises:
        ValueError: a shape or the size is wrong.
    """
    _check(vertices, triangles, size)
    fragments, shape = _fragments(vertices, triangles, size, perspective, cull_back)
    return dense(fragments, shape)


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
    return _fragments(vertices, triangles, size, perspective, cull_back)[0]


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
    """Attributes at every pixel, 0 where nothing is seen.

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
    """Which vertices the camera sees.

    A vertex is seen when it lies inside the image and the triangle that won its pixel either is one
    of its own or does not pass in front of it by more than the tolerance. At a silhouette, where
    the pixel centre may show the background, a vertex counts as seen.

    Args:
        vertices: (B, V, 3) as given to `rasterize`.
        triangles: (T, 3) int64.
        raster: the result of `rasterize`.
        tolerance: in units of depth; about the length of a mesh edge over ten is a good value.

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


@dataclass(frozen=True)
class _Setup:
    """Triangles that may cover a pixel centre, with what is needed to test them.

    Attributes:
        sample: (K,) int64, which image.
        triangle: (K,) int64.
        edges: (3, 3, K) float32: a, b and c of the three edges, each opposite to a corner, with
            a * x + b * y + c >= 0 on the inner side. (Long axes last, here and in what is computed
            from it: sums over three columns are several times faster that way.)
        depth: (3, K) float32 at the corners; in perspective mode minus its inverse, which is linear
            on the screen where the depth is not, and has the same order.
        box: (K, 4) int32: first column, first row, columns, rows.
    """

    sample: Tensor
    triangle: Tensor
    edges: Tensor
    depth: Tensor
    box: Tensor


def _fragments(
    vertices: Tensor,
    triangles: Tensor,
    size: tuple[int, int],
    perspective: bool,
    cull_back: bool,
) -> tuple[Fragments, tuple[int, int, int]]:
    height, width = size
    shape = (vertices.shape[0], height, width)
    setup = _set_up(vertices.float(), triangles, size, perspective, cull_back)
    nearest = _nearest(setup, shape)
    pixel = (nearest != EMPTY).nonzero().squeeze(1)
    row = nearest[pixel] & 0xFFFFFFFF
    return _finish(setup, row, pixel, shape, perspective), shape


def _set_up(
    vertices: Tensor,
    triangles: Tensor,
    size: tuple[int, int],
    perspective: bool,
    cull_back: bool,
) -> _Setup:
    corners = _corners(vertices, triangles)
    box = _boxes(corners[..., :2], size)
    kept = (box[:, 2:] > 0).all(1).nonzero().squeeze(1)
    corners = corners.index_select(0, kept)
    area = _twice_area(corners)
    proper = area.lt(0) if cull_back else area.ne(0)
    proper &= corners.isfinite().all(-1).all(-1)
    if perspective:
        proper &= (corners[..., 2] > 0).all(-1)
    proper = proper.nonzero().squeeze(1)
    kept, corners = kept.index_select(0, proper), corners.index_select(0, proper)
    depth = corners[..., 2].reciprocal().neg() if perspective else corners[..., 2]
    sample = torch.div(kept, max(1, len(triangles)), rounding_mode="trunc")
    triangle = kept - sample * len(triangles)
    box = box.index_select(0, kept)
    return _Setup(sample, triangle, _edges(corners), depth.T.contiguous(), box)


def _corners(vertices: Tensor, triangles: Tensor) -> Tensor:
    """(B * T, 3, 3): the corners of all triangles of all meshes."""
    first = torch.arange(len(vertices), device=triangles.device) * vertices.shape[1]
    rows = triangles.flatten() + first[:, None]
    return vertices.reshape(-1, 3).index_select(0, rows.flatten()).view(-1, 3, 3)


def _boxes(corners: Tensor, size: tuple[int, int]) -> Tensor:
    """(K, 4) int32: first column, first row, columns and rows of the pixel centres inside."""
    a, b, c = corners.unbind(1)
    low, high = torch.minimum(torch.minimum(a, b), c), torch.maximum(torch.maximum(a, b), c)
    limit = corners.new_tensor([size[1], size[0]])
    first = torch.minimum((low - 0.5).ceil().clamp_min(0), limit)
    last = torch.minimum((high - 0.5).floor(), limit - 1).clamp_min(-1)
    return torch.cat([first, (last - first + 1).clamp_min(0)], dim=-1).nan_to_num(0.0).int()


def _twice_area(corners: Tensor) -> Tensor:
    """(K,) signed, positive when the corners run clockwise on the screen (y grows down)."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]


def _edges(corners: Tensor) -> Tensor:
    """(3, 3, K) coefficients of the edges opposite to each corner, >= 0 on the inner side.

    Each edge is set up from its lexicographically smaller end, then given its sign, so that the two
    triangles that share it get lines that differ in nothing but the sign.
    """
    x, y = corners[..., 0].T, corners[..., 1].T
    x0, y0, x1, y1 = x[[1, 2, 0]], y[[1, 2, 0]], x[[2, 0, 1]], y[[2, 0, 1]]
    swap = (x0 > x1) | ((x0 == x1) & (y0 > y1))
    x0, x1 = x1.where(swap, x0), x0.where(swap, x1)
    y0, y1 = y1.where(swap, y0), y0.where(swap, y1)
    a, b = y0 - y1, x1 - x0
    sign = torch.where(swap, -1.0, 1.0) * _twice_area(corners).sign()
    return torch.stack([a, b, -(a * x0 + b * y0)]) * sign


def _nearest(setup: _Setup, shape: tuple[int, int, int]) -> Tensor:
    """(B * H * W,) int64 keys: ordered depth in the upper half, row of the setup in the lower."""
    keys = setup.sample.new_full((shape[0] * shape[1] * shape[2],), EMPTY)
    for row, column, line in _pairs(setup):
        values = _evaluate(setup.edges, row, column, line)
        inside = values.amin(0).ge(0).nonzero().squeeze(1)
        row = row.index_select(0, inside)
        weights = _normalized(values.index_select(1, inside))
        depth = (weights * setup.depth.index_select(1, row)).sum(0)
        line = setup.sample.index_select(0, row) * shape[1] + line.index_select(0, inside)
        pixel = line * shape[2] + column.index_select(0, inside)
        keys.scatter_reduce_(0, pixel, (_ordered(depth) << 32) | row, "amin")
    return keys


def _evaluate(edges: Tensor, row: Tensor, column: Tensor, line: Tensor) -> Tensor:
    """(3, N) values of the edges of some triangles at pixel centres."""
    a, b, c = edges.flatten(0, 1).index_select(1, row).view(3, 3, -1)
    return torch.addcmul(torch.addcmul(c, a, column + 0.5), b, line + 0.5)


def _normalized(values: Tensor) -> Tensor:
    """(3, N) divided by their sums."""
    return values / values.sum(0).clamp_min(torch.finfo(values.dtype).tiny)


def _pairs(setup: _Setup) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Chunks of (setup row, image column, image line) for all pixels in all bounding boxes."""
    columns = setup.box[:, 2]
    counts = columns * setup.box[:, 3]
    for first, last in _chunks(counts):
        row = torch.arange(first, last, device=counts.device)
        chunk = counts[first:last].long()
        row = torch.repeat_interleave(row, chunk)
        start = (chunk.cumsum(0) - chunk).index_select(0, row - first)
        place = (torch.arange(row.numel(), device=row.device) - start).int()
        left, top, columns, _ = setup.box.index_select(0, row).unbind(1)
        line = torch.div(place, columns, rounding_mode="trunc")
        yield row, place - line * columns + left, line + top


def _chunks(counts: Tensor) -> Iterator[tuple[int, int]]:
    """Ranges of triangles with at most `PAIRS_AT_ONCE` pairs, or of a single larger triangle."""
    ends = counts.cumsum(0, dtype=torch.int64).cpu()
    first, done = 0, 0
    while first < len(ends):
        last = int(torch.searchsorted(ends, done + PAIRS_AT_ONCE, right=True))
        last = max(last, first + 1)
        yield first, last
        first, done = last, int(ends[last - 1])


def _ordered(depth: Tensor) -> Tensor:
    """Map float32 to int64 in the range of int32 so that the order of the numbers is kept."""
    bits = (depth + 0.0).contiguous().view(torch.int32).long()  # + 0.0 turns -0.0 into 0.0
    return torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)


def _finish(
    setup: _Setup, row: Tensor, pixel: Tensor, shape: tuple[int, int, int], perspective: bool
) -> Fragments:
    """Weights and depths of the winners."""
    lines = torch.div(pixel, shape[2], rounding_mode="trunc")
    column, line = pixel - lines * shape[2], lines % shape[1]
    weights = _normalized(_evaluate(setup.edges, row, column, line).clamp_min(0))
    corners = setup.depth.index_select(1, row)
    depth = (weights * corners).sum(0)
    if perspective:
        weights = _normalized(-weights * corners)
        depth = -depth.reciprocal()
    sample, triangle = setup.sample.index_select(0, row), setup.triangle.index_select(0, row)
    return Fragments(pixel, sample, triangle, weights.T.contiguous(), depth)
