"""The rasterizer beside the loop that one writes first, and beside its vectorised reference.

pytest tests/benchmarks/bench_rasterizer.py -n0 -s

Processor time on one thread, taken in turns, the best of several rounds: what else the machine does
then matters little. All three give the same: triangle, weights and depth at every pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from aukit.bench.clock import Clock
from aukit.bench.plain import plain_rasterizer
from aukit.vision.mesh import MeshTemplate
from aukit.vision.raster import rasterize_fragments
from aukit.vision.scan import scan
from aukit_avatars.head import Head
from aukit_mediapipe.canonical import template as facemesh
from aukit_prnet.layout import Layout

BATCH, ROUNDS = 8, 12


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


@pytest.mark.parametrize("size", [96, 224])
@pytest.mark.parametrize("mesh", list(MESHES))
def test_within_reach_of_the_plain_loop(mesh: str, size: int) -> None:
    template = MESHES[mesh]()
    vertices, triangles, extent = placed(template, size), template.triangles, (size, size)
    loop = plain_rasterizer()
    found = rasterize_fragments(vertices, triangles, extent)
    same = loop(vertices, triangles, extent).flatten()[found.pixel] == found.triangle
    assert same.float().mean() > 0.999
    plain, ours, reference = Clock("cpu").least(
        [
            lambda: loop(vertices, triangles, extent),
            lambda: rasterize_fragments(vertices, triangles, extent),
            lambda: scan(vertices, triangles, extent, False, False),
        ],
        ROUNDS,
    )
    print(f"{mesh} {size}: {plain * 1e3:.1f} ms, times {ours / plain:.2f}")  # noqa: T201
    assert ours < reference
