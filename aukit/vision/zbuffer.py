"""The rasterizer of `aukit.vision.scan` as a loop over triangles, compiled for CPUs by numba.

Both use the same float32 operations in the same order, so they find the same triangle at every
pixel. Import this module lazily: it loads numba. Compilation happens with the first mesh; the
result stays in numba's cache on disk.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numba
import numpy as np
import torch
from torch import Tensor

from aukit.vision.scan import Fragments
from aukit.vision.zbuffer_loops import find, shade

_MESH = "float32[:,::1], int64[:,::1], boolean"
_FIND = f"int64({_MESH}, boolean, float32[:,::1], int32[:,::1])"
_SHADE = (
    f"void({_MESH}, int32[:,::1], int64, int64[::1], int64[::1], int64[::1], float32[:,::1],"
    " float32[::1])"
)

T = TypeVar("T")


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
    meshes, corners, draw = _array(vertices), _array(triangles), _kernel(shade, _SHADE)

    def one(row: int) -> None:
        part = [each[ends[row] : ends[row + 1]] for each in found]
        draw(meshes[row], corners, perspective, number[row], row, *part)

    _for_each(one, len(meshes))
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
    meshes, corners, search = _array(vertices), _array(triangles), _kernel(find, _FIND)

    def one(row: int) -> int:
        return int(search(meshes[row], corners, perspective, cull_back, depth[row], number[row]))

    return depth, number, _for_each(one, len(meshes))


def _check(vertices: Tensor, triangles: Tensor) -> None:
    # A compiled loop would read beyond the array without a word.
    if triangles.numel():
        low, high = triangles.aminmax()
        if low < 0 or high >= vertices.shape[1]:
            raise ValueError(f"triangles must have vertex indices 0..{vertices.shape[1] - 1}")


def _array(values: Tensor) -> Any:
    kept = values.detach().contiguous()
    return (kept.float() if kept.is_floating_point() else kept).numpy()


def _for_each(work: Callable[[int], T], count: int) -> list[T]:
    """What `work` gives for 0..count - 1, on as many threads as torch uses: loops hold no lock."""
    threads = min(count, torch.get_num_threads())
    if threads < 2:
        return [work(row) for row in range(count)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, range(count)))


@functools.cache
def _kernel(function: Callable[..., T], signature: str) -> Callable[..., T]:
    """The function, compiled."""
    compiler: Any = functools.partial(numba.njit, signature, nogil=True, error_model="numpy")
    try:
        compiled: Callable[..., T] = compiler(cache=True)(function)
    except Exception:  # no folder that can be written, a full disk, a damaged cache: do without
        compiled = compiler()(function)
    return compiled
