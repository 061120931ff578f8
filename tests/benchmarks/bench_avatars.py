"""How fast the dataset brings frames, and the landmarker finds their faces:
pytest tests/benchmarks/bench_avatars.py"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from aukit.contracts.context import Context
from aukit_avatars.dataset import Avatars
from aukit_avatars.plugin import AvatarsConfig
from aukit_mediapipe.landmarker import LiteRTLandmarker
from aukit_mediapipe.plugin import LiteRTOptions

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
SIZES = [128, 256]
FACES = 64


def avatars_of(size: int, device: str = "cpu") -> Avatars:
    """A recipe of 64 frames of 4 people."""
    config = AvatarsConfig(version=1, train=4, valid=0, test=0, tasks=8, frames=2, size=size)
    return Avatars(config, Context(device=device))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("size", SIZES)
def test_read(benchmark: BenchmarkFixture, size: int, device: str) -> None:
    avatars = avatars_of(size, device)
    rows = avatars.index()
    frames = benchmark(lambda: list(avatars.read(rows)))  # people are painted in the warm-up
    assert sum(len(batch.images) for batch in frames) == FACES


@pytest.mark.parametrize("size", SIZES)
def test_find_landmarks(benchmark: BenchmarkFixture, size: int, face_landmarker: Path) -> None:
    avatars = avatars_of(size)
    images = list(avatars.truth(avatars.index()).images)
    landmarker = LiteRTLandmarker(LiteRTOptions(), Context(weights=lambda ref: face_landmarker))
    assert len(benchmark(landmarker.detect, images)) == FACES
