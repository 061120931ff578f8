"""A straightforward z-buffer loop, as a reference for the rasterizer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def plain_rasterizer() -> Callable[[Tensor, Tensor, tuple[int, int]], Tensor]:
    """A newly compiled function of (B, V, 3) vertices, (T, 3) triangles and (height, width).

    It returns the indices of the nearest triangles, (B, H, W) int32, -1 where there is none.
    """
    loop: Any = numba.njit(error_model="numpy")(_loop)

    def draw(vertices: Tensor, triangles: Tensor, size: tuple[int, int]) -> Tensor:
        number = np.full((len(vertices), *size), -1, np.int32)
        weights = np.zeros((*number.shape, 3), np.float32)
        depth = np.full(number.shape, np.inf, np.float32)
        loop(vertices.numpy(), triangles.numpy(), number, weights, depth)
        return torch.from_numpy(number)

    return draw


def _loop(
    vertices: NDArray[np.float32],
    triangles: NDArray[np.int64],
    number: NDArray[np.int32],
    weights: NDArray[np.float32],
    depth: NDArray[np.float32],
) -> None:
    height, width = number.shape[1:]
    for b in range(len(vertices)):
        for t in range(len(triangles)):
            ax, ay, az = vertices[b, triangles[t, 0]]
            bx, by, bz = vertices[b, triangles[t, 1]]
            cx, cy, cz = vertices[b, triangles[t, 2]]
            area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
            if area == 0:
                continue
            left, right = math.ceil(min(ax, bx, cx) - 0.5), math.floor(max(ax, bx, cx) - 0.5)
            top, bottom = math.ceil(min(ay, by, cy) - 0.5), math.floor(max(ay, by, cy) - 0.5)
            for row in range(max(top, 0), min(bottom, height - 1) + 1):
                for column in range(max(left, 0), min(right, width - 1) + 1):
                    x, y = np.float32(column + 0.5), np.float32(row + 0.5)
                    u = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area
                    v = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area
                    w = np.float32(1) - u - v
                    z = u * az + v * bz + w * cz
                    if u >= 0 and v >= 0 and w >= 0 and z < depth[b, row, column]:
                        number[b, row, column], depth[b, row, column] = t, z
                        weights[b, row, column, 0] = u
                        weights[b, row, column, 1] = v
                        weights[b, row, column, 2] = w
