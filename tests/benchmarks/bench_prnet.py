"""How fast PRNet finds meshes: pytest tests/benchmarks/bench_prnet.py"""

from __future__ import annotations

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from aukit.contracts.landmarker import IBUG68, Faces
from aukit_prnet.layout import Layout
from aukit_prnet.network import PositionMapNet
from aukit_prnet.predict import Predictor
from aukit_prnet.weights import Weights

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
SIZES = [(8, 128), (16, 256)]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("width", "resolution"), SIZES)
def test_meshes(benchmark: BenchmarkFixture, width: int, resolution: int, device: str) -> None:
    batch = 8 if device == "cpu" else 64
    network = PositionMapNet(width, resolution).eval()
    predictor = Predictor(Weights(network, Layout.load(resolution), {}, ""), device, batch)
    points = torch.rand(1, 68, 2) * 200 + 100
    face = Faces(torch.tensor([[100.0, 100, 300, 300]]), torch.ones(1), {IBUG68: points})
    images = [torch.randint(256, (3, 400, 400), dtype=torch.uint8).to(device)] * batch

    def run() -> torch.Tensor:
        return predictor.meshes(images, [face] * batch)[0].cpu()

    assert benchmark(run).isfinite().all()
    benchmark.extra_info["faces"] = batch
