"""How fast faces are registered in 3D: pytest tests/benchmarks/bench_registration.py

Each benchmark handles `BATCH` faces a round; frames per second are `BATCH` over the mean. The
aligners are compared on the same frames, beside MediaPipe's landmarker, which all of them need.
"""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
import skimage.data
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from aukit.api import build
from aukit.contracts.aligner import Aligner
from aukit.contracts.context import Context
from aukit.contracts.landmarker import Faces
from aukit.views import FERA17, FRONTAL
from aukit.vision.frontal import FrontalView
from aukit.vision.frontal_options import FrontalOptions
from aukit.vision.mesh import MeshTemplate
from aukit.vision.raster import rasterize_fragments
from aukit_mediapipe.canonical import template as facemesh_template
from aukit_mediapipe.landmarker import LiteRTLandmarker
from aukit_mediapipe.plugin import LiteRTOptions
from aukit_prnet.layout import Layout
from aukit_prnet.network import PositionMapNet

BATCH = 8
SIZE = 224
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(scope="module")
def photo() -> Tensor:
    return torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1).contiguous()


@pytest.fixture(scope="module")
def landmarker(face_landmarker: Path) -> LiteRTLandmarker:
    return LiteRTLandmarker(LiteRTOptions(), Context(weights=lambda ref: face_landmarker))


@pytest.fixture(scope="module")
def faces(landmarker: LiteRTLandmarker, photo: Tensor) -> Faces:
    return landmarker.detect([photo])[0].one(0)


def aligner_of(name: str, device: str) -> Aligner:
    aligner: Aligner = build("aligner", name, device=device)
    return aligner


def dense() -> MeshTemplate:
    """PRNet's mesh: a vertex for each face texel of the 256 x 256 map."""
    return Layout.load().template


def placed(template: MeshTemplate) -> Tensor:
    """The template in the middle of a picture, (B, V, 3) pixels."""
    low, high = template.vertices.amin(0), template.vertices.amax(0)
    scale = 200 / (high - low)[:2].max()
    middle = torch.tensor([256.0, 256.0, 0.0])
    mesh = (template.vertices - (low + high) / 2) * scale + middle
    return mesh.expand(BATCH, -1, -1).contiguous()


def synchronised(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def test_landmarks(
    benchmark: BenchmarkFixture, landmarker: LiteRTLandmarker, photo: Tensor
) -> None:
    found = benchmark(landmarker.detect, [photo] * BATCH)
    assert all(len(each) == 1 for each in found)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("width", [8, 16])
def test_network(benchmark: BenchmarkFixture, width: int, device: str) -> None:
    network = PositionMapNet(width).eval().to(device)
    crops = torch.rand(BATCH, 3, 256, 256, device=device)

    def run() -> Tensor:
        with torch.inference_mode():
            maps: Tensor = network(crops)
        synchronised(device)
        return maps

    assert benchmark(run).shape == (BATCH, 3, 256, 256)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("mesh", ["dense", "facemesh"])
def test_rasterize(benchmark: BenchmarkFixture, mesh: str, device: str) -> None:
    template = dense() if mesh == "dense" else facemesh_template()
    vertices = placed(template).to(device) - torch.tensor([144.0, 144.0, 0.0], device=device)
    triangles = template.triangles.to(device)

    def run() -> int:
        fragments = rasterize_fragments(vertices, triangles, (SIZE, SIZE))
        synchronised(device)
        return len(fragments.pixel)

    assert benchmark(run) > BATCH * 10_000


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("views", [1, 9])
@pytest.mark.parametrize("mesh", ["dense", "facemesh"])
def test_frontal_view(
    benchmark: BenchmarkFixture, photo: Tensor, mesh: str, views: int, device: str
) -> None:
    template = dense() if mesh == "dense" else facemesh_template()
    view = FrontalView.of(template, FrontalOptions(size=SIZE), device)
    images, meshes = [photo.to(device)] * BATCH, placed(template).to(device)
    wanted = (FRONTAL,) if views == 1 else FERA17
    shown = benchmark(view.show, images, meshes, wanted)
    assert shown[0].reasons == (None,) * BATCH


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ["2d", "facemesh", "prnet"])
def test_align(
    benchmark: BenchmarkFixture, photo: Tensor, faces: Faces, name: str, device: str
) -> None:
    aligner = aligner_of(name, device)
    result = benchmark(aligner.align, [photo.to(device)] * BATCH, [faces] * BATCH)
    assert len(result.reasons) == BATCH


@pytest.mark.parametrize("name", ["2d", "facemesh", "prnet"])
def test_landmarks_and_align(
    benchmark: BenchmarkFixture, landmarker: LiteRTLandmarker, photo: Tensor, name: str
) -> None:
    """From frames to registered faces, as `aukit align` does."""
    aligner, frames = aligner_of(name, "cpu"), [photo] * BATCH

    def run() -> tuple[str | None, ...]:
        found = [each.one(0) for each in landmarker.detect(frames)]
        return aligner.align(frames, found).reasons

    assert len(benchmark(run)) == BATCH


@pytest.mark.parametrize("name", ["2d", "facemesh", "prnet"])
def test_memory_stays_flat(photo: Tensor, faces: Faces, name: str) -> None:
    """What a long video takes at its peak is what its first frames take."""
    aligner = aligner_of(name, "cpu")

    def peak(rounds: int) -> int:
        for _ in range(rounds):
            aligner.align([photo] * BATCH, [faces] * BATCH)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    first = peak(5)
    assert peak(30) - first < 100_000  # kilobytes
