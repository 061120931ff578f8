"""The rasterizer beside the loop that one writes first, and beside its vectorised reference.

pytest tests/benchmarks/bench_rasterizer.py -n0 -s

Processor time on one thread, taken in turns, the best of several rounds: what else the machine does
then matters little. All three give the same: triangle, weights and depth at every pixel.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import numba
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from aukit.vision.mesh import MeshTemplate
from aukit.vision.raster import rasterize_fragments
from aukit.vision.scan import scan
from aukit_avatars.head import Head
from aukit_mediapipe.canonical import template as facemesh
from aukit_prnet.layout import Layout

BATCH, ROUNDS = 8, 12


def plain(
    vertices: NDArray[np.float32],
    triangles: NDArray[np.int64],
    number: NDArray[np.int32],
    weights: NDArray[np.float32],
    depth: NDArray[np.float32],
) -> None:
    """The loop over triangles and the pixels of their boxes."""
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


def avatar() -> MeshTemplate:
    head = Head.load()
    front = head.vertices * torch.tensor([1.0, -1.0, -1.0])
    corners = torch.zeros(68, 1, dtype=torch.int64)
    return MeshTemplate(
        front, head.triangles, corners, torch.ones(68, 1), torch.ones(len(front)), None
    )


MESHES: dict[str, Callable[[], MeshTemplate]] = {
    "prnet": lambda: Layout.load().template,
    "facemesh": facemesh,
    "avatar": avatar,
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def placed(template: MeshTemplate, size: int) -> Tensor:
    low, high = template.vertices.amin(0), template.vertices.amax(0)
    scale = 0.9 * size / (high - low)[:2].max()
    middle = torch.tensor([size / 2, size / 2, 0.0])
    mesh = (template.vertices - (low + high) / 2) * scale + middle
    return mesh.expand(BATCH, -1, -1).contiguous()


def seconds(works: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The least processor time of each, in turns."""
    best = dict.fromkeys(works, math.inf)
    for _ in range(ROUNDS):
        for name, work in works.items():
            start = time.process_time()
            work()
            best[name] = min(best[name], time.process_time() - start)
    return best


@pytest.mark.parametrize("size", [96, 224])
@pytest.mark.parametrize("mesh", list(MESHES))
def test_within_reach_of_the_plain_loop(mesh: str, size: int) -> None:
    template = MESHES[mesh]()
    vertices, triangles, extent = placed(template, size), template.triangles, (size, size)
    loop = numba.njit(error_model="numpy")(plain)

    def first() -> NDArray[np.int32]:
        number = np.full((BATCH, *extent), -1, np.int32)
        weights = np.zeros((BATCH, *extent, 3), np.float32)
        depth = np.full((BATCH, *extent), np.inf, np.float32)
        loop(vertices.numpy(), triangles.numpy(), number, weights, depth)
        return number

    found = rasterize_fragments(vertices, triangles, extent)
    same = torch.from_numpy(first()).flatten()[found.pixel] == found.triangle
    assert same.float().mean() > 0.999
    took = seconds(
        {
            "loop": first,
            "aukit": lambda: rasterize_fragments(vertices, triangles, extent),
            "reference": lambda: scan(vertices, triangles, extent, False, False),
        }
    )
    ratios = {name: round(value / took["loop"], 2) for name, value in took.items()}
    print(f"{mesh} {size}: {took['loop'] * 1e3:.1f} ms, {ratios}")  # noqa: T201
    assert ratios["aukit"] < ratios["reference"]
