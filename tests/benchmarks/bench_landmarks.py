"""How fast faces are found and registered: pytest tests/benchmarks/bench_landmarks.py"""

from __future__ import annotations

from pathlib import Path

import pytest
import skimage.data
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.landmarker import Faces
from aukit.vision.images import decode, encode
from aukit.vision.warp import place, warp
from aukit_mediapipe.landmarker import LiteRTLandmarker
from aukit_mediapipe.plugin import LiteRTOptions
from aukit_procrustes.align import ProcrustesAligner
from aukit_procrustes.plugin import Options

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(scope="module")
def photo() -> Tensor:
    return torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1).contiguous()


@pytest.fixture(scope="module")
def context(face_landmarker: Path) -> Context:
    return Context(weights=lambda ref: face_landmarker)


@pytest.fixture(scope="module")
def faces(context: Context, photo: Tensor) -> Faces:
    return LiteRTLandmarker(LiteRTOptions(), context).detect([photo])[0]


@pytest.mark.parametrize("batch", [1, 32])
def test_detect(benchmark: BenchmarkFixture, context: Context, photo: Tensor, batch: int) -> None:
    landmarker = LiteRTLandmarker(LiteRTOptions(), context)
    found = benchmark(landmarker.detect, [photo] * batch)
    assert all(len(each) == 1 for each in found)


@pytest.mark.parametrize("tiles", [1, 2, 4])
def test_detect_nothing(benchmark: BenchmarkFixture, context: Context, tiles: int) -> None:
    landmarker = LiteRTLandmarker(LiteRTOptions(tiles=tiles), context)
    assert not len(benchmark(landmarker.detect, [torch.zeros(3, 512, 512).byte()])[0])


@pytest.mark.parametrize("device", DEVICES)
def test_align(benchmark: BenchmarkFixture, photo: Tensor, faces: Faces, device: str) -> None:
    aligner = ProcrustesAligner(Options(), Context(device=device))
    result = benchmark(aligner.align, [photo.to(device)] * 32, [faces] * 32)
    assert result.reasons == (None,) * 32


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("scale", [0.05, 0.5, 2.0])
def test_warp(benchmark: BenchmarkFixture, photo: Tensor, scale: float, device: str) -> None:
    transform = place(
        torch.tensor([scale]),
        torch.tensor([0.3]),
        torch.tensor([[256.0, 256.0]]),
        torch.tensor([112.0, 112.0]),
    )
    images = [photo.to(device)] * 16
    assert benchmark(warp, images, transform.expand(16, 3, 3), 224).any()


def test_png(benchmark: BenchmarkFixture, photo: Tensor) -> None:
    batch = photo[None, :, :224, 100:324].expand(32, -1, -1, -1)
    files = benchmark(encode, batch)
    assert decode(files[0]).reason is None
