"""ONNX forms of the components that offer one, computed by onnxruntime."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from aukit.contracts.context import Context
from aukit.contracts.graph import Graph, HasGraph, RunsGraph, Tensors
from aukit.errors import ConfigError, DataError
from aukit.estimation.estimator import NetworkEstimator
from aukit.seeds import seed_of
from aukit.store import graphs
from aukit.store.graphs import GRAPH, open_graph, refuse_other_weights, write_graph
from aukit.synthesis.painter import Painter
from aukit.testing.drawn import AUS, DrawnFaces
from aukit_features.estimator import RegressionEstimator
from aukit_features.features import FeaturesEstimator
from aukit_features.landmarks import LandmarksEstimator
from aukit_features.plugin import FeaturesConfig, RegressionConfig
from aukit_features.regression import Regression
from aukit_features.ridge import Linear
from aukit_ganimation.plugin import GanimationConfig
from aukit_ganimation.synthesizer import Ganimation
from aukit_lacgan.plugin import LacganConfig
from aukit_lacgan.synthesizer import Lacgan
from aukit_vgg.estimator import VggEstimator
from aukit_vgg.plugin import VggConfig

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

SIDE = 48


def with_networks(estimator: NetworkEstimator, limits: bool) -> NetworkEstimator:
    """An estimator as if it had been fitted: random networks, and limits between levels."""
    torch.manual_seed(seed_of(0, "test"))
    estimator.aus = AUS[:2]
    estimator.networks = [estimator._built(group) for group in estimator._groups()]
    if limits:
        estimator.limits = torch.linspace(2, 3, 5).repeat(2, 1)
    return estimator


def with_ridges(estimator: RegressionEstimator, width: int) -> RegressionEstimator:
    """The same with random ridges."""
    estimator.aus = AUS
    random = torch.Generator().manual_seed(1)
    weights = torch.randn(2, width, len(AUS), generator=random) * 4 / width**0.5
    for name, weight in zip(("stranger", "acquainted"), weights, strict=True):
        estimator.regressions[name] = Regression(Linear(weight, torch.full((len(AUS),), 2.0)))
    return estimator


def vgg() -> NetworkEstimator:
    config = VggConfig(size=32, width=0.125, networks="per-au", head="softmax")
    return with_networks(VggEstimator(config, Context()), limits=True)


def landmarks() -> RegressionEstimator:
    return with_ridges(LandmarksEstimator(RegressionConfig(), Context()), 136)


def network() -> RegressionEstimator:
    """The same with a second map behind the numbers of the first."""
    estimator = landmarks()
    random = torch.Generator().manual_seed(2)
    out = Linear(torch.randn(len(AUS), len(AUS), generator=random), torch.ones(len(AUS)))
    for name, ridge in estimator.regressions.items():
        estimator.regressions[name] = Regression(ridge.first, out)
    return estimator


def features() -> RegressionEstimator:
    config = FeaturesConfig(backbone="mobilenet_v2", weights="none", size=32, strides="8", cells=2)
    estimator = FeaturesEstimator(config, Context())
    torch.manual_seed(seed_of(0, "test"))
    estimator._place(None)
    return with_ridges(estimator, sum(estimator.blocks))


SLOW = [
    pytest.mark.slow,
    pytest.mark.skipif("AUKIT_SLOW" not in os.environ, reason="takes long; set AUKIT_SLOW=1"),
]
ESTIMATORS = [vgg, landmarks, network, pytest.param(features, marks=SLOW)]


def ganimation() -> Painter[Any]:
    config = GanimationConfig(size=32, width=8, blocks=1, depth=3, composition="motion")
    return painter(Ganimation(config, Context()), config)


def lacgan() -> Painter[Any]:
    config = LacganConfig(size=32, width=4, latent=8, composition="motion")
    return painter(Lacgan(config, Context()), config)


def painter(synthesizer: Painter[Any], config: Any) -> Painter[Any]:
    torch.manual_seed(seed_of(0, "test"))
    synthesizer.aus, synthesizer.networks = AUS, synthesizer.build(config, AUS)
    with torch.no_grad():
        for weight in synthesizer.networks.parameters():
            weight.mul_(1.5)  # untrained ones change next to nothing
    return synthesizer


PAINTERS = [ganimation, pytest.param(lacgan, marks=SLOW)]


@pytest.mark.parametrize("make", ESTIMATORS)
def test_an_estimator_predicts_the_same_by_onnxruntime(
    make: Callable[[], Any], tmp_path: Path
) -> None:
    estimator, faces = make(), DrawnFaces(9, size=SIDE, seed=3)
    assert isinstance(estimator, RunsGraph)
    example = DrawnFaces(6, size=SIDE).batch(range(6))
    worst = write_graph(estimator.graph(example), tmp_path / GRAPH, {"weights": "1234"})
    assert worst <= graphs.TOLERANCE

    def estimates() -> tuple[Tensor, Tensor]:
        if isinstance(estimator, RegressionEstimator):
            estimator.calibrate(faces)
        found = estimator.predict(faces.batch(range(9)))
        return found.intensity, found.level

    own = estimates()
    estimator.run_graph(open_graph(tmp_path / GRAPH))
    # What computes in torch must not be asked any more.
    estimator.networks = [nn.Identity()] if hasattr(estimator, "networks") else []
    estimator.describe = None
    intensity, level = estimates()
    assert own[0].std(0).min() > 1e-3
    torch.testing.assert_close(intensity, own[0], atol=1e-4, rtol=0)
    assert torch.equal(level, own[1])
    refuse_other_weights(tmp_path / GRAPH, "1234")
    with pytest.raises(DataError, match="made from other weights"):
        refuse_other_weights(tmp_path / GRAPH, "5678")


@pytest.mark.parametrize("make", PAINTERS)
def test_a_synthesizer_paints_the_same_by_onnxruntime(
    make: Callable[[], Painter[Any]], tmp_path: Path
) -> None:
    synthesizer = make()
    assert isinstance(synthesizer, HasGraph)
    example = DrawnFaces(6, size=SIDE, uncoded=0.3).batch(range(6))
    write_graph(synthesizer.graph(example), tmp_path / GRAPH, {})
    faces = DrawnFaces(4, size=SIDE, uncoded=0.5, seed=2).batch(range(4))
    wishes = replace(faces.labels, mask=torch.rand(4, len(AUS)) < 0.7)
    painted = synthesizer.synthesize(faces, wishes, torch.zeros(4, dtype=torch.int64))
    unknown = faces.labels.values.masked_fill(~faces.labels.mask, torch.nan)
    found = open_graph(tmp_path / GRAPH)(
        {
            "images": faces.images / 255,
            "landmarks": faces.landmarks,
            "shown": unknown,
            "wanted": wishes.values.masked_fill(~wishes.mask, torch.nan),
        }
    )["image"]
    assert (painted.int() - faces.images.int()).abs().max() > 8
    assert (found * 255 - painted).abs().max() < 0.6  # the one is rounded to bytes


class Forgetful(nn.Module):
    """Gives other numbers every time that torch asks it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, given: Tensors) -> tuple[Tensor]:
        self.calls += 1
        return (given["images"].mean((1, 2, 3)) + 0.01 * self.calls,)


def test_a_graph_that_differs_from_torch_is_refused(tmp_path: Path) -> None:
    about = {"images": "", "brightness": ""}
    graph = Graph(Forgetful(), {"images": torch.rand(3, 3, 4, 4)}, ("brightness",), about)
    with pytest.raises(DataError, match=r"differ from torch by 0\.0"):
        write_graph(graph, tmp_path / GRAPH, {})
    assert list(tmp_path.iterdir()) == []


def test_a_graph_with_other_inputs_is_refused(tmp_path: Path) -> None:
    example = DrawnFaces(6, size=SIDE).batch(range(6))
    graph = landmarks().graph(example)
    write_graph(graph, tmp_path / GRAPH, {})
    run = open_graph(tmp_path / GRAPH)
    assert set(run(graph.inputs)) == set(graph.outputs)
    fewer = {name: values for name, values in graph.inputs.items() if name != "middle"}
    for given in (fewer, {**graph.inputs, "newer": graph.inputs["trust"]}):
        with pytest.raises(
            DataError, match="has the inputs landmarks, middle, trust, zero instead"
        ):
            run(given)


def test_what_is_no_graph_and_what_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / GRAPH).write_bytes(b"half a mod")
    with pytest.raises(DataError, match="not a readable ONNX model"):
        open_graph(tmp_path / GRAPH)
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match="onnxruntime is not installed") as caught:
        open_graph(tmp_path / GRAPH)
    assert "aukit-facs[onnx]" in str(caught.value)
