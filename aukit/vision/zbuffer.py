"""The rasterizer of `aukit.vision.scan` as a loop over triangles, compiled for CPUs by numba.

Both use the same float32 operations in the same order, so they find the same triangle at every
pixel. Import this module lazily: it loads numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from aukit.vision.compiled import array, for_each, kernel
from aukit.vision.scan import Fragments
from aukit.vision.zbuffer_loops import find, shade

_MESH = "float32[:,::1], int64[:,::1], boolean"
_FIND = f"int64({_MESH}, boolean, float32[:,::1], int32[:,::1])"
_SHADE = (
    f"void({_MESH}, int32[:,::1], int64, int64[::1], int64[::1], int64[::1], float32[:,::1],"
    " float32[::1])"
)


def fragments(
    vertices: Tensor,
    triangles: Tensor,
    size: tuple[int, int],
    perspective: bool,
    cull_back: bool,
) -> Fragments:
    """The result of `aukit.vision.scan.scan`; arguments as for `aukit.vision.raster.rasterize`.

    Raises:
        ValueError: a triangle has an invalid vertex index.
    """
    _, number, counts = _nearest(vertices, triangles, size, perspective, cull_back)
    ends = torch.tensor([0, *counts]).cumsum(0).tolist()
    pixel, sample, triangle = torch.empty(3, ends[-1], dtype=torch.int64)
    weights, depth = torch.empty(ends[-1], 3), torch.empty(ends[-1])
    found = [each.numpy() for each in (pixel, sample, triangle, weights, depth)]
    meshes, corners, draw = array(vertices), array(triangles), kernel(shade, _SHADE)

    def one(row: int) -> None:
        part = [each[ends[row] : ends[row + 1]] for each in found]
        draw(meshes[row], corners, perspective, number[row], row, *part)

    for_each(one, len(meshes))
    return Fragments(pixel, sample, triangle, weights, depth)


def depths(vertices: Tensor, triangles: Tensor, size: tuple[int, int]) -> Tensor:
    """The result of `aukit.vision.scan.scan_depth`; arguments and errors as for `fragments`."""
    return torch.from_numpy(_nearest(vertices, triangles, size, False, False)[0])


def _nearest(
    vertices: Tensor,
    triangles: Tensor,
    size: tuple[int, int],
    perspective: bool,
    cull_back: bool,
) -> tuple[Any, Any, list[int]]:
    """What `find` leaves: (B, H, W) float32 depths, infinite where there is no triangle; (B, H, W)
    int32 numbers of triangles, -1 there; how many pixels of each image are covered."""
    _check(vertices, triangles)
    depth = np.full((len(vertices), *size), np.inf, np.float32)
    number = np.full(depth.shape, -1, np.int32)
    meshes, corners, search = array(vertices), array(triangles), kernel(find, _FIND)

    def one(row: int) -> int:
        return int(search(meshes[row], corners, perspective, cull_back, depth[row], number[row]))

    return depth, number, for_each(one, len(meshes))


def _check(vertices: Tensor, triangles: Tensor) -> None:
    # A compiled loop would read beyond the array without a word.
    if triangles.numel():
        low, high = triangles.aminmax()
        if low < 0 or high >= vertices.shape[1]:
            raise ValueError(f"triangles must have vertex indices 0..{vertices.shape[1] - 1}")
