"""How fast avatars are rendered: pytest tests/benchmarks/bench_render.py

The time of encoding the same faces as PNG stands beside it.
"""

from __future__ import annotations

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from aukit.vision.images import encode
from aukit.vision.raster import rasterize
from aukit.vision.rotation import rotations
from aukit_avatars.actions import AUS, Face, strengths
from aukit_avatars.appearance import Looks
from aukit_avatars.atlas import Atlas
from aukit_avatars.camera import Camera
from aukit_avatars.head import Head
from aukit_avatars.paint import paint
from aukit_avatars.people import sample_person
from aukit_avatars.render import Renderer
from aukit_avatars.scene import Scenes

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
SIZES = [64, 128, 224, 256]
BATCH = 32


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.load()


@pytest.fixture(scope="module", params=DEVICES)
def renderer(request: pytest.FixtureRequest, head: Head) -> Renderer:
    return Renderer(head, request.param)


@pytest.fixture(scope="module")
def faces(head: Head) -> dict[str, object]:
    """A batch of frames of eight people, each with some AUs."""
    people = [sample_person(head, 1, f"p{number}", female=number % 2 == 0) for number in range(8)]
    identity = torch.stack([person.identity for person in people]).repeat(BATCH // 8, 1)
    levels = torch.randint(0, 6, (BATCH, len(AUS)), generator=torch.Generator().manual_seed(0))
    levels = levels * (levels > 3)
    strength = strengths(levels.float())[..., None].expand(-1, -1, 2).contiguous()
    looks = [Looks.draw(p.appearance, 0.4, 1 - p.female, p.origin.tolist()) for p in people]
    return {
        "shape": head.move(head.neutral(identity), Face(head).weights(identity, strength)),
        "camera": frontal(BATCH),
        "looks": looks * (BATCH // 8),
        "strength": strength,
        "scenes": Scenes.draw(torch.arange(BATCH)),
        "seeds": torch.arange(BATCH),
    }


def frontal(count: int) -> Camera:
    return Camera(
        rotations(torch.zeros(count, 3)),
        torch.zeros(count, 2),
        torch.full((count,), 120.0),
        torch.full((count,), 25.0),
    )


def images(renderer: Renderer, faces: dict[str, object], size: int) -> Tensor:
    return renderer.render(**faces, size=size).image.cpu()  # type: ignore[arg-type]


def per_second(benchmark: BenchmarkFixture) -> None:
    if benchmark.stats is not None:
        benchmark.extra_info["faces per second"] = round(BATCH / benchmark.stats["min"], 1)


@pytest.mark.parametrize("size", SIZES)
def test_render(
    benchmark: BenchmarkFixture, renderer: Renderer, faces: dict[str, object], size: int
) -> None:
    images(renderer, faces, size)  # the first call paints the people
    assert benchmark(images, renderer, faces, size).shape == (BATCH, 3, size, size)
    per_second(benchmark)


@pytest.mark.parametrize("size", SIZES)
def test_encode_png(
    benchmark: BenchmarkFixture, renderer: Renderer, faces: dict[str, object], size: int
) -> None:
    pictures = images(renderer, faces, size)
    assert len(benchmark(encode, pictures, "png")) == BATCH
    per_second(benchmark)


def test_paint_a_person(benchmark: BenchmarkFixture, head: Head) -> None:
    atlas = Atlas.of(head, 512)
    looks = Looks.draw(1, 0.4, 0.9, (0.0, 0.0, 1.0))
    assert benchmark(paint, looks, atlas).shape == (512 * 512, 4)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("device", DEVICES)
def test_rasterize(
    benchmark: BenchmarkFixture, head: Head, faces: dict[str, object], device: str, size: int
) -> None:
    camera = frontal(BATCH)
    screen = camera.project(camera.place(faces["shape"]), (size, size)).to(device)  # type: ignore[arg-type]
    triangles = head.triangles.to(device)
    result = benchmark(
        lambda: rasterize(screen, triangles, (size, size), perspective=True).triangle.cpu()
    )
    assert result.shape == (BATCH, size, size)
    per_second(benchmark)
