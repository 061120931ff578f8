"""The search for the nearest triangle at every pixel, behind `aukit.vision.raster`.

There is no loop over triangles or pixels. Every triangle is split into runs of pixels per image
row, between the crossings of its edges with that row. All runs are expanded together into
(triangle, pixel) pairs and reduced to the nearest by a scatter-min over a 64-bit key of depth and
triangle index. The edges are the half-planes of Pineda, "A parallel algorithm for polygon
rasterization", SIGGRAPH 1988.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from aukit.vision.spans import Setup, set_up

EMPTY = torch.iinfo(torch.int64).max
"""Key of a pixel that no triangle covers."""

PIXELS_AT_ONCE = 1 << 20
"""Pixels in the bounding boxes of the triangles drawn in one go; bounds the memory to 100 MB."""


@dataclass(frozen=True)
class Fragments:
    """The covered pixels as flat lists, since shading them is cheaper than shading whole images.

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


def scan(
    vertices: Tensor,
    triangles: Tensor,
    size: tuple[int, int],
    perspective: bool,
    cull_back: bool,
) -> Fragments:
    """The covered pixels and their nearest triangles; arguments as for `rasterize`."""
    shape = (vertices.shape[0], *size)
    setup = set_up(vertices.float(), triangles, size, perspective, cull_back)
    nearest = _nearest(setup, shape)
    pixel = (nearest != EMPTY).nonzero().squeeze(1)
    row = nearest[pixel] & 0xFFFFFFFF
    return _finish(setup, row, pixel, shape, perspective)


def scan_depth(vertices: Tensor, triangles: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, H, W) float32 depth of the nearest triangle, infinite where there is none; half the work
    of `scan`."""
    shape = (vertices.shape[0], *size)
    nearest = _nearest(set_up(vertices.float(), triangles, size, False, False), shape)
    return _disordered(nearest >> 32).where(nearest != EMPTY, torch.inf).view(shape)


def _nearest(setup: Setup, shape: tuple[int, int, int]) -> Tensor:
    """(B * H * W,) int64 keys: ordered depth in the upper half, row of the setup in the lower."""
    keys = setup.sample.new_full((shape[0] * shape[1] * shape[2],), EMPTY)
    for first, last in _chunks(setup.box[:, 2] * setup.box[:, 3]):
        spans = _spans(setup, first, last, shape)
        span, place = _counted(spans.columns)
        offset, slope, low, high = spans.depth.index_select(1, span)
        depth = torch.addcmul(offset, slope, place).clamp(low, high)
        pixel = spans.pixel.index_select(0, span) + place
        key = (_ordered(depth) << 32) | spans.row.index_select(0, span)
        keys.scatter_reduce_(0, pixel, key, "amin")
    return keys


@dataclass(frozen=True)
class _Spans:
    """Runs of pixels that a triangle covers in a line of an image.

    Attributes:
        row: (S,) int64 of the setup.
        pixel: (S,) int64, the first one in the flattened images.
        columns: (S,) int64, how many.
        depth: (4, S) float32: at the first pixel, change per pixel, smallest and largest allowed.
    """

    row: Tensor
    pixel: Tensor
    columns: Tensor
    depth: Tensor


def _spans(setup: Setup, first: int, last: int, shape: tuple[int, int, int]) -> _Spans:
    """The runs of some triangles.

    Where an edge crosses the line comes out the same for both of its triangles, because all that
    enters differs in nothing but the sign.
    """
    row, place = _counted(setup.box[first:last, 3].long())
    row = row + first
    left, top, columns, _ = setup.box.index_select(0, row).unbind(1)
    line = top + place
    a, b, c = setup.edges.flatten(0, 1).index_select(1, row).view(3, 3, -1)
    rest = torch.addcmul(c, b, line + 0.5)
    cross = -rest / a
    start = cross.where(a > 0, -torch.inf).amax(0).sub(0.5).ceil()
    stop = cross.where(a < 0, torch.inf).amin(0).sub(0.5).floor()
    start, stop = torch.maximum(start, left), torch.minimum(stop, left + columns - 1)
    count = (stop - start + 1).masked_fill((rest.where(a == 0, 0.0) < 0).any(0), 0.0)
    kept = (count > 0).nonzero().squeeze(1)
    row, start = row.index_select(0, kept), start.index_select(0, kept)
    image = setup.sample.index_select(0, row) * shape[1] + line.index_select(0, kept)
    return _Spans(
        row=row,
        pixel=image * shape[2] + start.long(),
        columns=count.index_select(0, kept).long(),
        depth=_span_depth(
            setup, row, a.index_select(1, kept), rest.index_select(1, kept), start + 0.5
        ),
    )


def _span_depth(setup: Setup, row: Tensor, a: Tensor, rest: Tensor, x: Tensor) -> Tensor:
    """(4, S): depth at the first pixel, its change per pixel, and the range of the corners.

    The range matters for slivers, whose change per pixel is mostly rounding.
    """
    corners = setup.depth.index_select(1, row)
    values = torch.addcmul(rest, a, x).clamp_min(0)
    total = values.sum(0).clamp_min(torch.finfo(values.dtype).tiny)
    depth, change = (corners * values).sum(0) / total, (corners * a).sum(0) / total
    return torch.stack([depth, change, corners.amin(0), corners.amax(0)])


def _counted(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Number the members of groups: (M,) int64 group and (M,) int64 place within it."""
    group = torch.repeat_interleave(counts)
    start = (counts.cumsum(0) - counts).index_select(0, group)
    return group, torch.arange(len(group), device=counts.device) - start


def _evaluate(edges: Tensor, row: Tensor, column: Tensor, line: Tensor) -> Tensor:
    """(3, N) values of the edges of some triangles at pixel centres."""
    a, b, c = edges.flatten(0, 1).index_select(1, row).view(3, 3, -1)
    return torch.addcmul(torch.addcmul(c, a, column + 0.5), b, line + 0.5)


def _normalized(values: Tensor) -> Tensor:
    """(3, N) divided by their sums."""
    return values / values.sum(0).clamp_min(torch.finfo(values.dtype).tiny)


def _chunks(counts: Tensor) -> Iterator[tuple[int, int]]:
    """Ranges of triangles whose boxes have `PIXELS_AT_ONCE` pixels, or of one larger triangle."""
    ends = counts.cumsum(0, dtype=torch.int64).cpu()
    first, done = 0, 0
    while first < len(ends):
        last = int(torch.searchsorted(ends, done + PIXELS_AT_ONCE, right=True))
        last = max(last, first + 1)
        yield first, last
        first, done = last, int(ends[last - 1])


def _ordered(depth: Tensor) -> Tensor:
    """Map float32 to int64 in the range of int32 so that the order of the numbers is kept."""
    bits = (depth + 0.0).contiguous().view(torch.int32).long()  # + 0.0 turns -0.0 into 0.0
    return torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)


def _disordered(bits: Tensor) -> Tensor:
    """The float32 that `_ordered` has made of a number."""
    return torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits).int().view(torch.float32)


def _finish(
    setup: Setup, row: Tensor, pixel: Tensor, shape: tuple[int, int, int], perspective: bool
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
