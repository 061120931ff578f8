"""Per-triangle data for scanning rows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Setup:
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


def set_up(
    vertices: Tensor,
    triangles: Tensor,
    size: tuple[int, int],
    perspective: bool,
    cull_back: bool,
) -> Setup:
    corners = corners_of(vertices, triangles)
    box = boxes_of(corners[..., :2], size)
    kept = (box[:, 2:] > 0).all(1).nonzero().squeeze(1)
    corners = corners.index_select(0, kept)
    area = twice_area(corners)
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
    return Setup(sample, triangle, edges_of(corners), depth.T.contiguous(), box)


def corners_of(vertices: Tensor, triangles: Tensor) -> Tensor:
    """(B * T, 3, 3): the corners of all triangles of all meshes."""
    first = torch.arange(len(vertices), device=triangles.device) * vertices.shape[1]
    rows = triangles.flatten() + first[:, None]
    return vertices.reshape(-1, 3).index_select(0, rows.flatten()).view(-1, 3, 3)


def boxes_of(corners: Tensor, size: tuple[int, int]) -> Tensor:
    """(K, 4) int32: first column, first row, columns and rows of the pixel centres inside."""
    a, b, c = corners.unbind(1)
    low, high = torch.minimum(torch.minimum(a, b), c), torch.maximum(torch.maximum(a, b), c)
    limit = corners.new_tensor([size[1], size[0]])
    first = torch.minimum((low - 0.5).ceil().clamp_min(0), limit)
    last = torch.minimum((high - 0.5).floor(), limit - 1).clamp_min(-1)
    return torch.cat([first, (last - first + 1).clamp_min(0)], dim=-1).nan_to_num(0.0).int()


def twice_area(corners: Tensor) -> Tensor:
    """(K,) signed, positive when the corners run clockwise on the screen (y grows down)."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]


def edges_of(corners: Tensor) -> Tensor:
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
    sign = torch.where(swap, -1.0, 1.0) * twice_area(corners).sign()
    return torch.stack([a, b, -(a * x0 + b * y0)]) * sign
